//! Which numbers and texts are times, and what becomes of impossible ones.

use super::*;

#[track_caller]
fn text(text: &str, zone: &str) -> Option<String> {
    let stamp = Stamp::from_text(text, &Zone::parse(zone).unwrap())?;
    let (time, mark) = match stamp {
        Stamp::Certain(time) => (time, ""),
        Stamp::Unzoned(time) => (time, " unzoned"),
    };
    let shown = jiff::Timestamp::from_microsecond(time.micros()).unwrap();
    Some(format!("{shown}{mark}"))
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

#[test]
fn the_size_of_a_number_says_its_unit() {
    let micros = |number: f64| match Stamp::from_number(number) {
        Some(Stamp::Certain(time)) => Some(time.micros()),
        _ => None,
    };
    assert_eq!(micros(1_650_000_000.0), Some(1_650_000_000_000_000));
    assert_eq!(micros(1_650_000_000.25), Some(1_650_000_000_250_000));
    assert_eq!(micros(1_276_020_076.001), Some(1_276_020_076_001_000));
    assert_eq!(micros(1_650_000_000_250.0), Some(1_650_000_000_250_000));
    assert_eq!(micros(1_650_000_000_250_123.0), Some(1_650_000_000_250_123));
    assert_eq!(micros(1_650_000_000_250_123_904.0), Some(1_650_000_000_250_123));
    for no_time in [35.0, 0.0, -1.65e9, 1e20, 99_999_999.0, f64::NAN, f64::INFINITY] {
        assert_eq!(micros(no_time), None, "{no_time}");
    }
}

#[test]
fn texts_of_all_kinds() {
    let utc = |written| text(written, "+00:00").unwrap_or_default();
    assert_eq!(utc("2022-04-15T05:20:00Z"), "2022-04-15T05:20:00Z");
    assert_eq!(utc("2022-04-15T07:20:00+02:00"), "2022-04-15T05:20:00Z");
    assert_eq!(utc("2022-04-15T07:20:00+0200"), "2022-04-15T05:20:00Z");
    assert_eq!(utc("2022-04-15T05:20:00.1234567891Z"), "2022-04-15T05:20:00.123456Z");
    assert_eq!(utc("2022-04-15 05:20"), "2022-04-15T05:20:00Z unzoned");
    assert_eq!(utc("2022.04.15 05:20:01"), "2022-04-15T05:20:01Z unzoned");
    assert_eq!(utc("2016-12-31T23:59:60Z"), "2016-12-31T23:59:59Z");
    assert_eq!(utc("1650000000"), "2022-04-15T05:20:00Z");
    for no_time in ["", "12:30", "2022-04-15", "2022-13-01T00:00:00Z", "35", "2022-04-15T05:20:61Z"]
    {
        assert_eq!(text(no_time, "+00:00"), None, "{no_time}");
    }
}

#[test]
fn a_time_without_a_zone_is_read_in_the_zone_of_the_site() {
    let read = |written, zone| text(written, zone).unwrap_or_default();
    assert_eq!(read("2022-07-15T12:00:00", "Europe/Vilnius"), "2022-07-15T09:00:00Z unzoned");
    assert_eq!(read("2022-01-15T12:00:00", "Europe/Vilnius"), "2022-01-15T10:00:00Z unzoned");
    assert_eq!(read("2022-01-15T12:00:00", "+05:30"), "2022-01-15T06:30:00Z unzoned");
    assert_eq!(Zone::parse("Mars/Olympus").err(), Some(ZoneFault));
}

#[test]
fn impossible_times_give_way_to_the_receipt() {
    let received = at("2024-05-04T10:00:00Z");
    let judge = |time: &str| {
        let judged = Stamp::Certain(at(time)).judge(received);
        (judged.time.is_some(), judged.quality)
    };
    assert_eq!(judge("2024-05-04T09:45:00Z"), (true, Quality::GOOD));
    assert_eq!(judge("2024-05-04T09:44:59Z"), (true, Quality::BACKFILL));
    assert_eq!(judge("2001-05-04T09:00:00Z"), (true, Quality::BACKFILL));
    assert_eq!(judge("2024-05-04T10:05:00Z"), (true, Quality::GOOD));
    assert_eq!(judge("2024-05-04T10:05:01Z"), (true, Quality::FUTURE));
    assert_eq!(judge("2024-05-05T10:00:00Z"), (true, Quality::FUTURE));
    assert_eq!(judge("2024-05-05T10:00:01Z"), (false, Quality::CLOCK_BAD));
    assert_eq!(judge("1999-12-31T23:59:59Z"), (false, Quality::CLOCK_BAD));
}

#[test]
fn an_unzoned_time_has_to_be_near_its_receipt() {
    let received = at("2024-05-04T10:00:00Z");
    let judge = |time: &str| Stamp::Unzoned(at(time)).judge(received);
    assert_eq!(judge("2024-05-04T10:04:00Z").time, Some(at("2024-05-04T10:04:00Z")));
    assert_eq!(judge("2024-05-04T12:00:30Z").quality, Quality::CLOCK_UNSURE);
    assert_eq!(judge("2024-05-04T12:00:30Z").off, Some(Off::ByQuarters(8)));
    assert_eq!(judge("2024-05-04T04:30:00Z").off, Some(Off::ByQuarters(-22)));
    assert_eq!(judge("2024-05-04T12:05:00Z").off, Some(Off::NotByQuarters));
    assert_eq!(judge("2024-05-09T10:00:00Z").off, Some(Off::NotByQuarters));
}
