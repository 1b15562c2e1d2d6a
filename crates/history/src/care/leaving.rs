//! Files that left their table: they go when nobody can read them any more.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use model::{Position, Timestamp};

use crate::care::{Care, PAUSE};
use crate::file::ColdFile;
use crate::table::Removed;

/// A file that is no longer in its table.
#[derive(Debug)]
pub(super) struct Leaving {
    /// Below the folder of the space.
    name: String,
    /// Held by views as well, as long as they may read it.
    file: Option<Arc<ColdFile>>,
    /// Rows of what was erased after this may be in it.
    pub(super) clean: Position,
    due: Timestamp,
}

impl Leaving {
    /// Of what left before the table was opened: without its tags not more is known of it than its
    /// name says.
    pub(super) fn known(gone: Removed, linger: Duration) -> Self {
        let due = gone.at.saturating_add(linger);
        Self { clean: position_in(&gone.name), name: gone.name, file: None, due }
    }

    fn is_held(&self) -> bool {
        self.file.as_ref().is_some_and(|file| Arc::strong_count(file) > 1)
    }
}

impl Care {
    pub(super) fn let_go(&mut self, files: impl Iterator<Item = Arc<ColdFile>>, now: Timestamp) {
        let due = now.saturating_add(self.linger);
        for file in files {
            let (name, clean) = (file.name(), self.looked.clean(&file));
            self.leaving.push(Leaving { name, clean, file: Some(file), due });
        }
    }

    /// A snapshot names devices, also such that are erased by now: no erasure is through before it is
    /// gone.
    pub(crate) fn let_go_of_snapshot(&mut self, name: String) {
        self.leaving.push(Leaving::known(Removed { name, at: Timestamp::EPOCH }, Duration::ZERO));
    }

    /// A file goes when its time is over and no view holds it. What cannot be removed is tried again
    /// later, and by the next opening.
    pub(super) fn remove_what_left(&mut self, now: Timestamp) {
        let storage = &self.storage;
        self.leaving.retain_mut(|leaving| {
            if now < leaving.due || leaving.is_held() {
                return true;
            }
            let name = &leaving.name;
            match storage.remove(name) {
                Err(fault) if fault.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(name, %fault, "a file that left the table stays on disk");
                    leaving.due = now.saturating_add(PAUSE);
                    true
                }
                Ok(()) | Err(_) => false,
            }
        });
    }
}

/// `readings/day=2026-11-25/part-<position>-…`
fn position_in(name: &str) -> Position {
    let file = name.rsplit('/').next().unwrap_or_default();
    let digits = file.strip_prefix("part-").and_then(|rest| rest.split('-').next());
    Position::new(digits.and_then(|digits| digits.parse().ok()).unwrap_or_default())
}
