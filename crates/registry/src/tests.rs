use std::time::Duration;

use super::*;

fn sighting<'a>(keys: &'a [&'a str]) -> Sighting<'a> {
    Sighting {
        keys,
        dialect: "fallback",
        guessed: true,
        title: None,
        device_type: None,
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
    assert!(directory.find("mac:4c752549a3bc").is_some());
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
    registry.sight(&sighting_at(&["topic:secret", "mac:4c752549a3bc"], 1));
    registry.sight(&sighting_at(&["topic:well"], 2));
    registry.checkpoint(Position::new(2)).unwrap();
    registry.erase("secret", Position::new(3));
    assert_eq!(registry.directory().len(), 1);
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
        let found = bytes.windows(16).any(|part| part == b"mac:4c752549a3bc");
        assert!(!found, "its keys are still in the file");
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
