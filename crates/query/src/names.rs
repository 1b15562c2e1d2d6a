//! The names of all series as columns, made once and shared by the statements that follow.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use history::View;

/// Device and signal of each series, at the index of its number.
pub(crate) type Names = RecordBatch;

/// Names never change and series are only added, so the names of more series serve as well.
#[derive(Debug, Default)]
pub(crate) struct NameCache(Mutex<Option<Names>>);

impl NameCache {
    pub(crate) fn of(&self, view: &View) -> Names {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = kept.as_ref().filter(|names| names.num_rows() >= view.series_count()) {
            return names.slice(0, view.series_count());
        }
        let names = read(view);
        *kept = Some(names.clone());
        names
    }
}

fn read(view: &View) -> Names {
    let series = view.series();
    let device = StringViewArray::from_iter_values(series.iter().map(|series| &series.device));
    let signal = StringViewArray::from_iter_values(series.iter().map(|series| &series.signal));
    let columns: Vec<ArrayRef> = vec![Arc::new(device), Arc::new(signal)];
    let empty = RecordBatch::new_empty(schema());
    // Two columns of one length and their own types always fit.
    RecordBatch::try_new(schema(), columns).unwrap_or(empty)
}

pub(crate) fn schema() -> SchemaRef {
    let name = |name| Field::new(name, DataType::Utf8View, false);
    Arc::new(Schema::new(vec![name("device"), name("signal")]))
}
