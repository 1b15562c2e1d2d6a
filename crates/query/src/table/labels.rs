//! `labels`: what devices say of themselves, one row for each device and label.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{RecordBatch, StringViewBuilder};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::DataFusionError;

use crate::catalog::Catalog;
use crate::table;

/// The table, made once and shared by the statements that follow until a label changes: a site of
/// a million devices has millions of rows here.
#[derive(Debug, Default)]
pub(crate) struct LabelCache(Mutex<Option<(u64, RecordBatch)>>);

impl LabelCache {
    pub(crate) fn rows(&self, catalog: &dyn Catalog) -> Result<RecordBatch, DataFusionError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Asked for first: rows that are newer than this number are only read once more.
        let changes = catalog.label_changes();
        if let Some((_, batch)) = kept.as_ref().filter(|(made_at, _)| *made_at == changes) {
            return Ok(batch.clone());
        }
        let batch = read(catalog)?;
        *kept = Some((changes, batch.clone()));
        Ok(batch)
    }
}

fn schema() -> SchemaRef {
    let text = DataType::Utf8View;
    table::schema(&[
        ("device", text.clone(), false),
        ("label", text.clone(), false),
        ("value", text, false),
    ])
}

fn read(catalog: &dyn Catalog) -> Result<RecordBatch, DataFusionError> {
    let mut columns = [(); 3].map(|()| StringViewBuilder::new());
    let [device, label, value] = &mut columns;
    catalog.each_label(&mut |of, name, says| {
        device.append_value(of);
        label.append_value(name);
        value.append_value(says);
    });
    let columns = columns.map(|mut column| Arc::new(column.finish()) as _);
    Ok(RecordBatch::try_new(schema(), columns.into())?)
}
