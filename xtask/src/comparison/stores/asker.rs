//! The process that asks one store, over a connection that stays or in itself.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::step;

#[derive(Clone, Debug, Default, Serialize)]
pub(in crate::comparison) struct Question {
    pub text: String,
    /// What a row is made of, where a store does not say it.
    pub row: Vec<String>,
    /// Seconds since 1970, where a store is asked about a moment.
    pub at: String,
}

impl Question {
    pub(in crate::comparison) fn of(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::comparison) struct Answer {
    pub rows: Vec<Vec<Value>>,
    pub seconds: f64,
    /// Of the store.
    pub cpu: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Fault { error: String },
    Answer(Answer),
}

/// It ends when dropped.
#[derive(Debug)]
pub(in crate::comparison) struct Asker {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Asker {
    pub(in crate::comparison) fn start(python: &Path, kind: &str, config: &Value) -> Result<Self> {
        let script = step::root()?.join("bench/tsbs/asker.py");
        let mut process = Command::new(python)
            .arg("-B")
            .arg(script)
            .args([kind, &config.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start Python")?;
        let answers = process.stdout.take().context("standard output is a pipe")?;
        Ok(Self { process, answers: BufReader::new(answers) })
    }

    pub(in crate::comparison) fn ask(&mut self, question: &Question) -> Result<Answer> {
        self.tell(question)
    }

    /// Loads files of CSV with `COPY`, each into the table of its name.
    pub(in crate::comparison) fn copy(
        &mut self,
        files: &[(&str, &Path)],
        connections: usize,
    ) -> Result<Answer> {
        let files: serde_json::Map<String, Value> = files
            .iter()
            .map(|(table, path)| ((*table).to_owned(), Value::from(path.display().to_string())))
            .collect();
        self.tell(&serde_json::json!({ "load": files, "connections": connections }))
    }

    fn tell(&mut self, question: &impl Serialize) -> Result<Answer> {
        let mut line = serde_json::to_vec(question)?;
        line.push(b'\n');
        let questions = self.process.stdin.as_mut().context("standard input is a pipe")?;
        questions.write_all(&line).context("whoever asks is gone")?;
        let mut text = String::new();
        if self.answers.read_line(&mut text)? == 0 {
            bail!("whoever asks ended with {}", self.process.wait()?);
        }
        match serde_json::from_str(&text).with_context(|| format!("no answer: {text}"))? {
            Told::Answer(answer) => Ok(answer),
            Told::Fault { error } => bail!("{error}"),
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        // At its end it closes what it has open, which a store in this process needs.
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}
