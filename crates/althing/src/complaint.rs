//! How a command ends: an exit code, and for people cause, place and what to do next.

use std::io::{self, Write};
use std::process::ExitCode;

/// What the exit code tells a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Unreachable = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) exit: Exit,
    pub(crate) cause: String,
    pub(crate) place: String,
    pub(crate) next: String,
}

impl Complaint {
    pub(crate) fn new(exit: Exit, cause: impl Into<String>) -> Self {
        Self { exit, cause: cause.into(), place: String::new(), next: String::new() }
    }

    /// With the causes behind it, each once.
    pub(crate) fn from_error(exit: Exit, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut cause = error.to_string();
        let mut source = error.source();
        while let Some(deeper) = source {
            let text = deeper.to_string();
            if !cause.contains(&text) {
                cause.push_str(": ");
                cause.push_str(&text);
            }
            source = deeper.source();
        }
        Self::new(exit, cause)
    }

    #[must_use]
    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    #[must_use]
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    /// # Errors
    /// When `out` cannot be written to.
    pub(crate) fn write(&self, json: bool, out: &mut dyn Write) -> io::Result<()> {
        if json {
            let line = serde_json::json!({
                "error": self.cause,
                "where": self.place,
                "next": self.next,
                "exit": self.exit as u8,
            });
            return writeln!(out, "{line}");
        }
        writeln!(out, "error: {}", self.cause)?;
        for (word, text) in [("where:", &self.place), ("next: ", &self.next)] {
            if !text.is_empty() {
                writeln!(out, "  {word} {text}")?;
            }
        }
        Ok(())
    }
}

impl From<io::Error> for Complaint {
    fn from(cause: io::Error) -> Self {
        Self::from_error(Exit::Failed, &cause)
    }
}

/// A reader that has seen enough (`| head`) is no failure.
pub(crate) fn forgive_closed_pipe(cause: io::Error) -> Result<(), Complaint> {
    if cause.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(cause.into()) }
}
