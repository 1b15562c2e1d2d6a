//! Series whose rows leave files when those are written again.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;

use crate::cold::{FileScan, Shelf, Want};
use crate::fault::ReadFault;
use crate::file::ColdFile;
use crate::gone::Gone;
use crate::part::stored;
use crate::scan::{Filter, Scan};
use crate::series::SeriesId;

/// By number of series: a byte each, and none at all where nothing leaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drops(Vec<bool>);

impl Drops {
    pub(crate) fn of(gone: &Gone) -> Self {
        let mut drops = Self::default();
        gone.iter().for_each(|(id, _)| drops.add(id));
        drops
    }

    pub(crate) fn add(&mut self, series: SeriesId) {
        if self.0.len() <= series.index() {
            self.0.resize(series.index() + 1, false);
        }
        if let Some(drop) = self.0.get_mut(series.index()) {
            *drop = true;
        }
    }

    pub(crate) fn holds(&self, series: SeriesId) -> bool {
        self.0.get(series.index()).copied().unwrap_or(false)
    }

    /// What stays.
    pub(crate) fn filter(&self, series_count: usize) -> Filter {
        let mut scan = Scan::default();
        if !self.0.is_empty() {
            let ids = (0..).take(series_count).map(SeriesId::new);
            scan.series = Some(ids.filter(|id| !self.holds(*id)).collect());
        }
        Filter::new(&scan, series_count)
    }

    /// Whether a file holds rows of one of them: its column of numbers is read, which is few bytes.
    pub(crate) fn touch(&self, shelf: &Shelf, file: &Arc<ColdFile>) -> Result<bool, ReadFault> {
        let filter = Filter::new(&Scan::default(), 0);
        let want = Want { filter, names: None, columns: vec![stored::SERIES] };
        let mut scan = FileScan::open(shelf, Arc::clone(file), &want)?;
        while let Some(batch) = scan.next(shelf, &want)? {
            let series = batch.column(0).as_primitive::<Int32Type>().values();
            // Rows of one series stand together: it is asked for once.
            let mut before = None;
            for id in series {
                if before.replace(*id) != Some(*id) && self.holds(SeriesId::new(id.cast_unsigned()))
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
