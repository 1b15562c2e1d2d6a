//! A prompt that remembers. A statement ends with `;` or an empty line.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::complaint::{Complaint, Exit};
use crate::config::state_folder;

use super::{Shape, Site};

const HELP: &str = "\
A statement ends with ; or an empty line. It can only read.
  SHOW TABLES;                      what there is
  SELECT * FROM devices;            who is here
  SELECT * FROM latest;             the last value of every signal
.quit, or Ctrl-D, ends.
";

pub(super) fn run(site: &Site, shape: Shape, out: &mut dyn Write) -> Result<(), Complaint> {
    let mut editor = DefaultEditor::new().map_err(complain)?;
    let history = history_file();
    if let Some(path) = history.as_ref().filter(|path| path.exists()) {
        editor.load_history(path).map_err(complain)?;
    }
    let mut typed = Typed::default();
    loop {
        let sign = if typed.is_empty() { "sql> " } else { "...> " };
        let line = match editor.readline(sign) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => {
                typed = Typed::default();
                continue;
            }
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(complain(error)),
        };
        match typed.take_line(&line) {
            Step::More => {}
            Step::Help => out.write_all(HELP.as_bytes())?,
            Step::Quit => break,
            Step::Ask(statement) => {
                editor.add_history_entry(&statement).map_err(complain)?;
                ask(site, &statement, shape, out)?;
            }
        }
        out.flush()?;
    }
    match history {
        Some(path) => editor.save_history(&path).map_err(complain),
        None => Ok(()),
    }
}

/// The lines of a statement that has not ended.
#[derive(Debug, Default)]
pub(super) struct Typed(String);

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    More,
    Help,
    Quit,
    Ask(String),
}

impl Typed {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take_line(&mut self, line: &str) -> Step {
        match (line.trim(), self.is_empty()) {
            (".quit" | ".exit" | "\\q", _) => return Step::Quit,
            (".help" | "\\?", true) => return Step::Help,
            ("", true) => return Step::More,
            (_, true) => line.clone_into(&mut self.0),
            (_, false) => {
                self.0.push('\n');
                self.0.push_str(line);
            }
        }
        if line.trim().is_empty() || line.trim_end().ends_with(';') {
            return Step::Ask(std::mem::take(&mut self.0).trim().to_owned());
        }
        Step::More
    }
}

/// A statement that fails does not end the prompt.
fn ask(site: &Site, query: &str, shape: Shape, out: &mut dyn Write) -> Result<(), Complaint> {
    match site.ask(query, shape, out) {
        Ok(()) => Ok(()),
        Err(complaint) => Ok(complaint.write(false, out)?),
    }
}

fn history_file() -> Option<PathBuf> {
    let folder = state_folder()?;
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("sql-history"))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn complain(error: ReadlineError) -> Complaint {
    Complaint::from_error(Exit::Failed, &error).at("the prompt")
}
