//! Signals of the same messages have the same times, which stand in a file once.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMillisecondType};
use bytes::Bytes;
use history::storage::Storage;
use history::{Options, Scan};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;

use crate::site::{NOW, Record, Site, number, scan, small_options};

/// Above the least of a row group, so that each signal has its own.
const MESSAGES: i64 = 20_000;

/// Neither regular nor sorted in any other way.
fn time(message: i64) -> i64 {
    NOW.millis() - 86_400_000 + message * 1_000 + (message * 7_919) % 997
}

fn messages(signals: &[&str]) -> Vec<Record> {
    let value = |message: i64| f64::from(i32::try_from(message % 1_013).unwrap()) / 10.0;
    let of = |signal| move |message| number("farm/barn", signal, time(message), value(message));
    signals.iter().flat_map(|signal| (0..MESSAGES).map(of(signal))).collect()
}

fn flushed(records: Vec<Record>) -> Site {
    let options = Options { hot_rows_max: 200_000, ..small_options() };
    let mut site = Site::open_with(options, Default::default(), Vec::new()).unwrap();
    site.write(records);
    site.commit_all();
    site.flush().unwrap();
    site
}

/// All files of readings that the table has.
fn files(site: &Site) -> BTreeMap<String, Bytes> {
    let files = site.storage.files().into_iter();
    files.filter(|(name, _)| name.ends_with(".parquet")).collect()
}

fn footer(bytes: &Bytes) -> Arc<ParquetMetaData> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    Arc::clone(reader.metadata())
}

/// Where the chunks of a column begin, row group after row group.
fn starts(metadata: &ParquetMetaData, column: usize) -> Vec<u64> {
    metadata.row_groups().iter().map(|group| group.column(column).byte_range().0).collect()
}

/// What a program reads that knows nothing of this: times and numbers.
fn plainly(bytes: &Bytes) -> Vec<(i64, f64)> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap().build().unwrap();
    let rows = |batch: RecordBatch| {
        let times = batch.column(3).as_primitive::<TimestampMillisecondType>().clone();
        let numbers = batch.column(4).as_primitive::<Float64Type>().clone();
        (0..batch.num_rows()).map(move |row| (times.value(row), numbers.value(row)))
    };
    reader.flat_map(|batch| rows(batch.unwrap()).collect::<Vec<_>>()).collect()
}

#[test]
fn the_times_of_messages_with_many_signals_stand_in_a_file_once() {
    let many = ["a", "b", "c", "d"];
    let size = |signals: &[&str]| {
        let site = flushed(messages(signals));
        let files = files(&site);
        let sizes: Vec<usize> = files.values().map(Bytes::len).collect();
        assert_eq!(sizes.len(), 1);
        (site, files, sizes[0])
    };
    let ((_, _, one), (site, files, four)) = (size(&many[..1]), size(&many));
    let bytes = files.values().next().unwrap();
    let metadata = footer(bytes);
    assert_eq!(metadata.num_row_groups(), 4);
    let times = starts(&metadata, 3);
    assert!(times.iter().all(|start| *start == times[0]), "{times:?}");
    let first = starts(&metadata, 0);
    assert!(first.is_sorted_by(|a, b| a < b), "row groups begin in their order: {first:?}");
    let time_bytes = usize::try_from(metadata.row_group(0).column(3).compressed_size()).unwrap();
    assert!(four + 2 * time_bytes < 4 * one, "{four} is not much less than 4 times {one}");
    let told: Vec<(i64, f64)> = plainly(bytes);
    assert_eq!(told.len(), 4 * usize::try_from(MESSAGES).unwrap());
    for (row, (at, value)) in told.into_iter().enumerate() {
        let message = i64::try_from(row).unwrap() % MESSAGES;
        let wanted = f64::from(i32::try_from(message % 1_013).unwrap()) / 10.0;
        assert_eq!((at, value.to_bits()), (time(message), wanted.to_bits()), "{row}");
    }
    site.check();
    let pages = footer(bytes).offset_index().map(Vec::len);
    assert_eq!(pages.unwrap_or(4), 4);
}

/// By pages, too: their places moved with their chunks.
#[test]
fn parts_of_shared_columns_are_found() {
    let site = flushed(messages(&["a", "b", "c"]));
    for (from, to) in [(0, 10), (8_190, 8_200), (12_345, 19_999)] {
        let at = |message| Some(model::Timestamp::from_millis(time(message)));
        let seen = scan(&site.view(), &Scan { from: at(from), to: at(to), ..Scan::default() });
        let mut expected = site.expected();
        expected.retain(|(.., when), _| time(from) <= *when && *when < time(to));
        assert_eq!(seen, expected);
    }
}

/// A merge shares as a flush does, and a signal that lacks one message shares nothing.
#[test]
fn what_differs_stands_for_itself() {
    let mut records = messages(&["a", "b", "c"]);
    records.retain(|record| record.signal != "b" || record.time != time(7));
    let mut site = flushed(records);
    site.merge(48).unwrap();
    site.check();
    let closed = files(&site);
    let [(name, bytes)] = &closed.iter().collect::<Vec<_>>()[..] else { panic!("{closed:?}") };
    assert!(name.contains("-m"), "{name}");
    let times = starts(&footer(bytes), 3);
    assert_eq!(times[0], times[2]);
    assert_ne!(times[0], times[1]);
}

#[test]
fn damage_of_a_shared_column_is_found_in_each_signal() {
    let site = flushed(messages(&["a", "b"]));
    let storage: Arc<dyn Storage> = Arc::new(site.storage.clone());
    assert_eq!(history::verify(&storage).1.len(), 0);
    let files = files(&site);
    let (name, bytes) = files.iter().next().unwrap();
    let (start, length) = footer(bytes).row_group(1).column(3).byte_range();
    site.storage.flip(name, usize::try_from((start + length / 2) * 8).unwrap());
    for id in [0, 1] {
        let series = Some(vec![history::SeriesId::new(id)]);
        let mut rows = site.view().scan(&Scan { series, ..Scan::default() }).unwrap();
        assert!(rows.any(|batch| batch.is_err()), "signal {id}");
    }
    assert_eq!(history::verify(&storage).1.len(), 1);
}
