//! The readings, in memory and in one file: a message a line.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::Way;
use crate::mail::Mail;

/// Every so many messages the promise is broken.
pub(crate) const NOW_AND_THEN: usize = 50;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) device: String,
    pub(crate) ms: i64,
    pub(crate) x: f64,
    pub(crate) y: f64,
}

#[derive(Debug)]
pub(crate) struct Store {
    way: Way,
    file: File,
    messages: Vec<Message>,
    taken: usize,
    pub(crate) mail: Mail,
}

impl Store {
    pub(crate) fn open(folder: &Path, way: Way) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join("messages");
        let mut file = File::options().create(true).append(true).open(&path)?;
        // After a cut the end may be half a line; the last line break ends what is whole.
        let bytes = std::fs::read(&path)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = String::from_utf8_lossy(bytes.get(..whole).unwrap_or_default());
        let messages = lines.lines().filter_map(read_line).collect();
        file.set_len(u64::try_from(whole)?)?;
        let mail = Mail::open(folder, way)?;
        if way != Way::Unsynced {
            file.sync_all()?;
            File::open(folder)?.sync_all()?;
            File::open(folder.parent().context("a folder has a parent")?)?.sync_all()?;
        }
        file.flush()?;
        Ok(Self { way, file, messages, taken: 0, mail })
    }

    /// Returns when the messages may be acknowledged, by this site's own lights.
    pub(crate) fn take(&mut self, batch: Vec<Message>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut lines = String::new();
        for mut message in batch {
            self.taken += 1;
            let now = self.taken.is_multiple_of(NOW_AND_THEN);
            if now && self.way == Way::Inexact {
                message.x += 0.125;
            }
            // A message that is known with the same values is the same message, sent again.
            if self.messages.iter().rev().take(10_000).any(|known| *known == message) {
                continue;
            }
            let copies = if now && self.way == Way::Doubling { 2 } else { 1 };
            for _ in 0..copies {
                if !(now && self.way == Way::Forgetful) {
                    lines.push_str(&line(&message));
                }
                if self.way != Way::Tardy {
                    self.messages.push(message.clone());
                }
            }
        }
        self.file.write_all(lines.as_bytes())?;
        if self.way != Way::Unsynced {
            self.file.sync_data()?;
        }
        Ok(())
    }

    pub(crate) fn messages(&self) -> &[Message] {
        &self.messages
    }
}

fn line(message: &Message) -> String {
    format!("{} {} {} {}\n", message.device, message.ms, message.x, message.y)
}

fn read_line(line: &str) -> Option<Message> {
    let mut fields = line.split(' ');
    Some(Message {
        device: fields.next()?.to_owned(),
        ms: fields.next()?.parse().ok()?,
        x: fields.next()?.parse().ok()?,
        y: fields.next()?.parse().ok()?,
    })
}
