//! The hours of one day without erased series. Where the day's readings are left the hours are made
//! again from them, as soon as it is closed; this is for what must leave before, or without them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int32Type;

use crate::care::work::Done;
use crate::cold::{FileScan, Want};
use crate::fault::{FlushFault, MergeFault};
use crate::file::{ColdFile, Origin};
use crate::hours::job::{Job, Made, Sinks, summarised};
use crate::kind::Kind;
use crate::merge::ranks::Ranks;
use crate::part::stored;
use crate::place::{Part, attempt, storage_fault};
use crate::scan::{Filter, Scan};
use crate::series::SeriesId;

impl Job {
    pub(crate) fn done_again(self) -> Done {
        let outcome = self.run_again();
        self.as_done(outcome)
    }

    /// Writes the hours that the day has again. They go on saying what they were made from. `None`
    /// when it was stopped, when they changed meanwhile, or when there are none.
    fn run_again(&self) -> Result<Option<Made>, MergeFault> {
        let files = self.shared.tail().hours.over(self.folder).to_vec();
        let Some(origin) = files.first().and_then(|file| file.origin.clone()) else {
            return Ok(None);
        };
        attempt(
            &*self.storage,
            |begun| self.copy((&files, origin), begun),
            |parts| self.publish_again(&files, parts),
        )
    }

    fn copy(
        &self,
        (files, origin): (&[Arc<ColdFile>], Origin),
        begun: &mut Vec<String>,
    ) -> Result<Option<Vec<Part>>, MergeFault> {
        let (series, names) = {
            let mut known = self.shared.series_mut();
            (known.entries().to_vec(), known.names())
        };
        let ranks = Ranks::new(&series);
        let shelf = &*self.shared.hours_shelf;
        let columns = (stored::SERIES..Kind::Hours.stored().fields().len()).collect();
        let want = Want { filter: Filter::new(&Scan::default(), 0), names: None, columns };
        let read = |source| MergeFault::Read { day: self.folder.name(), source };
        let mut sinks = Sinks::new((self, 'w'), (files, origin), (&ranks, &names));
        for file in files {
            let sink = if file.is_carried() { &mut sinks.carried } else { &mut sinks.made };
            let mut scan = FileScan::open(shelf, Arc::clone(file), &want).map_err(read)?;
            while let Some(rows) = scan.next(shelf, &want).map_err(read)? {
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                let ids = rows.column(0).as_primitive::<Int32Type>().values();
                let stays = |id: &i32| !self.drops.holds(SeriesId::new(id.cast_unsigned()));
                let stays: Vec<bool> = ids.iter().map(stays).collect();
                sink.push(filter_record_batch(&rows, &BooleanArray::from(stays))?, begun)?;
            }
        }
        let parts = sinks.finish(begun)?;
        let dir = Kind::Hours.dir_of(self.folder);
        self.storage.sync_dir(&dir).map_err(storage_fault(&dir))?;
        Ok(Some(parts))
    }

    fn publish_again(
        &self,
        files: &[Arc<ColdFile>],
        parts: Vec<Part>,
    ) -> Result<Option<Made>, FlushFault> {
        let _one_at_a_time = self.shared.versions();
        let before = Arc::clone(&self.shared.tail().hours);
        if before.over(self.folder) != files {
            return Ok(None);
        }
        let summarised = summarised(self.folder, &parts);
        let after = before.replace(&*self.storage, (self.folder, parts), self.now)?;
        self.shared.tail().hours = Arc::new(after);
        Ok(Some(Made { summarised, gone: files.to_vec() }))
    }
}
