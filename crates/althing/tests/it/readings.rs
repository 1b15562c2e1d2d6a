//! Readings that are not as smooth as they should be, through the program.

use crate::site::Running;

fn rows(site: &Running, statement: &str) -> String {
    site.sql(statement).replace('\n', "")
}

/// A signal says numbers, then a text, then numbers again; in memory, in Parquet and after a kill.
#[test]
fn a_signal_turns_from_number_to_text_and_back() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("althing.toml"), "[history]\nhot-age = '1s'\n").unwrap();
    let mut site = Running::start(folder.path());
    let say = |site: &Running, minute: u32, value: &str| {
        let payload = format!(r#"{{"time":"2024-05-04T10:{minute:02}:00Z","level":{value}}}"#);
        site.publish("farm/tank1", &payload);
    };
    say(&site, 0, "1.5");
    say(&site, 1, "\"broken\"");
    let readings = "SELECT number, text FROM readings ORDER BY time";
    let two = r#"{"number":1.5,"text":null},{"number":null,"text":"broken"}"#;
    assert_eq!(rows(&site, readings), format!("[{two}]"));
    let wide = "SELECT level FROM tank ORDER BY time";
    assert_eq!(rows(&site, wide), r#"[{"level":"1.5"},{"level":"broken"}]"#);
    let kind = "SELECT kind, last_number, last_text FROM signals";
    assert_eq!(rows(&site, kind), r#"[{"kind":"text","last_number":null,"last_text":"broken"}]"#);
    say(&site, 2, "2.5");
    for how in ["at once", "from Parquet", "after a kill"] {
        let three = format!(r#"[{two},{{"number":2.5,"text":null}}]"#);
        assert_eq!(rows(&site, readings), three, "{how}");
        let levels = r#"[{"level":1.5},{"level":null},{"level":2.5}]"#;
        assert_eq!(rows(&site, wide), levels, "{how}");
        let numbers = r#"[{"kind":"number","last_number":2.5,"last_text":null}]"#;
        assert_eq!(rows(&site, kind), numbers, "{how}");
        let mean = rows(&site, "SELECT avg(level) AS mean FROM tank");
        assert_eq!(mean, r#"[{"mean":2.0}]"#, "{how}");
        if how == "at once" {
            while !site.metrics().contains("\nalthing_history_flushes_total 1\n") {}
        } else if how == "from Parquet" {
            site.kill();
            site = Running::start(folder.path());
        }
    }
    assert_eq!(site.stop(), Some(0));
}

/// Whatever the clock of a device says: what cannot be is the time of receipt, and is marked.
#[test]
fn clocks_that_are_wrong_are_repaired_and_marked() {
    let folder = tempfile::tempdir().unwrap();
    let site = Running::start(folder.path());
    let now = jiff::Timestamp::now();
    let ahead = |seconds: i64| (now.as_second() + seconds).to_string();
    let cases = [
        ("no clock", "none", String::new(), 0, true),
        ("1970", "born", "\"1970-01-01T00:00:10Z\"".to_owned(), 8, true),
        ("1999", "last", "\"1999-12-31T23:59:59Z\"".to_owned(), 8, true),
        ("2099", "far", "\"2099-01-01T00:00:00Z\"".to_owned(), 8, true),
        ("two days ahead", "days", ahead(2 * 86_400), 8, true),
        ("ten minutes ahead", "ahead", ahead(600), 16, false),
        ("a year ago", "past", ahead(-365 * 86_400), 0, false),
    ];
    for (_, device, time, ..) in &cases {
        let payload = match time.as_str() {
            "" => r#"{"v":1}"#.to_owned(),
            time => format!(r#"{{"time":{time},"v":1}}"#),
        };
        site.publish(&format!("clocks/{device}"), &payload);
    }
    for (what, device, _, quality, is_receipt) in cases {
        let statement = format!(
            "SELECT r.quality, abs(date_part('epoch', r.time) - date_part('epoch', m.time)) < 2 AS received \
             FROM readings r CROSS JOIN messages m \
             WHERE r.device = 'clocks/{device}' AND r.signal = 'v' AND m.topic = 'clocks/{device}'"
        );
        let wanted = format!(r#"[{{"quality":{quality},"received":{is_receipt}}}]"#);
        assert_eq!(rows(&site, &statement), wanted, "{what}");
        let wide = format!("SELECT v FROM {device} WHERE time > '2000-01-01'");
        assert_eq!(rows(&site, &wide), r#"[{"v":1.0}]"#, "{what}");
    }
    assert!(site.metrics().contains("\nalthing_clock_repaired_total 4\n"), "{}", site.metrics());
    assert_eq!(site.stop(), Some(0));
}
