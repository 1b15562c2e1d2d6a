//! Hours that stay when their readings leave are marked before: nothing can make them again, so
//! that readings of such a day that come later must not take their place.

use std::io;
use std::sync::Arc;

use model::Timestamp;

use crate::delta::Action;
use crate::fault::FlushFault;
use crate::file::{ColdFile, Origin};
use crate::log::{Log, commit};
use crate::storage::Storage;
use crate::table::Table;

impl Table {
    /// Adds the version that says of all hours before `day` that their readings leave; `None` when
    /// the log says it already. The files are named again, with another tag.
    pub(crate) fn mark_left(
        &self,
        storage: &dyn Storage,
        day: i32,
        now: Timestamp,
    ) -> Result<Option<Self>, FlushFault> {
        let leaving = self.files.iter().filter(|file| leaves(file, day));
        let paths: Vec<&str> = leaving.map(|file| &*file.path).collect();
        if paths.is_empty() {
            return Ok(None);
        }
        let files = self.files.iter().map(|file| marked(file, day)).collect();
        let after = Self { version: self.version + 1, files, ..self.clone() };
        let unreadable = |source| FlushFault::Storage {
            name: self.kind.commit_name(self.version).into(),
            source: io::Error::other(source),
        };
        let log = Log::read(storage, self.kind).map_err(unreadable)?;
        let mut adds = log.map(|(_, log)| log.adds).unwrap_or_default();
        let mut actions = Vec::with_capacity(paths.len());
        for file in after.files.iter().filter(|file| paths.contains(&&*file.path)) {
            if let Some(mut add) = adds.remove(&*file.path) {
                (add.tags, add.data_change) = (file.tags(), false);
                actions.push(Action { add: Some(add), ..Action::default() });
            }
        }
        commit(storage, (self.kind, after.version), &actions, ("UPDATE", now))
            .map_err(|fault| fault.of_flush(self.kind, after.version))?;
        Ok(Some(after))
    }
}

fn leaves(file: &ColdFile, day: i32) -> bool {
    file.key.folder.first < day && file.origin.as_ref().is_some_and(|origin| !origin.left)
}

fn marked(file: &Arc<ColdFile>, day: i32) -> Arc<ColdFile> {
    if !leaves(file, day) {
        return Arc::clone(file);
    }
    let origin = file.origin.clone().map(|origin| Origin { left: true, ..origin });
    Arc::new(ColdFile { origin, ..ColdFile::clone(file) })
}
