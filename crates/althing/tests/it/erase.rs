//! A device that its owner wants forgotten, from the command line to the files on disk.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::site::Running;

/// What waits for a quarter of an hour, or for other programs, waits for a second here.
const QUICK: &str = "[history]\nhot-age = '1s'\nlinger = '1s'\n";

fn erase(site: &Running, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_althing"));
    command.arg("erase").args(arguments).args(["--http", site.http()]);
    command.current_dir(folder).output().unwrap()
}

/// Files below a folder that hold a word. The site may remove one between a look and the next.
fn files_with(folder: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, word));
        } else {
            let bytes = std::fs::read(&path).unwrap_or_default();
            found.extend(bytes.windows(word.len()).any(|it| it == word.as_bytes()).then_some(path));
        }
    }
    found
}

#[test]
fn a_device_is_erased_from_sql_at_once_and_from_the_disk_soon() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    std::fs::write(data.join("althing.toml"), QUICK).unwrap();
    let site = Running::start(data);
    for number in 0..3 {
        site.publish("farm/hideaway", &format!(r#"{{"t":{number},"note":"a secret"}}"#));
        site.publish("farm/well", &format!(r#"{{"t":{number}}}"#));
    }
    let tables = data.join("history");
    // Until it is in Parquet, where it has to leave again.
    while files_with(&tables, "hideaway").len() < 2 {
        site.publish("farm/well", r#"{"t":3}"#);
    }
    let missing = erase(&site, data, &["farm/nobody"]);
    assert_eq!(missing.status.code(), Some(3), "{missing:?}");

    let erased = erase(&site, data, &["farm/hideaway", "--wait"]);
    let said = String::from_utf8(erased.stdout).unwrap();
    assert_eq!(erased.status.code(), Some(0), "{said}");
    let last = said.lines().last().unwrap();
    assert!(said.starts_with("farm/hideaway erased at "), "{said}");
    assert!(last.contains("nothing is left in tables and snapshots"), "{said}");
    assert_eq!(files_with(&tables, "hideaway"), Vec::<PathBuf>::new());
    assert_eq!(files_with(&tables, "a secret"), Vec::<PathBuf>::new());
    assert!(erase(&site, data, &[]).stdout.is_empty(), "nothing is under way");
    let gone = |site: &Running| {
        for table in ["readings", "latest", "signals", "devices"] {
            let statement = format!("SELECT device FROM {table} WHERE device LIKE '%hideaway'");
            assert_eq!(site.sql(&statement).trim(), "[]", "{table}");
        }
        assert!(site.sql("SELECT count(*) AS n FROM well").contains("\"n\":"));
    };
    gone(&site);
    site.kill();

    let site = Running::start(data);
    gone(&site);
    let registry: Vec<_> = files_with(data, "topic:farm/hideaway");
    assert_eq!(registry, Vec::<PathBuf>::new());
    site.publish("farm/hideaway", r#"{"t":9}"#);
    let numbers = "SELECT number FROM readings WHERE device = 'farm/hideaway'";
    assert_eq!(site.sql(numbers).trim(), r#"[{"number":9.0}]"#, "it begins anew");
    let wide = site.sql("SELECT t FROM hideaway");
    assert_eq!(wide.trim(), r#"[{"t":9.0}]"#);
    assert!(site.metrics().contains("\nalthing_erasures_pending 0\n"));
    assert_eq!(site.stop(), Some(0));
}
