use history::{Options, Scan, SeriesId, open};
use history::{Room, SeriesInfo, SeriesKey, View, column};
use model::{Horizon, Position, Quality, Timestamp, Value};

use crate::site::NOW;

const DEVICES: [&str; 2] = ["barn", "yard"];
/// The last one is small: its rows share a row group. That of the largest goes on in a second one.
const SIGNALS: [(&str, i64); 4] =
    [("humidity", 40_000), ("pressure", 70_000), ("temperature", 20_000), ("voltage", 10)];
const STEP_MS: i64 = 1;

/// The times of a series, as a count of steps since `NOW`.
fn count_between(rows: i64, from: i64, to: i64) -> usize {
    let inside = rows.min(to) - from.max(0);
    usize::try_from(inside.max(0)).unwrap()
}

#[track_caller]
fn check(view: &View, ids: Option<&[u32]>, from: i64, to: i64) {
    let at = |step: i64| Timestamp::from_millis(NOW.millis() + step * STEP_MS);
    let scan = Scan {
        series: ids.map(|ids| ids.iter().copied().map(SeriesId::new).collect()),
        from: Some(at(from)),
        to: Some(at(to)),
        columns: Some(vec![column::NUMBER]),
        share: None,
    };
    let found: usize = view.scan(&scan).unwrap().map(|batch| batch.unwrap().num_rows()).sum();
    let wanted = |id: u32| ids.is_none_or(|ids| ids.contains(&id));
    let series = DEVICES.iter().flat_map(|_| SIGNALS).zip(0..);
    let counts = series.filter(|(_, id)| wanted(*id));
    let expected: usize = counts.map(|((_, rows), _)| count_between(rows, from, to)).sum();
    assert_eq!(found, expected, "{ids:?} from {from} to {to}");
}

/// Bytes of all files, and the rows of their row groups.
fn group_rows(dir: &std::path::Path) -> Vec<i64> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let mut rows = Vec::new();
    for day in std::fs::read_dir(dir.join("history/main/readings")).unwrap() {
        for file in std::fs::read_dir(day.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "parquet") {
                let reader = SerializedFileReader::try_from(path.as_path()).unwrap();
                rows.extend(reader.metadata().row_groups().iter().map(|group| group.num_rows()));
            }
        }
    }
    rows
}

#[test]
fn large_files_are_cut_at_signals_and_give_what_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader, _) = open(Options::new(dir.path()), NOW).unwrap();
    let (horizon, mut durable, _) = Horizon::new(Position::ZERO, &[], Box::new(drop));
    for device in DEVICES {
        for (signal, rows) in SIGNALS {
            let id = writer.series(SeriesKey { device, signal }, SeriesInfo::default());
            for step in 0..rows {
                let time = Timestamp::from_millis(NOW.millis() + step * STEP_MS);
                writer.append(id, (time, Value::Number(1.5)), Quality::GOOD, Position::new(1));
            }
        }
    }
    assert_eq!(writer.seal(Position::new(1)), Room::Free);
    durable.advance(Position::new(1));
    let hot = reader.view(horizon.committed());
    writer.mark(b"", NOW);
    writer.finish(horizon.committed()).unwrap();
    let cold = reader.view(horizon.committed());
    assert_eq!(group_rows(dir.path()), [80_000, 131_072, 8_928, 40_000, 20]);
    for view in [hot, cold] {
        for ids in [None, Some(&[0][..]), Some(&[1, 6]), Some(&[5]), Some(&[3, 7]), Some(&[])] {
            for (from, to) in
                [(0, 100_000), (0, 1), (8_191, 8_193), (39_999, 69_999), (69_999, 70_001), (-5, 0)]
            {
                check(&view, ids, from, to);
            }
        }
    }
}
