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
        position: Position::new(1),
    }
}

fn sighting_at<'a>(keys: &'a [&'a str], position: u64) -> Sighting<'a> {
    Sighting { position: Position::new(position), ..sighting(keys) }
}

/// Proof that everything up to here is committed.
fn committed(position: u64) -> Committed {
    model::Horizon::new(Position::new(position), &[], Box::new(drop)).0.committed()
}

fn handle(registry: &Registry, sight: Sight) -> String {
    registry.directory().get(sight.device().unwrap()).unwrap().handle.to_string()
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
        registry.sight(&sighting(&["topic:farm/barn1", "mac:4c752549a3bc"]));
        let described = Sighting {
            title: Some("Barn, north"),
            device_type: Some("Climate Node"),
            labels: &[("model", "SHT31"), ("firmware", "1.9"), ("firmware", "1.10")],
            ..sighting(&["topic:farm/barn2"])
        };
        registry.sight(&described);
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
            registry.sight(&Sighting { labels, ..sighting(&["topic:a"]) }).device().unwrap();
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
        registry.sight(&Sighting { labels: &labels, ..sighting(&["topic:a"]) }).device().unwrap();
    }
    let changes = registry.directory().label_changes();
    let again = [(names[0].as_str(), long.as_str()), (names[LABELS_MAX].as_str(), "x")];
    registry.sight(&Sighting { labels: &again, ..sighting(&["topic:a"]) }).device().unwrap();
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
        assert_eq!(registry.sight(&said), Sight::Device(index));
        registry.checkpoint(Position::new(8)).unwrap();
    }
}

/// What version 2 added.
const VERSION_2: &str = "
    CREATE TABLE device_label (handle TEXT NOT NULL REFERENCES device (handle), name TEXT NOT NULL,
        value TEXT NOT NULL, PRIMARY KEY (handle, name)) STRICT, WITHOUT ROWID;
    INSERT INTO device_label VALUES ('a', 'model', 'x');
    PRAGMA user_version = 2;";

#[test]
fn a_file_of_version_2_keeps_its_labels_and_learns_to_erase() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.sqlite");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    old.execute_batch(VERSION_2).unwrap();
    drop(old);
    let registry = Registry::open(&path).unwrap();
    let index = registry.directory().find("influx:a").unwrap();
    assert_eq!(labels(registry.directory().get(index).unwrap()), "model=x");
    registry.erase("a", Position::new(8));
    registry.settle(committed(8), Position::new(8)).unwrap();
    drop(registry);
    assert!(Registry::open(&path).unwrap().directory().is_empty());
}

/// Labels are in the file as of the last checkpoint, erasures as of their commit: the replay starts
/// at the checkpoint, and must not take the one for the other.
#[test]
fn labels_that_no_checkpoint_kept_come_back_although_the_file_has_erased_since() {
    let registry = Registry::in_memory().unwrap();
    let says = |labels: &[(&str, &str)], key: &str, position: u64| {
        registry.sight(&Sighting { labels, ..sighting_at(&[key], position) })
    };
    says(&[("model", "x")], "topic:well", 1);
    registry.checkpoint(Position::new(1)).unwrap();
    for reloads in 0..2 {
        says(&[("model", "y")], "topic:well", 2);
        says(&[("model", "secret")], "topic:barn", 3);
        registry.erase("barn", Position::new(4));
        registry.checkpoint(Position::new(4)).unwrap();
        registry.settle(committed(4), Position::new(4)).unwrap();
        let directory = registry.directory();
        let found: Vec<String> = directory.iter().map(|(_, device)| labels(device)).collect();
        assert_eq!(found, ["model=y"], "{reloads}");
        drop(directory);
        registry.reload().unwrap();
    }
}

#[test]
fn a_replay_gives_the_same_identity() {
    let ids: Vec<DeviceId> = (0..2)
        .map(|_| {
            let registry = Registry::in_memory().unwrap();
            let index = registry.sight(&sighting(&["topic:farm/barn1"])).device().unwrap();
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
    let told = format(&path).unwrap();
    assert_eq!((told.found, told.newest), (Some(99), 1));
}

#[test]
fn the_version_of_a_file_in_use_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.sqlite");
    let registry = Registry::open(&path).unwrap();
    let told = format(&path).unwrap();
    assert_eq!((told.found, told.oldest, told.newest), (Some(1), 1, 1));
    drop(registry);
    let nothing = folder.path().join("no.sqlite");
    let told = format(&nothing).unwrap_err();
    assert!(matches!(told, RegistryFault::Sqlite(_)), "{told}");
    assert!(!nothing.exists(), "looking makes no file");
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
    let index = registry.sight(&sighting(&["topic:a"])).device().unwrap();
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

#[test]
fn an_erased_device_is_nobodys_and_its_handle_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.sqlite");
    let registry = Registry::open(&path).unwrap();
    let labels = &[("serial", "4c-75-25-49-a3-b")];
    registry.sight(&Sighting { labels, ..sighting_at(&["topic:secret", "mac:4c752549a3bc"], 1) });
    registry.sight(&sighting_at(&["topic:well"], 2));
    registry.checkpoint(Position::new(2)).unwrap();
    let changes = registry.directory().label_changes();
    registry.erase("secret", Position::new(3));
    assert_eq!(registry.directory().len(), 1);
    assert!(changes < registry.directory().label_changes(), "who shows labels hears of it");
    assert!(registry.directory().find("mac:4c752549a3bc").is_none());
    let other = registry.sight(&sighting_at(&["client:secret"], 4));
    assert_eq!(handle(&registry, other), "secret");
    registry.settle(committed(4), Position::new(4)).unwrap();
    registry.checkpoint(Position::new(4)).unwrap();
    let again = Registry::open(&path).unwrap();
    let names: Vec<_> = again.directory().iter().map(|(_, it)| it.keys[0].to_string()).collect();
    assert_eq!(names, ["topic:well", "client:secret"]);
    drop((registry, again));
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [b"mac:4c752549a3bc", b"4c-75-25-49-a3-b"] {
            let found = bytes.windows(secret.len()).any(|part| part == secret);
            assert!(!found, "{} is still in the file", String::from_utf8_lossy(secret));
        }
    }
}

/// A power cut could take the record back, and nobody would bring the device back.
#[test]
fn the_file_forgets_a_device_when_that_is_committed() {
    let registry = Registry::in_memory().unwrap();
    registry.sight(&sighting_at(&["topic:barn"], 1));
    registry.persist(Position::new(1)).unwrap();
    registry.erase("barn", Position::new(2));
    registry.sight(&sighting_at(&["topic:well"], 3));
    registry.persist(Position::new(3)).unwrap();
    registry.settle(committed(1), Position::new(3)).unwrap();
    assert!(!registry.is_settled());
    registry.reload().unwrap();
    assert_eq!(handle(&registry, registry.sight(&sighting_at(&["topic:barn"], 2))), "barn");
    registry.erase("barn", Position::new(3));
    registry.settle(committed(3), Position::new(3)).unwrap();
    assert!(registry.is_settled());
    registry.reload().unwrap();
    assert!(registry.directory().is_empty());
}

/// The tables lag behind the file: records are read again that were before an erasure which the file
/// has applied. Their devices must not come back, nor be taken for who has their names today.
#[test]
fn a_replay_from_before_an_erasure_brings_nobody_back() {
    let registry = Registry::in_memory().unwrap();
    let full: Vec<String> = (0..17).map(|number| format!("mac:{number:012}")).collect();
    let full: Vec<&str> = full.iter().map(String::as_str).collect();
    let history: &[(u64, &[&str])] = &[
        (1, &["topic:pump"]),
        (2, &["topic:well", "mac:1"]),
        (4, &["client:pump"]),
        (5, &["topic:pump"]),
        (6, &full),
        (7, &[full[16], full[0]]),
    ];
    let play = |from: u64| -> Vec<Option<String>> {
        let mut seen = Vec::new();
        for (position, keys) in history.iter().filter(|(position, _)| from <= *position) {
            if *position == 4 {
                registry.erase("pump", Position::new(3));
            }
            let sight = registry.sight(&sighting_at(keys, *position));
            seen.push(sight.device().map(|_| handle(&registry, sight)));
        }
        seen
    };
    let names = |names: &[&str]| names.iter().map(|it| Some((*it).to_owned())).collect::<Vec<_>>();
    let mac = "000000000000";
    assert_eq!(play(1), names(&["pump", "well", "pump", "pump~2", mac, mac]));
    registry.erase("nobody", Position::new(8));
    registry.settle(committed(8), Position::new(8)).unwrap();
    registry.reload().unwrap();
    let mut expected = names(&["pump", "well", "pump", "pump~2", mac, mac]);
    expected[0] = None;
    assert_eq!(play(1), expected, "the first pump is gone, the others are who they were");
    assert_eq!(registry.directory().len(), 4);
    registry.erase("well", Position::new(9));
    registry.settle(committed(9), Position::new(9)).unwrap();
    registry.reload().unwrap();
    let sight = registry.sight(&sighting_at(&["mac:1", "topic:pump"], 4));
    assert_eq!(sight, Sight::Erased, "a second name does not make it another's");
}

/// The file survives a crash that takes the journal's last records, and their positions come again.
#[test]
fn a_device_from_a_lost_record_is_known_from_the_next_one_on() {
    let registry = Registry::in_memory().unwrap();
    registry.sight(&sighting_at(&["topic:barn"], 8));
    registry.sight(&sighting_at(&["topic:well"], 5));
    registry.persist(Position::new(8)).unwrap();
    registry.reload().unwrap();
    registry.sight(&sighting_at(&["topic:barn"], 6));
    registry.erase("well", Position::new(7));
    registry.settle(committed(7), Position::new(7)).unwrap();
    registry.reload().unwrap();
    assert_eq!(handle(&registry, registry.sight(&sighting_at(&["topic:barn"], 6))), "barn");
}

#[test]
fn a_file_of_version_one_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.sqlite");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../tests/golden/registry-v1.sql")).unwrap();
    drop(old);
    let registry = Registry::open(&path).unwrap();
    let sight = registry.sight(&sighting_at(&["mac:4c752549a3bc"], 9));
    assert_eq!(handle(&registry, sight), "farm/barn1");
    drop(registry);
    let registry = Registry::open(&path).unwrap();
    assert_eq!(registry.directory().len(), 1);
}
