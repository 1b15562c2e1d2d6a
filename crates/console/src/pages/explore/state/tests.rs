//! Addresses of Explore.

use axum::extract::Query;
use axum::http::Uri;
use jiff::tz::TimeZone;
use model::Timestamp;
use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_oneof, proptest};

use crate::explore::Draw;
use crate::pages::explore::state::{Asked, Compare, Over, Time, TimeFault};
use crate::pages::range::Range;

fn read(address: &str) -> (Asked, Over) {
    let uri: Uri = address.parse().expect("an address");
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&uri).expect("pairs");
    Asked::parse(&pairs)
}

fn key() -> impl Strategy<Value = String> {
    let known = "signal|device|range|from|to|every|as|compare|show|find-signal|find-device";
    prop_oneof![8 => known, 1 => ".{0,6}"]
}

fn value() -> impl Strategy<Value = String> {
    let known = "1h|12h|7d|1y|10s|1d|line|all|band|sum|week|period|table|2026-11-22T08:00";
    prop_oneof![known, ".{0,12}", " .{0,3} ", "[&=?#%+/';<>\u{202e}é]{1,5}"]
}

proptest! {
    /// Whatever is asked for is asked for again by its address.
    #[test]
    fn an_address_says_all_that_was_asked(pairs in vec((key(), value()), 0..24)) {
        let (asked, _) = Asked::parse(&pairs);
        let (again, over) = read(&asked.address("/explore"));
        assert_eq!(again, asked);
        assert_eq!(over, Over::default());
        assert_eq!(again.address("/explore"), asked.address("/explore"));
    }
}

#[test]
fn what_is_as_usual_leaves_no_trace_in_an_address() {
    let clutter = "/explore?signal=a&from=&to=&range=12h&every=auto&as=line&compare=nothing&x=y";
    assert_eq!(read(clutter).0.address("/explore"), "/explore?signal=a");
}

#[test]
fn every_word_is_understood() {
    let (asked, _) = read(
        "/explore?signal=a%26b&device=farm%2Fbarn+1&device=x&range=7d&every=6h&as=band\
         &compare=week&show=table&find-device=mast",
    );
    let expected = Asked {
        signals: vec!["a&b".to_owned()],
        devices: vec!["farm/barn 1".to_owned(), "x".to_owned()],
        time: Time::Range(Range::Week),
        every: Some(21_600),
        draw: Draw::Band,
        compare: Compare::Week,
        table: true,
        signal_text: String::new(),
        device_text: "mast".to_owned(),
    };
    assert_eq!(asked, expected);
}

#[test]
fn names_beyond_the_limit_are_counted_and_none_stands_twice() {
    let many: Vec<String> = (0..9).map(|n| format!("device={n}&device={n}")).collect();
    let (asked, over) = read(&format!("/explore?{}", many.join("&")));
    assert_eq!(asked.devices, ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(over, Over { signals: 0, devices: 3 });
}

#[track_caller]
fn check_time(from: &str, to: &str, expected: Result<(i64, i64), TimeFault>) {
    let zone = TimeZone::get("Africa/Nairobi").expect("a zone");
    let now = Timestamp::from_millis(1_795_338_644_000);
    let time = Time::Free { from: from.to_owned(), to: to.to_owned() };
    let minutes = |(from, to): (Timestamp, Timestamp)| {
        ((now.millis() - from.millis()) / 60_000, (now.millis() - to.millis()) / 60_000)
    };
    assert_eq!(time.span(now, &zone).map(minutes), expected);
}

#[test]
fn a_free_time_is_of_the_sites_zone_and_a_wrong_one_has_a_reason() {
    check_time("2026-11-22T11:10", "2026-11-22T12:00", Ok((60, 10)));
    check_time("2026-11-22", "", Ok((730, 0)));
    check_time("2026-11-22T12:00", "2026-11-22T11:00", Err(TimeFault::Backwards));
    check_time("yesterday", "", Err(TimeFault::Unclear));
    check_time("", "2026-11-22T12:00", Err(TimeFault::Unclear));
    check_time("1990-01-01T00:00", "", Err(TimeFault::Long));
}
