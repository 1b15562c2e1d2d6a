//! Erasures until nothing is left of them on disk. An erased series is forgotten when no file of a
//! table, no snapshot and no file that waits for its removal can hold a row of it.

use std::sync::Arc;

use model::Position;

use crate::care::{Care, Stock};
use crate::file::ColdFile;
use crate::gone::Gone;
use crate::reader::Erasing;
use crate::series::SeriesId;
use crate::table::Table;

impl Care {
    /// Files that may hold rows of erased series, the newest day first; without folders in which a
    /// file cannot be read.
    pub(super) fn dirty(&self, table: &Table, gone: &Gone) -> Vec<Arc<ColdFile>> {
        let last = gone.last();
        let files = table.files.iter().rev();
        let dirty = files.filter(|file| {
            self.looked.clean(file) < last && !self.skipped.contains(&file.key.folder)
        });
        dirty.map(Arc::clone).collect()
    }

    /// Notes how far erasures have come, and forgets those that are through. Not while a thread
    /// works: the files that it replaces are in no list for a moment.
    pub(super) fn settle_erasures(&mut self) {
        let stock = self.stock();
        if stock.gone.is_empty() {
            self.looked.forget_all();
            self.shared.erasures().clear();
            return;
        }
        self.looked.keep(&stock.files());
        let mut erasing = self.progress(&stock);
        for done in erasing.extract_if(.., |erasing| erasing.is_done()) {
            self.forget(done.position);
        }
        *self.shared.erasures() = erasing;
    }

    fn progress(&self, stock: &Stock) -> Vec<Erasing> {
        let sorted = |positions: &mut dyn Iterator<Item = Position>| {
            let mut positions: Vec<Position> = positions.collect();
            positions.sort_unstable();
            positions
        };
        let all = stock.files();
        let unread = |file: &&&Arc<ColdFile>| self.skipped.contains(&file.key.folder);
        let clean = |file: &&Arc<ColdFile>| self.looked.clean(file);
        let files = sorted(&mut all.iter().map(clean));
        let unreadable = sorted(&mut all.iter().filter(unread).map(clean));
        let leaving = sorted(&mut self.leaving.iter().map(|leaving| leaving.clean));
        let before = |list: &[Position], at: Position| list.partition_point(|clean| *clean < at);
        let one = |(position, series): (Position, usize)| Erasing {
            position,
            series,
            is_flushed: position <= stock.readings.position,
            files: Some(before(&files, position)),
            unreadable: before(&unreadable, position),
            leaving: before(&leaving, position),
        };
        stock.gone.counts().into_iter().map(one).collect()
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

impl Stock {
    fn files(&self) -> Vec<&Arc<ColdFile>> {
        self.readings.files.iter().chain(&self.hours.files).collect()
    }
}

impl Erasing {
    fn is_done(&self) -> bool {
        self.is_flushed && self.files == Some(0) && self.leaving == 0
    }
}
