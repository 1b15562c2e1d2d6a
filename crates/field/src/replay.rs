//! Publishes CSV files over real MQTT, as the devices would have done that measured them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use model::{Moment, Qos, Timestamp};

use crate::client::{Client, Event, Options as ClientOptions, Token};
use crate::{Clock, Fault, MappingFault, Stop};

pub(crate) mod json;
mod mapping;
mod progress;
mod source;
mod when;

pub use mapping::{Form, Mapping, Template};
pub use progress::Progress;
pub use source::Skipped;
use source::{Field, Next};
pub use when::{TimeSource, When};

/// Files that are open at once; a process may usually have 1,024.
pub const FILES_MAX: usize = 256;
/// Between two writes of the progress file: what a killed replay sends twice at most.
const SAVE_EVERY: Duration = Duration::from_millis(500);
const REPORT_EVERY: Duration = Duration::from_millis(100);
const NAP: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as the server acknowledges.
    Max,
    /// So many seconds of the file in one second.
    Times(f64),
}

#[derive(Clone, Debug)]
pub struct Options {
    pub files: Vec<PathBuf>,
    pub mapping: Mapping,
    pub speed: Speed,
    /// Moves all times so that the last row is now.
    pub shift: bool,
    pub qos: Qos,
    pub resume: Option<PathBuf>,
    pub client: ClientOptions,
}

/// How far a replay is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In all files.
    pub rows_total: u64,
    /// Done, by this run or by the one it continues.
    pub rows_done: u64,
    pub messages: u64,
    pub acknowledged: u64,
}

/// What a replay did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows read by this run.
    pub rows: u64,
    /// Rows that an earlier run had done.
    pub rows_resumed: u64,
    pub messages: u64,
    pub readings: u64,
    /// Messages that the server answered with success.
    pub acknowledged: u64,
    /// Messages that the server answered with a failure.
    pub refused: u64,
    /// Rows without any value.
    pub rows_empty: u64,
    /// Rows that could not be read, and the first of them.
    pub rows_skipped: u64,
    pub first_skipped: Option<Skipped>,
    /// Times the connection was lost and mended.
    pub reconnects: u64,
    /// Seconds by which all times were moved.
    pub shift: i64,
    pub millis: u64,
}

/// Looks at all files, then publishes them merged by time.
///
/// # Errors
/// When the mapping does not fit the files, a file cannot be read, or the server is lost.
pub fn run(
    options: &Options,
    clock: Clock,
    stop: &Stop,
    report: &mut dyn FnMut(Report),
) -> Result<Summary, Fault> {
    let started = clock.moment();
    let survey = source::survey(&options.files, &options.mapping)?;
    let mut progress = Progress::open(options.resume.as_deref(), &options.files, &options.mapping)?;
    if options.shift && progress.is_new() {
        progress.set_shift(Clock::wall().micros() - survey.last.micros());
    }
    let field = Field::open(&options.files, &options.mapping, progress.rows())?;
    let client = Client::connect(options.client.clone(), clock, stop.clone())?;
    let rows_resumed = progress.rows().iter().sum();
    let mut player = Player {
        options,
        clock,
        client,
        field,
        waiting: BTreeMap::new(),
        summary: Summary {
            rows_resumed,
            shift: progress.shift() / 1_000_000,
            ..Summary::default()
        },
        rows_total: survey.rows,
        progress,
        saved: started,
        reported: started,
        began: None,
    };
    let played = player.play(report);
    // What is acknowledged is remembered, whatever ended the run.
    let saved = player.save();
    played?;
    saved?;
    player.report(report);
    let mut summary = player.summary;
    let spent = clock.moment().since(started).as_millis();
    summary.millis = u64::try_from(spent).unwrap_or(u64::MAX);
    player.client.disconnect().or_else(already_gone)?;
    Ok(summary)
}

/// Everything is acknowledged: a line that is gone by now took nothing with it.
fn already_gone(_cause: std::io::Error) -> Result<(), Fault> {
    Ok(())
}

struct Player<'a> {
    options: &'a Options,
    clock: Clock,
    client: Client,
    field: Field,
    /// Messages in flight: file and row. The window bounds it.
    waiting: BTreeMap<Token, (usize, u64)>,
    summary: Summary,
    rows_total: u64,
    progress: Progress,
    saved: Moment,
    reported: Moment,
    /// When the first row went out and which time it had.
    began: Option<(Moment, Timestamp)>,
}

impl Player<'_> {
    fn play(&mut self, report: &mut dyn FnMut(Report)) -> Result<(), Fault> {
        while let Some(next) = self.field.next_row()? {
            self.summary.rows += 1;
            match next {
                Next::Row(row) => {
                    self.wait_for(row.at, report)?;
                    self.send(&row)?;
                }
                Next::Skipped(skipped) => {
                    self.summary.rows_skipped += 1;
                    self.summary.first_skipped.get_or_insert(skipped);
                }
            }
            self.turn(report)?;
        }
        while self.client.in_flight() > 0 {
            self.client.pump(NAP)?;
            self.turn(report)?;
        }
        self.client.drain()
    }

    fn wait_for(&mut self, at: Timestamp, report: &mut dyn FnMut(Report)) -> Result<(), Fault> {
        let Speed::Times(factor) = self.options.speed else { return Ok(()) };
        let now = self.clock.moment();
        let (began, first) = *self.began.get_or_insert((now, at));
        let due = began.saturating_add(at.since(first).div_f64(factor));
        loop {
            let left = due.since(self.clock.moment());
            if left.is_zero() {
                return Ok(());
            }
            self.client.pump(left.min(NAP))?;
            self.turn(report)?;
        }
    }

    fn send(&mut self, row: &source::Row) -> Result<(), Fault> {
        let at = Timestamp::from_micros(row.at.micros() + self.progress.shift());
        let Some(message) = self.field.message(row, at) else {
            self.summary.rows_empty += 1;
            return Ok(());
        };
        let payload = message.payload.as_bytes();
        let token = self.client.publish(&message.topic, payload, self.options.qos, false)?;
        if self.options.qos != Qos::AtMostOnce {
            self.waiting.insert(token, (row.file, row.number));
        }
        self.summary.messages += 1;
        self.summary.readings += u64::try_from(message.readings).unwrap_or_default();
        Ok(())
    }

    fn turn(&mut self, report: &mut dyn FnMut(Report)) -> Result<(), Fault> {
        while let Some(event) = self.client.poll_event() {
            match event {
                Event::Answered { token, reason, .. } => {
                    self.waiting.remove(&token);
                    let failed = reason.is_failure();
                    self.summary.refused += u64::from(failed);
                    self.summary.acknowledged += u64::from(!failed);
                }
                Event::Back { .. } => self.summary.reconnects += 1,
                Event::Message { .. } | Event::Subscribed { .. } => {}
            }
        }
        let now = self.clock.moment();
        if now.since(self.saved) > SAVE_EVERY {
            self.saved = now;
            self.save()?;
        }
        if now.since(self.reported) > REPORT_EVERY {
            self.reported = now;
            self.report(report);
        }
        Ok(())
    }

    /// A row is done when it and all rows before it in its file are.
    fn save(&mut self) -> Result<(), Fault> {
        let mut done = self.field.rows_taken();
        for (file, row) in self.waiting.values() {
            if let Some(rows) = done.get_mut(*file) {
                *rows = (*rows).min(*row);
            }
        }
        Ok(self.progress.save(&done)?)
    }

    fn report(&self, report: &mut dyn FnMut(Report)) {
        report(Report {
            rows_total: self.rows_total,
            rows_done: self.summary.rows_resumed + self.summary.rows,
            messages: self.summary.messages,
            acknowledged: self.summary.acknowledged,
        });
    }
}

impl Options {
    /// # Errors
    /// When the flags contradict each other, which no file is needed to see.
    pub fn check(&self) -> Result<(), MappingFault> {
        self.mapping.check(self.files.len())
    }
}

#[cfg(test)]
mod tests;
