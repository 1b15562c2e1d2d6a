//! A flush: hot rows up to one position become files, a snapshot and a version of the table.
//!
//! The order makes it exactly-once: files, then snapshot, then the version that names the position.
//! Until the version is durable a crash leaves the table and the snapshot of the version before;
//! what lies around is removed by the next opening.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringBuilder, UInt32Array,
    new_null_array,
};
use arrow::datatypes::{DataType, UInt32Type};
use model::{Position, Timestamp};

use crate::arrange::{FileKey, RowRef, arrange, time_of};
use crate::fault::FlushFault;
use crate::folder::Longer;
use crate::hot::{HotView, Run};
use crate::kind::Kind;
use crate::output::time_array;
use crate::part::{Effort, PartWriter};
use crate::place::{Made, Part, clean_up, place_part, storage_fault};
use crate::reader::Shared;
use crate::recovery::{SNAPSHOT_DIR, snapshot_name};
use crate::series::{Names, SERIES_MAX, Series};
use crate::snapshot::Snapshot;
use crate::storage::{Storage, place};

/// A flush that is durable: the journal may drop what is not after `position`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flushed {
    pub position: Position,
    pub rows: u64,
    pub files: u64,
    pub bytes: u64,
}

/// How a flush ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) flushed: Flushed,
    /// The snapshot before, if it could not be removed.
    pub(crate) stays: Option<String>,
}

/// All that a flush needs, so that it can run on a thread of its own.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) shared: Arc<Shared>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) run: Run,
    pub(crate) extra: Vec<u8>,
    /// The highest time of each series at the mark, and at the mark before.
    pub(crate) last_times: Vec<i64>,
    pub(crate) flushed_last: Arc<[i64]>,
    pub(crate) now: Timestamp,
}

impl Job {
    pub(crate) fn run(&self) -> Result<Ended, FlushFault> {
        let view = self.shared.tail().hot.up_to(self.run);
        self.shared.latest().apply(&view);
        let known = self.series();
        loop {
            let mut begun = Vec::new();
            let written = self.write_files((&view, self.shared.longer()), &known, &mut begun);
            let parts = written
                .and_then(|parts| self.write_snapshot(&known.0, &mut begun).map(|()| parts))
                .inspect_err(|_| clean_up(&*self.storage, &begun))?;
            let flushed = Flushed {
                position: self.run.position,
                rows: parts.iter().map(|part| part.rows).sum(),
                files: parts.len() as u64,
                bytes: parts.iter().map(|part| part.file.bytes).sum(),
            };
            if let Some(before) = self.publish(parts, &begun)? {
                return Ok(Ended { flushed, stays: self.forget_snapshot(before) });
            }
            // Days that these rows lie in became one folder meanwhile, which happens once or twice.
            clean_up(&*self.storage, &begun);
        }
    }

    /// Those at the mark: what erases a series later is replayed after a crash.
    fn series(&self) -> (Vec<Series>, Names) {
        let mut known = self.shared.series_mut();
        let mut series: Vec<Series> =
            known.entries().iter().take(self.run.series).cloned().collect();
        for entry in &mut series {
            entry.erased = entry.erased.filter(|at| *at <= self.run.position);
        }
        (series, known.names())
    }

    /// Makes the files part of the table; answers its position before. `None` when their folders are
    /// not those of the table any more.
    fn publish(&self, parts: Vec<Part>, begun: &[String]) -> Result<Option<Position>, FlushFault> {
        let _one_at_a_time = self.shared.versions();
        let longer = self.shared.longer();
        if !parts.iter().all(|part| longer.keeps(part.file.key.folder)) {
            return Ok(None);
        }
        let before = Arc::clone(&self.shared.tail().table);
        let after = before.flush(&*self.storage, self.run.position, parts, self.now).inspect_err(
            |fault| clean_up(&*self.storage, if fault.is_final() { &[] } else { begun }),
        )?;
        let mut tail = self.shared.tail();
        tail.table = Arc::new(after);
        tail.hot.drop_before(self.run.end);
        Ok(Some(before.position))
    }

    fn write_files(
        &self,
        (view, longer): (&HotView, Longer),
        (series, names): &(Vec<Series>, Names),
        begun: &mut Vec<String>,
    ) -> Result<Vec<Part>, FlushFault> {
        let arranged = arrange(view, series, (&self.flushed_last, &longer));
        let mut written = Vec::with_capacity(arranged.len());
        let mut before = None;
        let columns = Columns { view, series, names };
        for (number, (key, rows)) in arranged.iter().enumerate() {
            let dir = Kind::Readings.dir_of(key.folder);
            if before.replace(key.folder) != Some(key.folder) {
                self.storage.make_dir(&dir).map_err(storage_fault(&dir))?;
            }
            let file = format!("part-{:020}-{number}.parquet", self.run.position.get());
            let path = format!("day={}/{file}", key.folder.name());
            begun.push(format!("{dir}/{file}"));
            written.push(self.write_file(&columns, (*key, path), rows)?);
        }
        for key in arranged.keys().filter(|key| !key.late || !arranged.contains_key(&on_time(key)))
        {
            let dir = Kind::Readings.dir_of(key.folder);
            self.storage.sync_dir(&dir).map_err(storage_fault(&dir))?;
        }
        Ok(written)
    }

    fn write_file(
        &self,
        columns: &Columns<'_>,
        (key, path): (FileKey, String),
        rows: &[RowRef],
    ) -> Result<Part, FlushFault> {
        let mut writer = PartWriter::new(Kind::Readings, Effort::Quick)?;
        for group in columns.groups(rows) {
            writer.push(&columns.batch(group)?)?;
        }
        let position = self.run.position.get();
        let (clean, at) = (position, self.now);
        let made = Made { key, position, clean, level: 0, at, origin: None };
        place_part(&*self.storage, (path, made), &writer.finish()?)
    }

    fn write_snapshot(&self, series: &[Series], begun: &mut Vec<String>) -> Result<(), FlushFault> {
        let live = series.iter().filter(|entry| entry.erased.is_none());
        let entries = self.shared.latest().snapshot(live, &self.last_times);
        let gone = self.shared.tail().gone.up_to(self.run.position);
        let snapshot = Snapshot {
            position: self.run.position,
            numbers: u32::try_from(series.len()).unwrap_or(SERIES_MAX),
            series: entries,
            gone: gone.iter().map(|(id, at)| (id.get(), at)).collect(),
            extra: self.extra.clone(),
        };
        let name = snapshot_name(self.run.position);
        begun.push(name.clone());
        place(&*self.storage, &name, &snapshot.encode()).map_err(storage_fault(&name))?;
        self.storage.sync_dir(SNAPSHOT_DIR).map_err(storage_fault(SNAPSHOT_DIR))
    }

    /// The flush is durable without this. Answers the name of what has to be removed later.
    fn forget_snapshot(&self, position: Position) -> Option<String> {
        if position == Position::ZERO || position == self.run.position {
            return None;
        }
        let name = snapshot_name(position);
        let fault = self.storage.remove(&name).err()?;
        tracing::warn!(name, %fault, "an old snapshot stays for now");
        Some(name)
    }
}

const fn on_time(key: &FileKey) -> FileKey {
    FileKey { folder: key.folder, late: false }
}

/// What turns rows of a hot view into columns of a file.
struct Columns<'a> {
    view: &'a HotView,
    series: &'a [Series],
    names: &'a Names,
}

impl Columns<'_> {
    fn id(&self, row: RowRef) -> u32 {
        let chunk = self.view.chunks.get(row.chunk());
        chunk.and_then(|chunk| chunk.series.get(row.row())).copied().unwrap_or_default()
    }

    fn signal(&self, row: RowRef) -> Option<&Arc<str>> {
        self.series.get(self.id(row) as usize).map(|entry| &entry.signal)
    }

    /// Cuts sorted rows into row groups: at the end of a signal when there are enough, or when it had
    /// groups before, so that the groups of the next signal, of the same messages, begin alike.
    fn groups<'r>(&self, rows: &'r [RowRef]) -> impl Iterator<Item = &'r [RowRef]> + use<'_, 'r> {
        let (mut rest, mut last) = (rows, None);
        std::iter::from_fn(move || {
            let first = rest.first().copied();
            let goes_on =
                last.is_some_and(|last| first.is_some_and(|row| self.signal(row) == last));
            let end = self.group_end(rest, goes_on);
            let (group, after) = rest.split_at(end);
            rest = after;
            last = group.last().map(|row| self.signal(*row));
            (!group.is_empty()).then_some(group)
        })
    }

    fn group_end(&self, rows: &[RowRef], goes_on: bool) -> usize {
        let (least, most) = Kind::Readings.group_rows();
        let least = if goes_on { 1 } else { least };
        let limit = rows.len().min(most);
        let mut before = rows.get(least - 1).map(|row| self.id(*row));
        for (index, row) in rows.iter().enumerate().take(limit).skip(least) {
            let id = self.id(*row);
            if before.replace(id) != Some(id)
                && rows.get(index - 1).and_then(|row| self.signal(*row)) != self.signal(*row)
            {
                return index;
            }
        }
        limit
    }

    fn batch(&self, rows: &[RowRef]) -> Result<RecordBatch, FlushFault> {
        let ids: Vec<u32> = rows.iter().map(|row| self.id(*row)).collect();
        let signed = ids.iter().map(|id| i32::try_from(*id).unwrap_or_default());
        let series: ArrayRef = Arc::new(signed.collect::<Int32Array>());
        let keys = UInt32Array::from(ids);
        let name = |values: &ArrayRef| {
            DictionaryArray::<UInt32Type>::try_new(keys.clone(), Arc::clone(values))
        };
        let time = rows.iter().map(|row| time_of(self.view, *row)).collect();
        let (number, text, quality) = self.values(rows);
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(name(&self.names.device)?),
            Arc::new(name(&self.names.signal)?),
            series,
            time_array(time),
            number,
            text,
            quality,
        ];
        Ok(RecordBatch::try_new(Kind::Readings.stored(), arrays)?)
    }

    fn values(&self, rows: &[RowRef]) -> (ArrayRef, ArrayRef, ArrayRef) {
        let mut numbers = Vec::with_capacity(rows.len());
        let mut qualities = Vec::with_capacity(rows.len());
        let mut texts = StringBuilder::new();
        let mut any_text = false;
        for row in rows {
            let Some(chunk) = self.view.chunks.get(row.chunk()) else { continue };
            let text = chunk.text(row.row());
            let (.., number, quality) = chunk.row(row.row()).unwrap_or_default();
            numbers.push(text.is_none().then_some(number));
            qualities.push(i32::from(quality));
            texts.append_option(text);
            any_text |= text.is_some();
        }
        let text: ArrayRef = if any_text {
            Arc::new(texts.finish())
        } else {
            new_null_array(&DataType::Utf8, rows.len())
        };
        (Arc::new(Float64Array::from(numbers)), text, Arc::new(Int32Array::from(qualities)))
    }
}
