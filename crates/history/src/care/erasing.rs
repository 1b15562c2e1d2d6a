//! Erasures until nothing is left of them on disk. An erased series is forgotten when no file of the
//! table, no snapshot and no file that waits for its removal can hold a row of it.

use std::sync::Arc;

use model::Position;

use crate::care::Care;
use crate::file::ColdFile;
use crate::gone::Gone;
use crate::reader::Erasing;
use crate::series::SeriesId;
use crate::table::Table;

impl Care {
    /// The table, what of it is erased for good, and up to where that is so: a record that a crash
    /// can take back changes no file.
    pub(super) fn committed(&self) -> (Arc<Table>, Arc<Gone>, Position) {
        let tail = self.shared.tail();
        let position = tail.hot.visible();
        (Arc::clone(&tail.table), tail.gone.up_to(position), position)
    }

    /// Files that may hold rows of erased series, the newest day first; without folders in which a
    /// file cannot be read.
    pub(super) fn dirty(&self, table: &Table, gone: &Gone) -> Vec<Arc<ColdFile>> {
        let last = gone.last();
        let files = table.files.iter().rev();
        let dirty = files
            .filter(|file| self.looked.clean(file) < last && !self.skipped.contains(&file.key.day));
        dirty.map(Arc::clone).collect()
    }

    /// Notes how far erasures have come, and forgets those that are through. Not while a thread
    /// works: the files that it replaces are in no list for a moment.
    pub(super) fn settle_erasures(&mut self) {
        let (table, gone, _) = self.committed();
        if gone.is_empty() {
            self.looked.forget_all();
            self.shared.erasures().clear();
            return;
        }
        self.looked.keep(&table.files);
        let mut erasing = self.progress(&table, &gone);
        for done in erasing.extract_if(.., |erasing| erasing.is_done()) {
            self.forget(done.position);
        }
        *self.shared.erasures() = erasing;
    }

    fn progress(&self, table: &Table, gone: &Gone) -> Vec<Erasing> {
        let sorted = |positions: &mut dyn Iterator<Item = Position>| {
            let mut positions: Vec<Position> = positions.collect();
            positions.sort_unstable();
            positions
        };
        let unread = |file: &&Arc<ColdFile>| self.skipped.contains(&file.key.day);
        let clean = |file: &Arc<ColdFile>| self.looked.clean(file);
        let files = sorted(&mut table.files.iter().map(clean));
        let unreadable = sorted(&mut table.files.iter().filter(unread).map(clean));
        let leaving = sorted(&mut self.leaving.iter().map(|leaving| leaving.clean));
        let before = |list: &[Position], at: Position| list.partition_point(|clean| *clean < at);
        let one = |(position, series): (Position, usize)| Erasing {
            position,
            series,
            is_flushed: position <= table.position,
            files: Some(before(&files, position)),
            unreadable: before(&unreadable, position),
            leaving: before(&leaving, position),
        };
        gone.counts().into_iter().map(one).collect()
    }

    fn forget(&self, position: Position) {
        let series: Vec<SeriesId> = self.shared.tail().gone.of(position).collect();
        // Before the list of what is gone, which hides the last values so far.
        self.shared.latest().forget(&series);
        self.shared.series_mut().forget(&series);
        Arc::make_mut(&mut self.shared.tail().gone).forget(position);
        tracing::info!(position = position.get(), "an erasure is complete");
    }
}

impl Erasing {
    fn is_done(&self) -> bool {
        self.is_flushed && self.files == Some(0) && self.leaving == 0
    }
}
