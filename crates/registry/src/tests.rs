use std::time::Duration;

use super::*;

fn sighting<'a>(keys: &'a [&'a str]) -> Sighting<'a> {
    Sighting {
        keys,
        dialect: "fallback",
        guessed: true,
        title: None,
        device_type: None,
        labels: &[],
        at: Timestamp::from_millis(1_700_000_000_000),
    }
}

fn handle(registry: &Registry, index: Option<DeviceIndex>) -> String {
    registry.directory().get(index.unwrap()).unwrap().handle.to_string()
}

fn labels(device: &Device) -> String {
    device
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_device_is_known_again_by_any_of_its_keys() {
    let registry = Registry::in_memory().unwrap();
    let first = registry.sight(&sighting(&["topic:farm/barn1"]));
    let named = registry.sight(&sighting(&["topic:farm/barn1", "mac:4c752549a3bc"]));
    let by_mac = registry.sight(&sighting(&["mac:4c752549a3bc"]));
    assert!(first == named && named == by_mac, "{first:?} {named:?} {by_mac:?}");
    assert_eq!(handle(&registry, first), "farm/barn1");
}

#[test]
fn two_devices_that_would_share_a_handle_are_told_apart() {
    let registry = Registry::in_memory().unwrap();
    let topic = registry.sight(&sighting(&["topic:pump"]));
    let client = registry.sight(&sighting(&["client:pump"]));
    assert_eq!(
        (handle(&registry, topic), handle(&registry, client)),
        ("pump".into(), "pump~2".into())
    );
}

#[test]
fn what_was_persisted_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.sqlite");
    let before = {
        let registry = Registry::open(&path).unwrap();
        registry.sight(&sighting(&["topic:farm/barn1", "mac:4c752549a3bc"])).unwrap();
        let described = Sighting {
            title: Some("Barn, north"),
            device_type: Some("Climate Node"),
            labels: &[("model", "SHT31"), ("firmware", "1.9"), ("firmware", "1.10")],
            ..sighting(&["topic:farm/barn2"])
        };
        registry.sight(&described).unwrap();
        registry.checkpoint(Position::new(7)).unwrap();
        let directory = registry.directory();
        directory.iter().map(|(_, device)| device.clone()).collect::<Vec<_>>()
    };
    let registry = Registry::open(&path).unwrap();
    let directory = registry.directory();
    let after: Vec<Device> = directory.iter().map(|(_, device)| device.clone()).collect();
    assert_eq!(before, after);
    assert_eq!(&*after[1].device_type, "climate_node");
    assert_eq!(labels(&after[1]), "firmware=1.10 model=SHT31");
    assert!(directory.find("mac:4c752549a3bc").is_some());
}

#[test]
fn labels_wait_for_a_checkpoint_and_keep_their_last_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.sqlite");
    let after = |said: &[&[(&str, &str)]], checkpoint: bool| {
        let registry = Registry::open(&path).unwrap();
        for labels in said {
            registry.sight(&Sighting { labels, ..sighting(&["topic:a"]) }).unwrap();
        }
        registry.persist(Position::new(1)).unwrap();
        if checkpoint {
            registry.checkpoint(Position::new(1)).unwrap();
        }
        labels(registry.directory().iter().next().unwrap().1)
    };
    assert_eq!(after(&[&[("model", "x")], &[("firmware", "1")]], true), "firmware=1 model=x");
    assert_eq!(after(&[&[("firmware", "2")]], false), "firmware=2 model=x");
    assert_eq!(after(&[], true), "firmware=1 model=x", "what no checkpoint kept is replayed");
    assert_eq!(after(&[&[("firmware", "2")]], true), "firmware=2 model=x");
    assert_eq!(after(&[], true), "firmware=2 model=x");
}

#[test]
fn a_device_has_so_many_labels_of_such_a_length() {
    let registry = Registry::in_memory().unwrap();
    let names: Vec<String> = (0..LABELS_MAX + 1).map(|number| format!("n{number:02}")).collect();
    let long = "é".repeat(LABEL_VALUE_BYTES_MAX);
    for name in &names {
        let labels = [(name.as_str(), long.as_str())];
        registry.sight(&Sighting { labels: &labels, ..sighting(&["topic:a"]) }).unwrap();
    }
    let changes = registry.directory().label_changes();
    let again = [(names[0].as_str(), long.as_str()), (names[LABELS_MAX].as_str(), "x")];
    registry.sight(&Sighting { labels: &again, ..sighting(&["topic:a"]) }).unwrap();
    let directory = registry.directory();
    let device = directory.iter().next().unwrap().1;
    assert_eq!(device.labels.iter().len(), LABELS_MAX);
    assert!(device.labels.iter().all(|(_, value)| value.len() == LABEL_VALUE_BYTES_MAX));
    assert_eq!(directory.label_changes(), changes, "the same again, and one too many, are no news");
    assert!(!device.labels.would_change(&names[LABELS_MAX], "x"), "nor do they cost a sighting");
}

/// The tables as version 1 made them.
const VERSION_1: &str = "
    CREATE TABLE device (handle TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT,
        type TEXT NOT NULL, dialect TEXT NOT NULL, guessed INTEGER NOT NULL,
        adopted INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER) STRICT;
    CREATE TABLE device_key (key TEXT PRIMARY KEY, handle TEXT NOT NULL REFERENCES device (handle),
        place INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX device_key_handle ON device_key (handle);
    CREATE TABLE applied (only INTEGER PRIMARY KEY CHECK (only = 1), position INTEGER NOT NULL) STRICT;
    INSERT INTO applied VALUES (1, 7);
    INSERT INTO device VALUES ('a', '01HF7YAT00Z3V1S2JM3R7Q4T5W', NULL, 'a', 'line', 1, 0, 5, 6);
    INSERT INTO device_key VALUES ('influx:a', 'a', 0);
    PRAGMA user_version = 1;";

#[test]
fn a_file_of_version_1_keeps_its_devices_and_learns_labels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.sqlite");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    drop(old);
    for expected in ["", "model=x"] {
        let registry = Registry::open(&path).unwrap();
        let index = registry.directory().find("influx:a").unwrap();
        assert_eq!(labels(registry.directory().get(index).unwrap()), expected);
        let said = Sighting { labels: &[("model", "x")], ..sighting(&["influx:a"]) };
        assert_eq!(registry.sight(&said), Some(index));
        registry.checkpoint(Position::new(8)).unwrap();
    }
}

#[test]
fn a_replay_gives_the_same_identity() {
    let ids: Vec<DeviceId> = (0..2)
        .map(|_| {
            let registry = Registry::in_memory().unwrap();
            let index = registry.sight(&sighting(&["topic:farm/barn1"])).unwrap();
            registry.directory().get(index).unwrap().id
        })
        .collect();
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn a_file_of_a_newer_version_is_refused_with_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.sqlite");
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let refused = Registry::open(&path).unwrap_err();
    assert!(matches!(refused, RegistryFault::Newer { found: 99 }), "{refused}");
}

#[test]
fn sisters_share_a_type_named_after_what_they_have_in_common() {
    for (handle, wanted) in [
        ("farm/barn1", "barn"),
        ("farm/barn-02", "barn"),
        ("Aotizhongxin", "aotizhongxin"),
        ("plant/line 3/Füller#2", "füller"),
        ("sensors/42", "device"),
        ("dev:ow:10e2073a", "t_10e2073a"),
        ("urn:x:3d printer", "t_3d_printer"),
        ("", "device"),
    ] {
        assert_eq!(device_type_of(handle), wanted, "{handle}");
    }
}

#[test]
fn a_device_is_silent_when_its_own_rhythm_says_so() {
    let registry = Registry::in_memory().unwrap();
    let index = registry.sight(&sighting(&["topic:a"])).unwrap();
    let directory = registry.directory();
    let at = |seconds: i64| Timestamp::from_millis(1_000_000 + seconds * 1_000);
    assert_eq!(directory.silence(index, at(0)), None, "never heard, so not missed");
    for beat in 0..50 {
        directory.pulse(index).unwrap().beat(at(beat * 60), None);
    }
    let last = 49 * 60;
    assert_eq!(directory.silence(index, at(last + 150)), None);
    assert_eq!(directory.silence(index, at(last + 300)), Some(Duration::from_secs(300)));
}
