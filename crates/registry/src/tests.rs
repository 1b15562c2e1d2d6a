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
    }
}

fn handle(registry: &Registry, index: Option<DeviceIndex>) -> String {
    registry.directory().get(index.unwrap()).unwrap().handle.to_string()
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
    assert!(directory.find("mac:4c752549a3bc").is_some());
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
