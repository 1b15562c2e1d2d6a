//! What people read.

use std::time::Duration;

use expect_test::{Expect, expect};
use jiff::tz::TimeZone;
use model::Timestamp;

use crate::show;
use crate::site::Value;
use crate::words::Text;

#[track_caller]
fn check(value: f64, unit: &str, expected: &Expect) {
    expected.assert_eq(&show::number_unit(value, Some(unit)));
}

#[test]
fn a_number_has_the_digits_it_means_and_never_leaves_its_unit() {
    check(20.18, "°C", &expect!["20.18\u{a0}°C"]);
    check(-0.5, "°C", &expect!["\u{2212}0.5\u{a0}°C"]);
    check(-0.000_001, "°C", &expect!["\u{2212}1.000e\u{2212}6\u{a0}°C"]);
    check(64.0, "%", &expect!["64\u{a0}%"]);
    check(1_013.249, "hPa", &expect!["1,013.2\u{a0}hPa"]);
    check(9_140_287.58, "", &expect!["9,140,287.6"]);
    check(0.1 + 0.2, "V", &expect!["0.3\u{a0}V"]);
    check(0.0, "1", &expect!["0"]);
    check(f64::NAN, "", &expect!["\u{2014}"]);
    check(3e21, "W", &expect!["3.000e21\u{a0}W"]);
}

#[test]
fn what_was_rounded_to_nothing_has_no_sign() {
    assert_eq!(show::rounded(-0.000_4, 20.0), "0");
    assert_eq!(show::rounded(0.699, 27.1), "0.7");
}

#[test]
fn counts_are_grouped_and_large_ones_shortened() {
    assert_eq!(show::count_plain(1_302), "1,302");
    assert_eq!(show::compact(999_999), "999,999");
    assert_eq!(show::compact(18_412_345), "18.4\u{a0}M");
    assert_eq!(show::compact(1_840_000_000), "1.8\u{a0}G");
}

#[test]
fn a_span_has_one_unit() {
    let t = Text::default();
    let spans = [40, 59_000, 60_000, 3_599_000, 3_600_000, 170_000_000, 172_800_000];
    let texts = spans.map(|millis| show::span_plain(Duration::from_millis(millis), t));
    let expected = ["40 ms", "59 s", "1 min", "59 min", "1 h", "47 h", "2 d"];
    assert_eq!(texts, expected.map(|text| text.replace(' ', "\u{a0}")));
}

#[test]
fn times_are_the_sites_own() {
    let zone = TimeZone::get("Africa/Nairobi").unwrap();
    let now = Timestamp::from_millis(1_795_338_644_000);
    let before = now.saturating_sub(Duration::from_secs(86_400));
    assert_eq!(show::clock_plain(now, &zone), "12:10:44");
    assert_eq!(show::day_and_clock_plain(before, now, &zone), "21\u{a0}Nov\u{a0}12:10");
    assert_eq!(show::iso(now), "2026-11-22T09:10:44Z");
    assert_eq!(show::zone_name(now, &zone), "EAT");
}

#[test]
fn a_time_beyond_the_calendar_is_shown_as_its_end() {
    let zone = TimeZone::UTC;
    let text = show::stamp(Timestamp::from_micros(i64::MAX), &zone).to_string();
    assert!(text.contains("9999-12-"), "{text}");
}

#[test]
fn a_name_cannot_leave_its_place() {
    let text = show::name("<b>\u{202e}x\u{2069}").to_string();
    assert_eq!(text, "<bdi>&lt;b&gt;\u{fffd}x\u{fffd}</bdi>");
}

#[test]
fn a_text_is_a_text_and_a_truth_is_a_word() {
    let t = Text::default();
    assert_eq!(show::value_plain(&Value::Bool(true), None, t), "on");
    assert_eq!(show::value_plain(&Value::Text("idle".to_owned()), None, t), "idle");
    assert_eq!(show::label("soil_moisture"), "Soil moisture");
}

#[test]
fn a_sentence_names_its_arguments_in_their_places() {
    let t = Text::default();
    let text = t.trouble_silent_rhythm(&show::code("10:42"), &show::code("5 min")).to_string();
    let bare = text.replace("<bdi dir=\"ltr\">", "").replace("</bdi>", "");
    assert_eq!(bare, "Not heard since 10:42; normally every 5 min");
    assert_eq!(t.attention_count(1).to_string(), "<bdi dir=\"ltr\">1</bdi> device");
    assert_eq!(t.attention_count(2).to_string(), "<bdi dir=\"ltr\">2</bdi> devices");
}
