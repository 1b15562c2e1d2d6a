//! When days are looked at for readings of devices that are kept shorter than others.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;

use crate::care::Care;
use crate::folder::Folder;
use crate::merge::Job;
use crate::merge::expire::{Expire, Expiry};
use crate::options::Keep;
use crate::table::Table;

/// Between two looks that found nothing: what is too old becomes so by the day.
const LOOK_EVERY: Duration = Duration::from_secs(10 * 60);

/// A day is written again at most so often: what comes late and is too old already must not cost a
/// whole day each time.
const REST: Duration = Duration::from_secs(60 * 60);

impl Care {
    /// The longest that anything is kept: what is older leaves with the whole of its day. `None` for
    /// ever.
    pub(super) fn keep_longest(&self) -> Option<Duration> {
        let Some(keeping) = &self.keeping else { return self.keep };
        let all = keeping.all().into_iter().chain([Keep::AsAll]);
        let spans: Option<Vec<Duration>> = all.map(|keep| keep.span(self.keep)).collect();
        spans?.into_iter().max()
    }

    /// The shortest: from days that are older some readings leave. `None` where nothing does.
    pub(super) fn keep_shortest(&self) -> Option<Duration> {
        self.keep_spans().min()
    }

    /// All times that something is kept, but for what is kept for ever.
    pub(super) fn keep_spans(&self) -> impl Iterator<Item = Duration> {
        let all = self.keeping.iter().flat_map(|keeping| keeping.all()).chain([Keep::AsAll]);
        all.filter_map(|keep| keep.span(self.keep))
    }

    /// What looks for it, if there may be something.
    pub(super) fn expire_due(
        &self,
        table: &Arc<Table>,
        now: Timestamp,
    ) -> Option<impl FnOnce(Job) -> Expire + use<>> {
        let keeping = Arc::clone(self.keeping.as_ref()?);
        let is_set_back = now.saturating_add(LOOK_EVERY) < self.next_expiry;
        if now < self.next_expiry && !is_set_back {
            return None;
        }
        let before = Folder::of(now.saturating_sub(self.keep_shortest()?).millis()).first;
        if table.files.first().is_none_or(|file| before < file.key.folder.end()) {
            return None;
        }
        let resting =
            self.expired.iter().filter(|(_, until)| now < **until).map(|(folder, _)| *folder);
        let skipped = self.skipped.iter().copied().chain(resting).collect();
        let (table, keep) = (Arc::clone(table), self.keep);
        let expiry = self.expiry.clone();
        Some(move |job| Expire { job, table, keep, keeping, expiry, skipped })
    }

    /// After a day that was written again comes the next look at once.
    pub(super) fn expire_ended(
        &mut self,
        expiry: Expiry,
        (folder, is_written): (Option<Folder>, bool),
        now: Timestamp,
    ) {
        let table = Arc::clone(&self.shared.tail().table);
        self.expiry = expiry;
        if self.expiry.len() > table.files.len() {
            let paths: BTreeSet<&str> = table.files.iter().map(|file| &*file.path).collect();
            self.expiry.retain(|path, _| paths.contains(&**path));
        }
        self.expired.retain(|_, until| now < *until);
        if is_written {
            self.expired.extend(folder.map(|folder| (folder, now.saturating_add(REST))));
        } else {
            self.next_expiry = now.saturating_add(LOOK_EVERY);
        }
    }
}
