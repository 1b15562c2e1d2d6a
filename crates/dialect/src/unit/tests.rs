//! Units given away by names, and what becomes of a value in another unit.

use super::*;

fn code(name: &str) -> Option<(&'static str, UnitBasis)> {
    let (unit, basis) = unit_of_name(name);
    unit.map(|unit| (unit.code(), basis))
}

#[test]
fn every_entry_of_the_tables_is_a_known_unit() {
    assert_eq!(BY_SUFFIX.0.len(), SUFFIXES.len());
    assert_eq!(BY_NAME.0.len(), BARE_NAMES.len());
    for (word, unit) in SUFFIXES {
        assert_eq!(code(&format!("x_{word}")), Some((unit, UnitBasis::Suffix)), "{word}");
        assert_eq!(code(&format!("x_{}", word.to_uppercase())), Some((unit, UnitBasis::Suffix)));
    }
    for (word, unit) in BARE_NAMES {
        let bare = code(&format!("motor.{word}"));
        // Some bare names end like a suffix; what they say is the same.
        assert_eq!(bare.map(|(unit, _)| unit), Some(unit), "{word}");
    }
}

#[test]
fn the_longest_suffix_wins_and_a_suffix_follows_an_underscore() {
    let suffix = |name| code(name).filter(|(_, basis)| *basis == UnitBasis::Suffix);
    assert_eq!(suffix("flow_m3_h"), Some(("m3/h", UnitBasis::Suffix)));
    assert_eq!(suffix("par_umol_m2_s"), Some(("umol/m2/s", UnitBasis::Suffix)));
    assert_eq!(suffix("rain_in_h"), Some(("[in_i]/h", UnitBasis::Suffix)));
    assert_eq!(suffix("motor.temp_C"), Some(("Cel", UnitBasis::Suffix)));
    for name in ["kwh", "plug_in", "temperature_min", "x_m", "x_s", "x_mj", "crossbar", "", "_"] {
        assert_eq!(suffix(name), None, "{name}");
    }
}

#[test]
fn single_letters_count_as_capitals_or_where_it_is_warm() {
    assert_eq!(code("supply_V"), Some(("V", UnitBasis::Suffix)));
    assert_eq!(code("supply_v"), None);
    assert_eq!(code("outdoor_temp_f"), Some(("[degF]", UnitBasis::Suffix)));
    assert_eq!(code("Feels_Like_c"), Some(("Cel", UnitBasis::Suffix)));
    assert_eq!(code("phase_c"), None);
}

#[test]
fn bare_names_are_whole_last_segments() {
    assert_eq!(code("Temperature"), Some(("Cel", UnitBasis::Assumed)));
    assert_eq!(code("SI7021.Temperature"), Some(("Cel", UnitBasis::Assumed)));
    for name in ["temperature2", "voltage", "pressure", "battery", "t"] {
        assert_eq!(code(name), None, "{name}");
    }
}

#[test]
fn a_value_in_another_unit_is_converted_or_moves() {
    let unit = Unit::from_code;
    let settle = |sent, basis| settle_unit(unit("Cel"), sent, basis, 212.0);
    assert_eq!(settle(unit("Cel"), UnitBasis::Message), Settlement::Keep);
    assert_eq!(settle(None, UnitBasis::Unstated), Settlement::Keep);
    assert_eq!(settle(unit("%"), UnitBasis::Message), Settlement::NewSignal);
    assert_eq!(settle(unit("%"), UnitBasis::Assumed), Settlement::Keep);
    let Settlement::Converted(celsius) = settle(unit("[degF]"), UnitBasis::Dialect) else {
        panic!("not converted");
    };
    assert!((celsius - 100.0).abs() < 1e-9);
    assert_eq!(settle_unit(None, unit("K"), UnitBasis::Message, 1.0), Settlement::Keep);
    assert_eq!(second_name("t"), "t~2");
}
