//! Reading Parquet files: only the row groups and pages that can hold what is wanted, and only
//! bytes whose checksum is right.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use bytes::{Buf, Bytes};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;

use crate::fault::ReadFault;
use crate::file::ColdFile;
use crate::part::{CHECKSUMS_KEY, stored};
use crate::scan::{BATCH_ROWS, Filter};
use crate::storage::Storage;

/// Footers kept in memory: at some 20 KB each, 20 MB.
const FOOTERS_MAX: usize = 1_024;

/// The opened files of one table, shared by all views.
#[derive(Debug)]
pub(crate) struct Shelf {
    storage: Arc<dyn Storage>,
    footers: Mutex<Footers>,
}

#[derive(Debug, Default)]
struct Footers {
    by_path: BTreeMap<Box<str>, (Arc<Footer>, u64)>,
    uses: u64,
}

/// What stands at the end of a file.
#[derive(Debug)]
pub(crate) struct Footer {
    metadata: ArrowReaderMetadata,
    /// Of each column chunk, group after group.
    checksums: Vec<u32>,
}

impl Shelf {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, footers: Mutex::default() }
    }

    fn footer(&self, file: &ColdFile) -> Result<Arc<Footer>, ReadFault> {
        let lock = || self.footers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(footer) = lock().find(&file.path) {
            return Ok(footer);
        }
        // Without the lock: two threads may read the same footer, none waits for the disk.
        let bytes = self.read(file, file.tail..file.bytes)?;
        check(&bytes, file.tail_checksum).and_then(|()| Footer::parse(file, &bytes)).map_or_else(
            |source| Err(damaged(file, source)),
            |footer| Ok(lock().keep(&file.path, Arc::new(footer))),
        )
    }

    fn read(&self, file: &ColdFile, range: Range<u64>) -> Result<Bytes, ReadFault> {
        let name = file.name();
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        self.storage
            .read_at(&name, range.start, length)
            .map_err(|source| ReadFault::Storage { name: name.into(), source })
    }

    /// The chosen column chunks of one row group, checked.
    fn pieces(
        &self,
        file: &ColdFile,
        footer: &Footer,
        (group, columns): (usize, &[usize]),
    ) -> Result<Pieces, ReadFault> {
        let metadata = footer.metadata.metadata().row_group(group);
        let range = |column: usize| {
            let (start, length) = metadata.column(column).byte_range();
            start..start.saturating_add(length).min(file.tail)
        };
        let mut pieces = Vec::with_capacity(columns.len());
        // Columns that stand together are one read.
        for run in columns.chunk_by(|one, other| range(*one).end == range(*other).start) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            let start = range(*first).start;
            let bytes = self.read(file, start..range(*last).end)?;
            for column in run {
                let place = group * metadata.num_columns() + column;
                let checksum = footer.checksums.get(place).copied().unwrap_or_default();
                let column = range(*column);
                let own = |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
                let chunk = bytes.get(own(column.start)..own(column.end)).unwrap_or_default();
                check(chunk, checksum).map_err(|source| damaged(file, source))?;
            }
            pieces.push((start, bytes));
        }
        Ok(Pieces { length: file.bytes, pieces })
    }
}

impl Footers {
    fn find(&mut self, path: &str) -> Option<Arc<Footer>> {
        self.uses += 1;
        let (footer, used) = self.by_path.get_mut(path)?;
        *used = self.uses;
        Some(Arc::clone(footer))
    }

    fn keep(&mut self, path: &str, footer: Arc<Footer>) -> Arc<Footer> {
        if self.by_path.len() >= FOOTERS_MAX {
            // All that were not used lately go at once, so that this loop is rare.
            let horizon = self.uses.saturating_sub(FOOTERS_MAX as u64 / 2);
            self.by_path.retain(|_, (_, used)| *used > horizon);
        }
        self.by_path.insert(path.into(), (Arc::clone(&footer), self.uses));
        footer
    }
}

impl Footer {
    fn parse(file: &ColdFile, bytes: &Bytes) -> Result<Self, ParquetError> {
        let mut reader =
            ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
        reader.try_parse_sized(bytes, file.bytes)?;
        let metadata = Arc::new(reader.finish()?);
        let values = metadata.file_metadata().key_value_metadata();
        let checksums = values.and_then(|all| all.iter().find(|pair| pair.key == CHECKSUMS_KEY));
        let text = checksums.and_then(|pair| pair.value.as_deref()).unwrap_or_default();
        let hex = |digits: &[u8]| u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
        let checksums: Option<Vec<u32>> = text.as_bytes().chunks(8).map(hex).collect();
        let columns = metadata.file_metadata().schema_descr().num_columns();
        let checksums = checksums
            .filter(|found| found.len() == columns * metadata.num_row_groups())
            .ok_or_else(|| ParquetError::General("the list of checksums is short".to_owned()))?;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        Ok(Self { metadata: ArrowReaderMetadata::try_new(metadata, options)?, checksums })
    }
}

fn check(bytes: &[u8], checksum: u32) -> Result<(), ParquetError> {
    if crc32c::crc32c(bytes) == checksum {
        return Ok(());
    }
    Err(ParquetError::General("a checksum is wrong".to_owned()))
}

fn damaged(file: &ColdFile, source: ParquetError) -> ReadFault {
    ReadFault::Damaged { name: file.path.clone(), source }
}

/// Parts of a file in memory.
struct Pieces {
    length: u64,
    pieces: Vec<(u64, Bytes)>,
}

impl Pieces {
    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let inside = self.pieces.iter().find_map(|(first, bytes)| {
            let offset = usize::try_from(start.checked_sub(*first)?).ok()?;
            (offset < bytes.len()).then(|| bytes.slice(offset..))
        });
        inside.ok_or_else(|| ParquetError::General("a page lies outside its column".to_owned()))
    }
}

impl Length for Pieces {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Pieces {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF("a page reaches beyond its column".to_owned()));
        }
        Ok(bytes.slice(..length))
    }
}

/// Signal and device: the order of files.
pub(crate) type SeriesName = (Arc<str>, Arc<str>);

/// What is wanted of each file.
#[derive(Clone, Debug)]
pub(crate) struct Want {
    pub(crate) filter: Filter,
    /// Of the wanted series, sorted; `None` for all.
    pub(crate) names: Option<Arc<[SeriesName]>>,
    /// Indexes of stored columns, ascending.
    pub(crate) columns: Vec<usize>,
}

impl Want {
    /// Whether names between these can be among the wanted ones.
    fn touches_names(&self, signal: (&[u8], &[u8]), device: (&[u8], &[u8])) -> bool {
        let Some(names) = &self.names else { return true };
        let start = names.partition_point(|(name, _)| name.as_bytes() < signal.0);
        let rest = names.get(start..).unwrap_or_default();
        let same = rest.iter().take_while(|(name, _)| name.as_bytes() <= signal.1);
        same.into_iter().any(|(_, name)| device.0 <= name.as_bytes() && name.as_bytes() <= device.1)
    }
}

/// The batches of one file that can hold what is wanted; rows that are not wanted may be among
/// them.
#[derive(Debug)]
pub(crate) struct FileScan {
    pub(crate) file: Arc<ColdFile>,
    footer: Arc<Footer>,
    groups: VecDeque<usize>,
    reader: Option<ParquetRecordBatchReader>,
}

impl FileScan {
    pub(crate) fn open(shelf: &Shelf, file: Arc<ColdFile>, want: &Want) -> Result<Self, ReadFault> {
        let footer = shelf.footer(&file)?;
        let groups = 0..footer.metadata.metadata().num_row_groups();
        let groups = groups.filter(|group| footer.group_touches(*group, want)).collect();
        Ok(Self { file, footer, groups, reader: None })
    }

    /// Leaves out the row groups that `takes` refuses; it is asked for each, in their order.
    pub(crate) fn share(&mut self, mut takes: impl FnMut() -> bool) {
        self.groups.retain(|_| takes());
    }

    pub(crate) fn next(
        &mut self,
        shelf: &Shelf,
        want: &Want,
    ) -> Result<Option<RecordBatch>, ReadFault> {
        loop {
            if let Some(batch) = self.reader.as_mut().and_then(Iterator::next) {
                return Ok(Some(batch?));
            }
            let Some(group) = self.groups.pop_front() else { return Ok(None) };
            self.reader = self.read_group(shelf, want, group)?;
        }
    }

    fn read_group(
        &self,
        shelf: &Shelf,
        want: &Want,
        group: usize,
    ) -> Result<Option<ParquetRecordBatchReader>, ReadFault> {
        let selection = self.footer.select_pages(group, want);
        if selection.as_ref().is_some_and(|selection| !selection.selects_any()) {
            return Ok(None);
        }
        let pieces = shelf.pieces(&self.file, &self.footer, (group, &want.columns))?;
        let metadata = self.footer.metadata.clone();
        let mask = ProjectionMask::leaves(metadata.parquet_schema(), want.columns.iter().copied());
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(pieces, metadata)
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS);
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        builder.build().map(Some).map_err(|source| damaged(&self.file, source))
    }
}

impl Footer {
    fn group_touches(&self, group: usize, want: &Want) -> bool {
        let metadata = self.metadata.metadata().row_group(group);
        let statistics = |column: usize| metadata.column(column).statistics();
        if let Some(Statistics::Int64(time)) = statistics(stored::TIME)
            && let (Some(min), Some(max)) = (time.min_opt(), time.max_opt())
            && !want.filter.touches(*min, *max)
        {
            return false;
        }
        let bounds = |column: usize| {
            let statistics = statistics(column)?;
            Some((statistics.min_bytes_opt()?, statistics.max_bytes_opt()?))
        };
        match (bounds(stored::SIGNAL), bounds(stored::DEVICE)) {
            (Some(signal), Some(device)) => want.touches_names(signal, device),
            _ => true,
        }
    }

    /// The rows of the pages that can hold what is wanted; `None` for all rows.
    fn select_pages(&self, group: usize, want: &Want) -> Option<RowSelection> {
        let by_time = self.select_by(group, stored::TIME, |index, page| {
            let ColumnIndexMetaData::INT64(times) = index else { return true };
            let bounds = times.min_value(page).zip(times.max_value(page));
            bounds.is_none_or(|(min, max)| want.filter.touches(*min, *max))
        });
        let any: (&[u8], &[u8]) = (&[], &[0xff]);
        let by_device = want.names.as_ref().and_then(|_| {
            self.select_by(group, stored::DEVICE, |index, page| {
                let ColumnIndexMetaData::BYTE_ARRAY(names) = index else { return true };
                let bounds = names.min_value(page).zip(names.max_value(page));
                bounds.is_none_or(|bounds| want.touches_names(any, bounds))
            })
        });
        match (by_time, by_device) {
            (Some(a), Some(b)) => Some(a.intersection(&b)),
            (a, b) => a.or(b),
        }
    }

    fn select_by(
        &self,
        group: usize,
        column: usize,
        touches: impl Fn(&ColumnIndexMetaData, usize) -> bool,
    ) -> Option<RowSelection> {
        let metadata = self.metadata.metadata();
        let index = metadata.column_index()?.get(group)?.get(column)?;
        let pages = metadata.offset_index()?.get(group)?.get(column)?.page_locations();
        let rows = usize::try_from(metadata.row_group(group).num_rows()).ok()?;
        let start = |page: usize| {
            let first = pages.get(page).map(|page| usize::try_from(page.first_row_index));
            first.and_then(Result::ok).unwrap_or(rows)
        };
        let wanted = (0..pages.len()).filter(|page| touches(index, *page));
        let ranges: Vec<_> = wanted.map(|page| start(page)..start(page + 1)).collect();
        Some(RowSelection::from_consecutive_ranges(ranges.into_iter(), rows))
    }
}
