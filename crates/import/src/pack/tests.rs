//! What a site reads out of the packs is what was put in.

use std::collections::BTreeMap;

use dialect::is_senml;
use proptest::prelude::*;

use super::*;
use crate::survey::{Reader, handle_of};

const NOON: i64 = 1_714_816_800_123_456;

/// Device, signal, unit, value as text, micros: as the dialect reads it.
fn read(packer: &mut Packer) -> Vec<(String, String, Option<Unit>, String, i64)> {
    let (mut reader, mut seen) = (Reader::default(), Vec::new());
    for pack in packer.packs().lines() {
        assert!(is_senml(pack), "{pack}");
        let outcome = reader.read("senml/import", pack, Timestamp::from_micros(NOON));
        assert_eq!(outcome.dialect(), "senml");
        assert_eq!(outcome.notes(), []);
        for group in outcome.groups() {
            for reading in group.readings() {
                let (device, signal) = (handle_of(group.key()).to_owned(), reading.name.to_owned());
                let (value, at) = (format!("{:?}", reading.value), group.time().unwrap().micros());
                seen.push((device, signal, reading.unit, value, at));
            }
        }
    }
    seen
}

#[track_caller]
fn check(value: Value<'_>, unit: Option<Unit>) {
    let at = Timestamp::from_micros(NOON);
    let mut packer = Packer::default();
    packer.push(&Found { device: "farm/barn 1", signal: "a \"b\" ü", unit, value, at });
    let told = (
        "farm/barn 1".to_owned(),
        "a \"b\" ü".to_owned(),
        unit.filter(|_| matches!(value, Value::Number(_))),
        format!("{value:?}"),
        NOON,
    );
    assert_eq!(read(&mut packer), [told]);
}

#[test]
fn numbers_of_all_sizes_stay_numbers() {
    let whole = 9_007_199_254_740_992.0;
    for number in [0.0, -0.5, 21.5, 1e-300, whole, whole * 2.0, -1e20, f64::MAX, 5e-324, 0.1 + 0.2]
    {
        check(Value::Number(number), None);
    }
}

#[test]
fn texts_and_booleans_stay_what_they_are() {
    for text in ["on", "12", "unknown", "007", " a ", "line\nbreak\ttab", "\"\\\u{1}", "\u{7f}é"] {
        check(Value::Text(text), None);
    }
    check(Value::Boolean(true), None);
    check(Value::Boolean(false), None);
}

#[test]
fn every_unit_arrives_as_itself() {
    for unit in Unit::all() {
        check(Value::Number(1.0), Some(unit));
    }
}

#[test]
fn no_pack_holds_more_of_a_moment_than_is_read() {
    let mut packer = Packer::default();
    let names: Vec<String> = (0..700).map(|number| format!("s{number}")).collect();
    for (place, signal) in names.iter().enumerate() {
        let at = Timestamp::from_micros(NOON + i64::try_from(place / 300).unwrap());
        let found = Found { device: "d", signal, unit: None, value: Value::Number(1.0), at };
        packer.push(&found);
    }
    let seen: Vec<String> = read(&mut packer).into_iter().map(|row| row.1).collect();
    assert_eq!(seen, names);
}

#[test]
fn a_packer_that_is_cleared_begins_anew() {
    let at = Timestamp::from_micros(NOON);
    let found = Found { device: "d", signal: "s", unit: None, value: Value::Number(1.0), at };
    let mut packer = Packer::default();
    packer.push(&found);
    packer.clear();
    assert_eq!(packer.packs(), "");
    packer.push(&found);
    assert_eq!(read(&mut packer).len(), 1);
}

proptest! {
    // Each case has up to 1,500 rows.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_order_of_devices_and_times_is_kept(
        rows in proptest::collection::vec((0..4_u8, 0..3_u8, 0..5_i64, any::<f64>()), 1..1_500)
    ) {
        let rows: Vec<_> = rows.into_iter().filter(|row| row.3.is_finite()).collect();
        let mut packer = Packer::default();
        let mut wanted = Vec::new();
        for (device, signal, step, number) in rows {
            let (device, signal) = (format!("d{device}"), format!("s{signal}"));
            let (value, at) = (Value::Number(number), Timestamp::from_micros(NOON + step * 1_000));
            packer.push(&Found { device: &device, signal: &signal, unit: None, value, at });
            wanted.push((device, signal, None, format!("{value:?}"), at.micros()));
        }
        // The same signal at the same time is one reading: the last one.
        let last = |rows: Vec<(String, String, Option<Unit>, String, i64)>| -> BTreeMap<_, _> {
            rows.into_iter().map(|row| ((row.0, row.1, row.4), row.3)).collect()
        };
        prop_assert_eq!(last(read(&mut packer)), last(wanted));
    }
}
