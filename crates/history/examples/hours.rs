//! Measures the hours of one space: `hours DIR DEVICES DAYS`. Each device has 4 signals with a
//! reading a minute. Prints what closing the days and making their hours costs, what hours take on
//! disk, and what a line of 1,200 columns over all of it reads without and with them.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::time::Duration;

use history::{HoursScan, Options, Room, SeriesId, SeriesInfo, SeriesKey, View, Writer, open};
use model::promise::DurableMark;
use model::{Horizon, Position, Quality, Timestamp, Value};
use rustix::time::{ClockId, clock_gettime};

const SIGNALS: [&str; 4] = ["battery", "humidity", "pressure", "temperature"];
const DAY_MS: i64 = 86_400_000;
/// 2026-01-01.
const START_MS: i64 = 20_454 * DAY_MS;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let devices: u32 = arguments.next().ok_or("how many devices?")?.parse()?;
    let days: i64 = arguments.next().ok_or("how many days?")?.parse()?;
    let (mut writer, reader, _) = open(Options::new(dir), Timestamp::from_millis(START_MS))?;
    let (horizon, mut durable, _) = Horizon::new(Position::ZERO, &[], Box::new(drop));
    for day in 0..days {
        write_day(&mut writer, (devices, day), (&horizon, &mut durable))?;
    }
    let now = Timestamp::from_millis(START_MS + (days + 2) * DAY_MS);
    let mut out = stdout();
    let (merges, seconds) = timed(|| {
        let mut merges = 0;
        while writer.merge(now)?.is_some() {
            merges += 1;
        }
        Ok(merges)
    })?;
    writeln!(out, "{merges} merges: {seconds:.2} CPU s")?;
    let view = || reader.view(horizon.committed());
    line(&view(), days, "from readings")?;
    let ((rows, bytes), seconds) = timed(|| {
        let (mut rows, mut bytes) = (0, 0);
        while let Some(made) = writer.summarise(now)? {
            rows += made.rows;
            bytes += made.bytes;
        }
        Ok((rows, bytes))
    })?;
    writeln!(out, "{rows} hours made: {seconds:.2} CPU s, {bytes} bytes")?;
    line(&view(), days, "from hours")?;
    let one = HoursScan { series: Some(vec![SeriesId::new(1)]), ..HoursScan::default() };
    let (found, seconds) = timed(|| count(&view(), &one))?;
    writeln!(out, "hours of one signal: {found} rows in {seconds:.4} CPU s")?;
    let (found, seconds) = timed(|| count(&view(), &HoursScan::default()))?;
    writeln!(out, "all hours: {found} rows in {seconds:.4} CPU s")?;
    let asked = view().outlook_of_hours(&HoursScan::default());
    let (usable, seconds) = timed(|| Ok(view().days((None, None)).len()))?;
    writeln!(out, "{usable} days looked at in {seconds:.5} CPU s, {} files", asked.files)?;
    Ok(())
}

/// One line, twice: the second time footers are known.
fn line(view: &View, days: i64, how: &str) -> Result<(), Box<dyn Error>> {
    let span = (Timestamp::from_millis(START_MS), Timestamp::from_millis(START_MS + days * DAY_MS));
    for _ in 0..2 {
        let (columns, seconds) = timed(|| Ok(view.m4(SeriesId::new(0), span, 1_200)?))?;
        let readings: u64 = columns.iter().map(|column| column.count).sum();
        let count = columns.len();
        writeln!(stdout(), "line {how}: {readings} readings, {count} columns, {seconds:.4} CPU s")?;
    }
    Ok(())
}

fn count(view: &View, scan: &HoursScan) -> Result<usize, Box<dyn Error>> {
    let mut rows = 0;
    for batch in view.scan_hours(scan)? {
        rows += batch?.num_rows();
    }
    Ok(rows)
}

/// A day of readings, flushed.
fn write_day(
    writer: &mut Writer,
    (devices, day): (u32, i64),
    (horizon, durable): (&Horizon, &mut DurableMark),
) -> Result<(), Box<dyn Error>> {
    let mut position = writer.sealed();
    let mut series = Vec::new();
    for device in 0..devices {
        let device = format!("farm/barn{device}");
        for signal in SIGNALS {
            let key = SeriesKey { device: &device, signal };
            series.push(writer.series(key, SeriesInfo::default()));
        }
    }
    for minute in 0..1_440_i32 {
        let time = START_MS + day * DAY_MS + i64::from(minute) * 60_000;
        position = position.next();
        for id in &series {
            let wave = f64::from(minute.wrapping_mul(31).rem_euclid(200)) / 10.0;
            let value = Value::Number(wave + f64::from(id.get()));
            writer.append(*id, (Timestamp::from_millis(time), value), Quality::GOOD, position);
        }
        if writer.seal(position) == Room::Full {
            return Err("the tail is full".into());
        }
        durable.advance(position);
    }
    let now = Timestamp::from_millis(START_MS + (day + 1) * DAY_MS);
    writer.mark(b"", now.saturating_add(Duration::from_secs(1)));
    writer.finish(horizon.committed())?;
    Ok(())
}

/// What `work` gives, and the CPU seconds it took.
fn timed<T>(work: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<(T, f64), Box<dyn Error>> {
    let start = cpu_seconds();
    let done = work()?;
    Ok((done, cpu_seconds() - start))
}

/// CPU seconds of this process.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a measurement")]
    let seconds = time.tv_sec as f64;
    seconds + f64::from(u32::try_from(time.tv_nsec).unwrap_or_default()) / 1e9
}
