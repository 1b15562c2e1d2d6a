//! An import from its first row to its last: batches through the door, and how far it came.

use std::borrow::Cow;
use std::path::PathBuf;

use dialect::{TEXT_BYTES_MAX, is_line};
use field::Stop;
use field::replay::Progress;
use model::{Timestamp, Value};

use crate::door::{Batch, Door, DoorFault};
use crate::fault::ImportFault;
use crate::pack::Packer;
use crate::sink::{Extent, Found, Sink, Skip, Source};
use crate::survey::{Reader, Survey, handle_of};

const MAGIC: &str = "althing-import 1";

/// Readings of one request: a site answers when all of them are on its disk, so that many share
/// one wait. At some 60 bytes each they are a MB.
const BATCH_READINGS: u64 = 16_384;

/// The door takes 16 MiB; a row may come on top.
const BATCH_BYTES: usize = 8 << 20;

/// The door takes no longer line.
const POINT_BYTES_MAX: usize = 512 << 10;

/// Names that are longer become no readable handle.
const NAME_BYTES_MAX: usize = 512;

/// 2000-01-01T00:00:00Z: a site takes an earlier time for a clock that was never set.
const EARLIEST: Timestamp = Timestamp::from_micros(946_684_800_000_000);

/// And likewise one more than a day ahead; an hour less, for clocks that differ.
const AHEAD_MAX: std::time::Duration = std::time::Duration::from_secs(23 * 3600);

/// Rows between two looks at the progress.
const SHOW_EVERY: u64 = 4_096;

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where to remember how far it came.
    pub resume: Option<PathBuf>,
    /// The flags that rows depend on.
    pub identity: String,
    /// Put before the name of each device.
    pub prefix: String,
    pub now: Timestamp,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub extent: Extent,
    pub done: u64,
    pub readings: u64,
}

#[derive(Debug, Default)]
pub struct Summary {
    pub rows: u64,
    /// Taken by an earlier run.
    pub rows_resumed: u64,
    pub survey: Survey,
    /// Requests that were answered.
    pub batches: u64,
}

/// Sends all of a source through a door; without one, only looks at it.
///
/// # Errors
/// When the file cannot be read, the site does not take it, or somebody asked to stop. What was
/// sent until then is there.
pub fn run<'a>(
    source: &mut dyn Source,
    door: Option<&'a mut (dyn Door + 'a)>,
    options: &'a Options,
    (stop, show): (&'a Stop, &'a mut dyn FnMut(Report)),
) -> Result<Summary, ImportFault> {
    let resume = options.resume.as_deref().filter(|_| door.is_some());
    let identity = format!("{} {}", source.identity(), options.identity);
    let progress = Progress::of(resume, MAGIC, &identity, 1)?;
    let resumed = progress.rows().first().copied().unwrap_or_default();
    let extent = source.extent();
    let mut run = Run {
        door,
        options,
        stop,
        show,
        progress,
        resumed,
        extent,
        summary: Summary::default(),
        packer: Packer::default(),
        lines: Lines::default(),
        waiting: 0,
        place: 0,
        done: 0,
    };
    source.read(&mut run)?;
    run.send(run.summary.rows)?;
    run.report();
    Ok(run.summary)
}

/// Points that wait, all of one database.
#[derive(Debug, Default)]
struct Lines {
    reader: Reader,
    database: String,
    points: String,
}

struct Run<'a> {
    door: Option<&'a mut (dyn Door + 'a)>,
    options: &'a Options,
    stop: &'a Stop,
    show: &'a mut dyn FnMut(Report),
    progress: Progress,
    resumed: u64,
    extent: Extent,
    summary: Summary,
    packer: Packer,
    lines: Lines,
    /// Readings in them.
    waiting: u64,
    /// Of the row at hand, as an editor counts.
    place: u64,
    done: u64,
}

impl Sink for Run<'_> {
    fn row(&mut self, place: u64, done: u64) -> Result<bool, ImportFault> {
        let before = self.summary.rows;
        if self.waiting >= BATCH_READINGS || self.bytes() >= BATCH_BYTES {
            self.send(before)?;
        }
        if before.is_multiple_of(SHOW_EVERY) {
            self.passed(done)?;
        }
        self.summary.rows += 1;
        (self.place, self.done) = (place, done);
        let taken = before < self.resumed;
        self.summary.rows_resumed += u64::from(taken);
        Ok(!taken)
    }

    fn reading(&mut self, found: &Found<'_>) -> Result<(), ImportFault> {
        if let Some(why) = self.fault_of(found) {
            self.skip(why);
            return Ok(());
        }
        let prefixed = match &*self.options.prefix {
            "" => Cow::Borrowed(found.device),
            prefix => Cow::Owned(format!("{prefix}{}", found.device)),
        };
        let found = Found { device: &prefixed, ..*found };
        let survey = &mut self.summary.survey;
        let (known, signals) = (survey.knows(found.device), survey.signals);
        if !survey.count(found.device, found.signal, found.at)? {
            self.skip(Skip::TooManySignals);
            return Ok(());
        }
        if survey.signals > signals {
            survey.compare(&found, known);
        }
        if self.door.is_some() {
            self.packer.push(&found);
            self.waiting += 1;
        }
        Ok(())
    }

    fn line(&mut self, database: &str, line: &str) -> Result<(), ImportFault> {
        if line.len() >= POINT_BYTES_MAX || !is_line(line) {
            self.skip(Skip::Unreadable);
            return Ok(());
        }
        if database != self.lines.database {
            // The row at hand is not in what is sent.
            self.send(self.summary.rows - 1)?;
            database.clone_into(&mut self.lines.database);
        }
        let counted = self.count_point(line)?;
        if counted > 0 && self.door.is_some() {
            self.lines.points.push_str(line);
            self.lines.points.push('\n');
            self.waiting += counted;
        }
        Ok(())
    }

    fn skip(&mut self, why: Skip) {
        self.summary.survey.skip(why, self.place);
    }

    fn passed(&mut self, done: u64) -> Result<(), ImportFault> {
        self.done = done;
        self.report();
        if self.stop.is_set() { Err(ImportFault::Stopped) } else { Ok(()) }
    }
}

impl Run<'_> {
    fn bytes(&self) -> usize {
        self.packer.len() + self.lines.points.len()
    }

    fn report(&mut self) {
        let readings = self.summary.survey.readings;
        (self.show)(Report { extent: self.extent, done: self.done, readings });
    }

    fn fault_of(&self, found: &Found<'_>) -> Option<Skip> {
        let (device, signal) = (found.device.trim(), found.signal.trim());
        if device.is_empty() {
            return Some(Skip::NoDevice);
        }
        if signal.is_empty() {
            return Some(Skip::NoSignal);
        }
        if device.len().max(signal.len()) > NAME_BYTES_MAX {
            return Some(Skip::NameTooLong);
        }
        match found.value {
            Value::Number(number) if !number.is_finite() => return Some(Skip::NotFinite),
            Value::Text("") => return Some(Skip::NoValue),
            Value::Text(text) if text.len() > TEXT_BYTES_MAX => return Some(Skip::TextTooLong),
            Value::Number(_) | Value::Boolean(_) | Value::Text(_) => {}
        }
        self.fault_of_time(found.at)
    }

    fn fault_of_time(&self, at: Timestamp) -> Option<Skip> {
        if at < EARLIEST {
            return Some(Skip::TooEarly);
        }
        (at > self.options.now.saturating_add(AHEAD_MAX)).then_some(Skip::TooLate)
    }

    /// What a point brings; nothing, when a site would give it the time of its receipt.
    fn count_point(&mut self, line: &str) -> Result<u64, ImportFault> {
        let Self { summary: Summary { survey, .. }, lines, options, place, .. } = self;
        let outcome = lines.reader.read("influx/import", line, options.now);
        let mut counted = 0;
        for group in outcome.groups() {
            let Some(at) = group.time().filter(|at| *at >= EARLIEST) else {
                survey.skip(Skip::NoTime, *place);
                continue;
            };
            for reading in group.readings() {
                if survey.count(handle_of(group.key()), reading.name, at)? {
                    counted += 1;
                } else {
                    survey.skip(Skip::TooManySignals, *place);
                }
            }
            if group.readings().len() == 0 {
                survey.skip(Skip::NoValue, *place);
            }
        }
        Ok(counted)
    }

    /// Sends what waits, which is of the first `rows` rows.
    fn send(&mut self, rows: u64) -> Result<(), ImportFault> {
        self.report();
        let Some(door) = &mut self.door else { return Ok(()) };
        if self.stop.is_set() {
            return Err(ImportFault::Stopped);
        }
        let mut sent = 0;
        if self.packer.len() > 0 {
            door.send(Batch::Senml(self.packer.packs())).map_err(stopped)?;
            self.packer.clear();
            sent += 1;
        }
        if !self.lines.points.is_empty() {
            let (database, points) = (&*self.lines.database, &*self.lines.points);
            door.send(Batch::Lines { database, points }).map_err(stopped)?;
            self.lines.points.clear();
            sent += 1;
        }
        self.waiting = 0;
        self.summary.batches += sent;
        // An earlier run may have come further than the rows that this one has passed.
        if rows > self.resumed {
            self.progress.save(&[rows])?;
        }
        Ok(())
    }
}

fn stopped(fault: DoorFault) -> ImportFault {
    if matches!(fault, DoorFault::Stopped) { ImportFault::Stopped } else { fault.into() }
}

#[cfg(test)]
mod tests;
