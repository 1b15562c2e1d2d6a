//! Althing as a store: a site whose data stay, started in one way to be loaded and asked, and in
//! others to bring all it has into files and to close the days.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{LiveFile, live_files};
use crate::clock::{Stopwatch, pause};
use crate::torture::{Program, Site, Which, count_readings};

/// The journal of what is not in files yet is read in less.
const READY_WAIT: Duration = Duration::from_secs(600);

/// Files are written, and days closed, in less.
const FILES_WAIT: Duration = Duration::from_secs(1_800);

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// For so long no days become a week any more.
const CALM: Duration = Duration::from_secs(3);

/// Of a closed day.
const CLOSED: u8 = 15;

/// For `env`, where Debian's package faketime is installed. A clock that only counts is left alone.
const AHEAD: [&str; 3] =
    ["LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1", "FAKETIME=+3h", "DONT_FAKE_MONOTONIC=1"];

/// How far the site's clock is ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::comparison) enum Ahead {
    Nothing,
    /// Nothing has been written to old days for so long that they are closed.
    Hours,
}

#[derive(Debug)]
pub(in crate::comparison) struct Althing {
    program: PathBuf,
    which: Which,
    folder: PathBuf,
    /// Of its configuration, without the sections that are needed here.
    more: String,
}

impl Althing {
    pub(in crate::comparison) fn new(which: &Which, folder: &Path) -> Result<Self> {
        let program = Program::find(which)?.path().to_owned();
        // From another folder, too.
        let program = std::path::absolute(program)?;
        let (which, folder) = (which.clone(), folder.to_owned());
        Ok(Self { program, which, folder, more: String::new() })
    }

    /// With more in its configuration than `[query]` and `[history]`.
    pub(in crate::comparison) fn configured(self, more: &str) -> Self {
        Self { more: more.to_owned(), ..self }
    }

    /// The folder of its table of readings.
    pub(in crate::comparison) fn table(&self) -> PathBuf {
        self.folder.join("data/history/main/readings")
    }

    pub(in crate::comparison) fn files(&self) -> Result<Vec<LiveFile>> {
        live_files(&self.table())
    }

    /// What it holds is here.
    pub(in crate::comparison) fn folder(&self) -> &Path {
        &self.folder
    }

    /// As anybody would run it, but with time for a question.
    pub(in crate::comparison) fn start(&self) -> Result<Site> {
        self.start_with("[query]\ntime = \"300s\"\n", Ahead::Nothing)
    }

    fn start_with(&self, config: &str, ahead: Ahead) -> Result<Site> {
        std::fs::create_dir_all(&self.folder)?;
        let path = self.folder.join("althing.toml");
        std::fs::write(&path, format!("{config}{}", self.more))?;
        let mut which = Which { binary: Some(self.program.clone()), ..self.which.clone() };
        if ahead == Ahead::Hours {
            // The program `faketime` would stand between us and the site.
            let clock = AHEAD.map(str::to_owned);
            let program = self.program.display().to_string();
            which.binary_args = clock.into_iter().chain([program]).collect();
            which.binary = Some("env".into());
        }
        let program = Program::find(&which)?.configured(&path);
        program.start(&self.folder.join("data"), &self.folder.join("log"))?.ready(READY_WAIT)
    }

    /// Brings what is in memory into files.
    pub(in crate::comparison) fn flush(&self) -> Result<()> {
        self.flush_after("1s")
    }

    /// The same, in one flush, as of a site that runs: the journal is read again before it.
    pub(in crate::comparison) fn flush_at_once(&self) -> Result<()> {
        self.flush_after("20s")
    }

    fn flush_after(&self, age: &str) -> Result<()> {
        let history = format!("[history]\nhot-age = \"{age}\"\nlinger = \"1s\"\n");
        let site = self.start_with(&history, Ahead::Nothing)?;
        let count = count_readings(&site)?;
        self.wait(&site, |files| rows(files) >= count)
    }

    /// Makes each day what it is for ever, or the week that it is part of.
    pub(in crate::comparison) fn close(&self) -> Result<()> {
        let readings = "[history]\nhot-age = \"1s\"\nlinger = \"1s\"\n";
        let site = self.start_with(readings, Ahead::Hours)?;
        let count = count_readings(&site)?;
        let closed = |file: &LiveFile| file.level == CLOSED;
        let mut calm = (0, Stopwatch::start());
        self.wait(&site, |files| {
            let is_closed = rows(files) == count && files.iter().all(closed);
            if !is_closed || calm.0 != files.len() {
                calm = (files.len(), Stopwatch::start());
            }
            is_closed && calm.1.elapsed() > CALM
        })
    }

    fn wait(&self, site: &Site, mut done: impl FnMut(&[LiveFile]) -> bool) -> Result<()> {
        let since = Stopwatch::start();
        while !self.files().is_ok_and(|files| done(&files)) {
            ensure!(
                since.elapsed() < FILES_WAIT,
                "the files do not become what they should\n{}",
                site.last_words()
            );
            pause(LOOK_EVERY);
        }
        Ok(())
    }
}

fn rows(files: &[LiveFile]) -> u64 {
    files.iter().map(|file| file.rows).sum()
}
