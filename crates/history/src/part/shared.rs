//! Column chunks that are equal stand in a file once.
//!
//! A device says many signals in one message, with one time. Rows are sorted by signal, so the same
//! times come again for each of them, in row groups of their own. Parquet names the place of every
//! column chunk, and nothing forbids two of them to name the same one: whoever reads the file reads
//! the times of each row group, as ever.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::Range;

use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, OffsetIndexBuilder, ParquetMetaData, ParquetMetaDataWriter,
    RowGroupMetaData,
};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::writer::TrackedWrite;

/// The first column of a row group is never shared: programs that deal the row groups of a file go by
/// where it begins.
const FIRST_SHARED: usize = 1;

const MAGIC: &[u8] = b"PAR1";

/// Where the bytes of a file's column chunks stand, row group after row group.
pub(super) fn places(groups: &[RowGroupMetaData]) -> Vec<Range<usize>> {
    let place = |column: &ColumnChunkMetaData| {
        let (start, length) = column.byte_range();
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        index(start)..index(start.saturating_add(length))
    };
    groups.iter().flat_map(RowGroupMetaData::columns).map(place).collect()
}

/// Of each column chunk, the first that is equal to it: mostly itself. `None` if all are different.
pub(super) fn equals(
    bytes: &[u8],
    (places, checksums): (&[Range<usize>], &[u32]),
    columns: usize,
) -> Option<Vec<usize>> {
    let chunk = |number: usize| places.get(number).and_then(|place| bytes.get(place.clone()));
    let mut known: BTreeMap<(usize, u32), usize> = BTreeMap::new();
    let mut equal: Vec<usize> = Vec::with_capacity(places.len());
    for (number, checksum) in checksums.iter().enumerate() {
        let column = number % columns;
        let first = *known.entry((column, *checksum)).or_insert(number);
        let shared = column >= FIRST_SHARED && chunk(first) == chunk(number);
        equal.push(if shared { first } else { number });
    }
    equal.iter().enumerate().any(|(number, first)| number != *first).then_some(equal)
}

/// The file with each chunk once, and where its last one ends.
pub(super) fn once(
    bytes: &[u8],
    (places, equal): (&[Range<usize>], &[usize]),
    metadata: ParquetMetaData,
) -> Result<(Vec<u8>, u64), ParquetError> {
    let mut file = Vec::with_capacity(bytes.len());
    let mut out = TrackedWrite::new(&mut file);
    out.write_all(MAGIC)?;
    // By how much each chunk stands nearer to the begin than it did.
    let mut moved: Vec<i64> = Vec::with_capacity(places.len());
    let mut starts: Vec<i64> = Vec::with_capacity(places.len());
    for (number, (place, first)) in places.iter().zip(equal).enumerate() {
        let start = match starts.get(*first) {
            Some(start) if *first < number => *start,
            Some(_) | None => {
                let start = offset(out.bytes_written());
                out.write_all(bytes.get(place.clone()).unwrap_or_default())?;
                start
            }
        };
        starts.push(start);
        moved.push(offset(place.start) - start);
    }
    out.flush()?;
    let tail = out.bytes_written() as u64;
    let metadata = relocated(metadata, &moved)?;
    ParquetMetaDataWriter::new_with_tracked(out, &metadata).finish()?;
    Ok((file, tail))
}

fn offset(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

fn relocated(metadata: ParquetMetaData, moved: &[i64]) -> Result<ParquetMetaData, ParquetError> {
    let mut by_group = moved.chunks(metadata.file_metadata().schema_descr().num_columns());
    let pages = metadata.offset_index().map_or(&[][..], Vec::as_slice);
    let (mut groups, mut indexes) = (Vec::new(), Vec::new());
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let moved = by_group.next().unwrap_or_default();
        groups.push(group_at(group, moved)?);
        let columns = pages.get(number).into_iter().flatten().zip(moved);
        indexes.push(columns.map(|(index, moved)| pages_at(index, *moved, group)).collect());
    }
    let builder = metadata.into_builder();
    Ok(builder.set_row_groups(groups).set_offset_index(Some(indexes)).build())
}

fn group_at(group: &RowGroupMetaData, moved: &[i64]) -> Result<RowGroupMetaData, ParquetError> {
    let mut columns = Vec::with_capacity(moved.len());
    for (column, moved) in group.columns().iter().zip(moved) {
        let dictionary = column.dictionary_page_offset().map(|at| at - moved);
        let data = column.data_page_offset() - moved;
        let builder = column.clone().into_builder().set_data_page_offset(data);
        columns.push(builder.set_dictionary_page_offset(dictionary).build()?);
    }
    let start =
        group.file_offset().unwrap_or_default() - moved.first().copied().unwrap_or_default();
    group.clone().into_builder().set_column_metadata(columns).set_file_offset(start).build()
}

fn pages_at(
    index: &OffsetIndexMetaData,
    moved: i64,
    group: &RowGroupMetaData,
) -> OffsetIndexMetaData {
    let mut builder = OffsetIndexBuilder::new();
    let pages = index.page_locations();
    let ends = pages.iter().skip(1).map(|page| page.first_row_index).chain([group.num_rows()]);
    for (number, (page, end)) in pages.iter().zip(ends).enumerate() {
        builder.append_row_count(end - page.first_row_index);
        builder.append_offset_and_size(page.offset - moved, page.compressed_page_size);
        let texts = index.unencoded_byte_array_data_bytes();
        builder.append_unencoded_byte_array_data_bytes(
            texts.and_then(|sizes| sizes.get(number)).copied(),
        );
    }
    builder.build()
}
