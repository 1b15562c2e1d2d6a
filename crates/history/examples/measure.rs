//! Measures the history of one space: `measure DIR ROWS`. Prints readings per CPU second for
//! appends, the flush and a scan, and bytes per reading in Parquet.
//!
//! The profile: 100 devices with 4 signals each, one reading of each every 10 s, the times
//! jittered by up to 500 ms; values as of sensors with one or two decimals.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::PathBuf;

use history::{Options, Room, Scan, SeriesId, SeriesInfo, SeriesKey, View, Writer, open};
use model::promise::DurableMark;
use model::{Horizon, Position, Quality, Timestamp, Value};
use rustix::time::{ClockId, clock_gettime};

const DEVICES: usize = 100;
const SIGNALS: [(&str, f64, f64); 4] = [
    ("temperature", 21.0, 0.1),
    ("humidity", 55.0, 0.1),
    ("pressure", 1013.0, 0.01),
    ("battery", 3.0, 0.01),
];
const START_MS: i64 = 1_795_600_000_000;

/// A small generator of numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn small(&mut self, limit: u32) -> f64 {
        f64::from(u32::try_from(self.below(u64::from(limit))).unwrap_or_default())
    }
}

/// CPU seconds of this process.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a measurement")]
    let seconds = time.tv_sec as f64;
    seconds + f64::from(u32::try_from(time.tv_nsec).unwrap_or_default()) / 1e9
}

/// A reading before it is appended.
type Made = (SeriesId, Timestamp, f64);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let rows: usize = arguments.next().ok_or("how many rows?")?.parse()?;
    let now = Timestamp::from_millis(START_MS);
    let options = Options { hot_rows_max: 16_000_000, ..Options::new(dir) };
    let (mut writer, reader, resume) = open(options, now)?;
    let (horizon, mut durable, _) = Horizon::new(Position::ZERO, &[], Box::new(drop));
    let made = make(&mut writer, rows)?;
    #[expect(clippy::cast_precision_loss, reason = "rows of a measurement")]
    let millions = rows as f64 / 1e6;
    let mut out = stdout();

    let seconds =
        timed(|| append(&mut writer, &made, (resume.position, &horizon, &mut durable)))?.1;
    writeln!(out, "append: {:.1} M readings per CPU second", millions / seconds)?;
    let view = || reader.view(horizon.committed());
    let (count, seconds) = timed(|| scan(&view(), &Scan::default()))?;
    writeln!(out, "hot scan: {count} rows in {seconds:.3} CPU s")?;
    writer.mark(b"", now);
    let (flushed, seconds) = timed(|| Ok(writer.finish(horizon.committed())?.ok_or("a flush")?))?;
    writeln!(out, "flush: {:.2} M rows per CPU second", millions / seconds)?;
    #[expect(clippy::cast_precision_loss, reason = "bytes of a measurement")]
    let bytes = flushed.bytes as f64 / 1e6;
    writeln!(out, "stored: {:.3} bytes per reading, {} files", bytes / millions, flushed.files)?;
    let (count, seconds) = timed(|| scan(&view(), &Scan::default()))?;
    writeln!(out, "cold scan: {count} rows in {seconds:.3} CPU s")?;
    let one = Scan { series: Some(vec![SeriesId::new(0)]), ..Scan::default() };
    let (count, seconds) = timed(|| scan(&view(), &one))?;
    writeln!(out, "one series, cold: {count} rows in {seconds:.4} CPU s")?;
    Ok(())
}

/// What `work` gives, and the CPU seconds it took.
fn timed<T>(work: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<(T, f64), Box<dyn Error>> {
    let start = cpu_seconds();
    let done = work()?;
    Ok((done, cpu_seconds() - start))
}

fn make(writer: &mut Writer, rows: usize) -> Result<Vec<Made>, Box<dyn Error>> {
    let mut series = Vec::new();
    for device in 0..DEVICES {
        let device = format!("farm/barn{device}");
        for (signal, level, step) in SIGNALS {
            let key = SeriesKey { device: &device, signal };
            series.push((writer.series(key, SeriesInfo::default()), level, step));
        }
    }
    let mut dice = Dice(88_172_645_463_325_252);
    let mut made = Vec::with_capacity(rows);
    for round in 0.. {
        for (id, level, step) in &mut series {
            *level += (dice.small(3) - 1.0) * *step;
            let jitter = i64::try_from(dice.below(500))?;
            let time = Timestamp::from_millis(START_MS + round * 10_000 + jitter);
            made.push((*id, time, (*level / *step).round() * *step));
        }
        if made.len() >= rows {
            break;
        }
    }
    made.truncate(rows);
    Ok(made)
}

/// As ingest does: two readings a record, a seal and a commit every 512 readings.
fn append(
    writer: &mut Writer,
    made: &[Made],
    (start, horizon, durable): (Position, &Horizon, &mut DurableMark),
) -> Result<(), Box<dyn Error>> {
    let mut position = start;
    for batch in made.chunks(512) {
        for record in batch.chunks(2) {
            position = position.next();
            for (series, time, value) in record {
                writer.append(*series, (*time, Value::Number(*value)), Quality::GOOD, position);
            }
        }
        if writer.seal(position) == Room::Full {
            return Err("the tail is full".into());
        }
        durable.advance(position);
        writer.tick(horizon.committed())?;
    }
    Ok(())
}

fn scan(view: &View, scan: &Scan) -> Result<usize, Box<dyn Error>> {
    let mut rows = 0;
    for batch in view.scan(scan)? {
        rows += batch?.num_rows();
    }
    Ok(rows)
}
