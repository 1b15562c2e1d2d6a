use super::{LiveFile, live_files};

#[test]
fn files_of_a_table_are_those_that_no_later_version_removed() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("_delta_log");
    std::fs::create_dir(&log).unwrap();
    let add = |path: &str, rows: u64, level: &str| {
        format!(
            r#"{{"add":{{"path":"{path}","size":{rows}0,"stats":"{{\"numRecords\":{rows}}}","tags":{{"althing.level":"{level}"}}}}}}"#
        )
    };
    let first = [r#"{"commitInfo":{}}"#.to_owned(), add("a", 1, "0"), add("b", 2, "0")].join("\n");
    let second = [r#"{"remove":{"path":"a"}}"#.to_owned(), add("c", 3, "15")].join("\n");
    std::fs::write(log.join("00000000000000000001.json"), second).unwrap();
    std::fs::write(log.join("00000000000000000000.json"), first).unwrap();
    std::fs::write(log.join("00000000000000000001.checkpoint.parquet"), "").unwrap();
    let file = |path: &str, rows: u64, level| LiveFile {
        path: path.to_owned(),
        bytes: rows * 10,
        rows,
        level,
    };
    assert_eq!(live_files(folder.path()).unwrap(), [file("b", 2, 0), file("c", 3, 15)]);
}
