//! Recorder databases of several years, made here.

use expect_test::{Expect, expect};

use super::*;
use crate::testing::read;

/// Schema of 2023 and later.
const RECENT: &str = "
CREATE TABLE states_meta (metadata_id INTEGER PRIMARY KEY, entity_id VARCHAR(255));
CREATE TABLE state_attributes (attributes_id INTEGER PRIMARY KEY, hash BIGINT, shared_attrs TEXT);
CREATE TABLE states (state_id INTEGER PRIMARY KEY, entity_id CHAR(0), state VARCHAR(255),
    attributes CHAR(0), last_updated DATETIME, last_updated_ts FLOAT, attributes_id INTEGER,
    metadata_id INTEGER);
CREATE TABLE statistics_meta (id INTEGER PRIMARY KEY, statistic_id VARCHAR(255), source VARCHAR(32),
    unit_of_measurement VARCHAR(255), has_mean BOOLEAN, has_sum BOOLEAN, name VARCHAR(255));
CREATE TABLE statistics (id INTEGER PRIMARY KEY, created_ts FLOAT, metadata_id INTEGER,
    start DATETIME, start_ts FLOAT, mean FLOAT, min FLOAT, max FLOAT, state FLOAT, sum FLOAT);
INSERT INTO states_meta VALUES (1, 'sensor.kitchen'), (2, 'light.hall'), (3, 'sensor.new');
INSERT INTO state_attributes VALUES
    (1, 0, '{\"unit_of_measurement\":\"°C\",\"device_class\":\"temperature\"}'),
    (2, 0, '{\"friendly_name\":\"Hall\"}'), (3, 0, 'no json');
INSERT INTO states (state_id, state, last_updated_ts, attributes_id, metadata_id) VALUES
    (1, '21.5', 1714816800.25, 1, 1),
    (2, 'on', 1714816801.0, 2, 2),
    (3, 'unavailable', 1714816802.0, 3, 1),
    (4, '22', 1714816803, 1, 1),
    (5, 'unknown', 1714816804.0, 2, 3),
    (6, NULL, 1714816804.0, 2, 3),
    (7, '1', NULL, 2, 2),
    (8, '1', 1714816804.0, 2, 77);
INSERT INTO statistics_meta VALUES (1, 'sensor.kitchen', 'recorder', '°C', 1, 0, NULL),
    (2, 'energy:grid', 'energy', 'kWh', 0, 1, 'Grid');
INSERT INTO statistics VALUES (1, 0, 1, NULL, 1714813200.0, 21.0, 20.5, 21.5, NULL, NULL),
    (2, 0, 2, NULL, 1714813200.0, NULL, NULL, NULL, 5.0, 105.5),
    (3, 0, 2, NULL, 1714816800.0, NULL, NULL, NULL, NULL, NULL);
";

/// Schema before 2022.
const OLD: &str = "
CREATE TABLE states (state_id INTEGER PRIMARY KEY, entity_id VARCHAR(255), state VARCHAR(255),
    attributes TEXT, last_updated DATETIME);
INSERT INTO states VALUES
    (1, 'sensor.a', '21,5', '{\"unit_of_measurement\":\"°F\"}', '2021-05-04 10:00:00.250000'),
    (2, 'binary_sensor.door', 'off', '{\"device_class\":\"door\"}', '2021-05-04 10:00:01');
";

fn base(ddl: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home-assistant_v2.db");
    Connection::open(&path).unwrap().execute_batch(ddl).unwrap();
    (folder, path)
}

#[track_caller]
fn check(ddl: &str, parts: Parts, expected: &Expect) {
    let (_folder, path) = base(ddl);
    let mut source = HomeAssistant::open(&path, parts).unwrap();
    expected.assert_eq(&read(&mut source).unwrap());
}

#[test]
fn states_are_readings_of_their_entity() {
    let expected = expect![[r#"
        sensor.kitchen temperature Number(21.5) Cel @2024-05-04T10:00:00.25Z
        light.hall state Boolean(true) @2024-05-04T10:00:01Z
        left out: no value (empty, null, unknown, unavailable)
        sensor.kitchen temperature Number(22.0) Cel @2024-05-04T10:00:03Z
        left out: no value (empty, null, unknown, unavailable)
        left out: no value (empty, null, unknown, unavailable)
        left out: no time, or one that cannot be read
        left out: no device
    "#]];
    check(RECENT, Parts::States, &expected);
}

#[test]
fn statistics_of_hours_are_signals_of_their_own() {
    let expected = expect![[r#"
        sensor.kitchen temperature.mean Number(21.0) Cel @2024-05-04T09:00:00Z
        sensor.kitchen temperature.min Number(20.5) Cel @2024-05-04T09:00:00Z
        sensor.kitchen temperature.max Number(21.5) Cel @2024-05-04T09:00:00Z
        energy:grid state.sum Number(105.5) kW.h @2024-05-04T09:00:00Z
        left out: no value (empty, null, unknown, unavailable)
    "#]];
    check(RECENT, Parts::Statistics, &expected);
}

#[test]
fn the_schema_of_earlier_years_is_read() {
    let expected = expect![[r#"
        sensor.a state Number(21.5) [degF] @2021-05-04T10:00:00.25Z
        binary_sensor.door door Boolean(false) @2021-05-04T10:00:01Z
    "#]];
    check(OLD, Parts::All, &expected);
}

#[test]
fn all_of_it_is_both_and_is_counted_before() {
    let (_folder, path) = base(RECENT);
    let mut source = HomeAssistant::open(&path, Parts::All).unwrap();
    assert_eq!(source.extent(), Extent::Rows(11));
    assert_eq!(read(&mut source).unwrap().lines().count(), 13);
}

#[test]
fn rows_that_come_meanwhile_are_of_another_import() {
    let (_folder, path) = base(RECENT);
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    let mut source = HomeAssistant::open(&path, Parts::States).unwrap();
    let before = source.identity();
    let row =
        "INSERT INTO states (state, last_updated_ts, metadata_id) VALUES ('9', 1714816900, 1)";
    writer.execute_batch(row).unwrap();
    assert!(!read(&mut source).unwrap().contains("Number(9.0)"), "one moment of the database");
    let later = HomeAssistant::open(&path, Parts::States).unwrap();
    assert_ne!(later.identity(), before);
}

#[test]
fn what_is_no_recorder_is_told_and_left_as_it_is() {
    let (_folder, path) = base("CREATE TABLE states (id INTEGER)");
    let told = HomeAssistant::open(&path, Parts::All).unwrap_err();
    assert!(matches!(told, ImportFault::Unfit { .. }), "{told:?}");
    std::fs::write(&path, "no database at all, but long enough for a header of SQLite").unwrap();
    let told = HomeAssistant::open(&path, Parts::All).unwrap_err();
    assert!(matches!(told, ImportFault::Sqlite { .. }), "{told:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no.db");
    assert!(matches!(HomeAssistant::open(&path, Parts::All), Err(ImportFault::Input { .. })));
    assert!(!path.exists());
}
