//! What a text means in the strictest and in the most lenient dialect.

use super::*;

const STRICT: TextRules = TextRules { switches: false, loose_numbers: false };
const LENIENT: TextRules = TextRules { switches: true, loose_numbers: true };

fn unit(code: &str) -> Unit {
    Unit::from_code(code).unwrap()
}

#[test]
fn numbers_in_texts_are_numbers_everywhere() {
    for rules in [STRICT, LENIENT] {
        let said = |text| Said::by_text(text, "x", rules);
        assert_eq!(said("23.5"), Said::Number(23.5));
        assert_eq!(said("-3.50"), Said::Number(-3.5));
        assert_eq!(said("0"), Said::Number(0.0));
        assert_eq!(said("1e3"), Said::Number(1000.0));
        assert_eq!(said("123456789012345"), Said::Number(123_456_789_012_345.0));
        for text in ["007", "+1", "0x10", "1234567890123456", "1.", ".5", "1e999", "1e", "--1", "-"]
        {
            assert_eq!(said(text), Said::Text(text));
        }
    }
}

#[test]
fn names_that_mean_texts_keep_them() {
    assert_eq!(Said::by_text("1.10", "fwVersion", LENIENT), Said::Text("1.10"));
    assert_eq!(Said::by_text("on", "id", LENIENT), Said::Text("on"));
    assert_eq!(Said::by_text("unknown", "version", LENIENT), Said::Nothing);
}

#[test]
fn no_value_is_no_reading_and_no_zero() {
    for text in ["", "  ", "NaN", "nan", "none", "None", "null", "unknown", "unavailable"] {
        assert_eq!(Said::by_text(text, "x", STRICT), Said::Nothing, "{text}");
    }
    assert_eq!(Said::by_text("unknown error", "x", STRICT), Said::Text("unknown error"));
}

#[test]
fn switches_are_booleans_only_where_the_dialect_says_so() {
    assert_eq!(Said::by_text("ON", "x", LENIENT), Said::Boolean(true));
    assert_eq!(Said::by_text("False", "x", LENIENT), Said::Boolean(false));
    assert_eq!(Said::by_text("on", "x", STRICT), Said::Text("on"));
    assert_eq!(Said::by_text("open", "x", LENIENT), Said::Text("open"));
}

#[test]
fn units_and_commas_are_read_only_where_the_dialect_says_so() {
    let said = |text| Said::by_text(text, "x", LENIENT);
    assert_eq!(said("23.4 °C"), Said::Quantity(23.4, unit("Cel")));
    assert_eq!(said("23,4°C"), Said::Quantity(23.4, unit("Cel")));
    assert_eq!(said("80%"), Said::Quantity(80.0, unit("%")));
    assert_eq!(said("12 kWh"), Said::Quantity(12.0, unit("kW.h")));
    assert_eq!(said("1,5"), Said::Number(1.5));
    for text in ["23.4 blobs", "1,2,3", "12:30", "2022-04-15", "1.2.3", "192.168.0.1", "5 of 7"] {
        assert_eq!(said(text), Said::Text(text), "{text}");
    }
    assert_eq!(Said::by_text("23.4 °C", "x", STRICT), Said::Text("23.4 °C"));
    assert_eq!(Said::by_text("23,4", "x", STRICT), Said::Text("23,4"));
}

#[test]
#[expect(clippy::float_cmp, reason = "the very double is the point")]
fn short_floats_widen_to_what_was_meant() {
    assert_eq!(widen(72.3), 72.3);
    assert_eq!(widen(0.1), 0.1);
    assert!(widen(f32::NAN).is_nan());
}
