//! Lines of long columns are drawn from hours, and nobody sees it.

use std::time::Duration;

use history::storage::memory::Memory;
use history::{Column, DayHours, Options, SeriesId};
use model::Timestamp;
use proptest::prelude::*;

use crate::site::{NOW, Record, Site, number, small_options};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn today() -> i64 {
    NOW.millis().div_euclid(DAY) * DAY
}

fn line(site: &Site, (from, to): (i64, i64), width: usize) -> Vec<Column> {
    let millis = Timestamp::from_millis;
    site.view().m4(SeriesId::new(0), (millis(from), millis(to)), width).unwrap()
}

/// Each of so many days is a flush of its own; all but today are closed then.
fn site(days: i64, records: impl Fn(i64) -> Vec<Record>) -> Site {
    let mut site = Site::new();
    for day in (0..days).rev() {
        site.write(records(today() - day * DAY));
        site.commit_all();
        site.flush().unwrap();
    }
    site.merge(1).unwrap();
    site
}

/// Every two minutes, with ties, and a text in between.
fn every_two_minutes(start: i64) -> Vec<Record> {
    let value = |step: i64| f64::from(i32::try_from(start / DAY * 7 + step * 5 % 23).unwrap());
    (0..DAY / 120_000).map(|step| number("d", "s", start + step * 120_000, value(step))).collect()
}

/// Flips a bit in every file of readings but today's.
fn damage_readings(site: &Site) {
    let today = "day=2026-11-25";
    for (name, bytes) in site.storage.files() {
        if name.starts_with("readings/day=") && !name.contains(today) {
            for bit in (0..bytes.len() * 8).step_by(512) {
                site.storage.flip(&name, bit);
            }
        }
    }
}

/// Ten days of 720 readings, a week and two days of them closed: the days with hours are drawn though their readings cannot be read.
#[test]
fn a_long_line_reads_hours_instead_of_readings() {
    let mut site = site(10, every_two_minutes);
    let span = (today() - 9 * DAY, today() + DAY);
    let from_readings: Vec<_> = [1, 7, 10, 100, 240].map(|width| line(&site, span, width)).into();
    assert_eq!(from_readings[4].len(), 240);
    assert_eq!(site.summarise(1).unwrap(), 3);
    damage_readings(&site);
    let kept = site.journal.clone();
    let site = Site::open(site.storage, kept).unwrap();
    for (width, expected) in [1, 7, 10, 100, 240].into_iter().zip(from_readings) {
        assert_eq!(line(&site, span, width), expected, "{width} columns");
    }
    let millis = Timestamp::from_millis;
    let short = site.view().m4(SeriesId::new(0), (millis(span.0), millis(span.1)), 241);
    assert!(short.is_err(), "columns of less than an hour need the readings");
    let cut = site.view().m4(SeriesId::new(0), (millis(span.0 + 1), millis(span.1)), 10);
    assert!(cut.is_err(), "so does an hour that the line begins in");
}

#[test]
fn a_line_goes_on_where_only_hours_are_left() {
    let mut site = site(4, every_two_minutes);
    let span = (today() - 3 * DAY, today() + DAY);
    let expected = line(&site, span, 30);
    site.summarise(1).unwrap();
    let keep = Some(Duration::from_secs(86_400));
    let kept = site.journal.clone();
    let options = Options { keep, ..small_options() };
    let mut site = Site::open_with(options, site.storage, kept).unwrap();
    site.merge(1).unwrap();
    let states: Vec<_> = site.view().days((None, None)).iter().map(|day| day.hours).collect();
    let left = Some(DayHours::Left);
    assert_eq!(states, [left, left, Some(DayHours::Usable), None]);
    assert_eq!(line(&site, span, 30), expected);
}

#[derive(Clone, Debug)]
struct Asked {
    from: i64,
    length: i64,
    width: usize,
}

fn asked() -> impl Strategy<Value = Asked> {
    let odd = prop_oneof![Just(0), Just(1), Just(-1), -HOUR..HOUR];
    (0..5_i64, odd.clone(), 1..5_i64, odd, 1..40_usize).prop_map(
        |(day, odd, days, other, width)| {
            let from = today() - day * DAY + odd;
            Asked { from, length: days * DAY + other, width }
        },
    )
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        60 => (-20..20_i32).prop_map(|value| f64::from(value) / 4.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
    ]
}

/// A column, comparable also where its sum is NaN.
type Seen = (usize, [(i64, u64); 4], u64, String);

fn seen(columns: &[Column]) -> Vec<Seen> {
    let point = |point: history::Point| (point.time.millis(), (point.number + 0.0).to_bits());
    let one = |column: &Column| {
        let points = [column.first, column.min, column.max, column.last].map(point);
        (column.index, points, column.count, format!("{:?}", column.sum))
    };
    columns.iter().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Days that are closed, late readings in files and in memory, and what is no number.
    #[test]
    fn a_line_is_the_same_with_hours_and_without(
        values in prop::collection::vec((0..5 * DAY / 60_000, value()), 1..400),
        late in prop::collection::vec((0..5 * DAY / 60_000, value()), 0..3),
        later in prop::collection::vec((0..5 * DAY / 60_000, value()), 0..3),
        asked in prop::collection::vec(asked(), 1..8),
    ) {
        let start = today() - 4 * DAY;
        let record = |(minute, value): &(i64, f64)| number("d", "s", start + minute * 60_000, *value);
        let mut site = Site::new();
        site.write([number("d", "s", start, 0.0)]);
        site.write(values.iter().map(record));
        site.commit_all();
        site.flush().unwrap();
        site.merge(1).unwrap();
        site.summarise(1).unwrap();
        site.write(late.iter().map(record));
        site.commit_all();
        site.flush().unwrap();
        site.write(later.iter().map(record));
        site.commit_all();
        // The same journal without any hours.
        let mut plain = Site::new();
        plain.write(site.journal.clone());
        plain.commit_all();
        for Asked { from, length, width } in asked {
            let span = (from, from + length);
            prop_assert_eq!(seen(&line(&site, span, width)), seen(&line(&plain, span, width)));
        }
    }
}

/// Where a day has few readings of a signal, its hours would be read no faster.
#[test]
fn hours_of_slow_signals_do_not_pay() {
    let options = Options { hours_cost: 20_000, hot_rows_max: 1_000_000, ..small_options() };
    let mut site = Site::open_with(options, Memory::default(), Vec::new()).unwrap();
    site.write(every_two_minutes(today() - DAY));
    let value = |step: i64| f64::from(i32::try_from(step * 7_919 % 9_973).unwrap());
    let fast = |step: i64| number("d", "fast", today() - DAY + step * 2_000, value(step));
    site.write((0..40_000).map(fast).collect::<Vec<_>>());
    site.commit_all();
    site.flush().unwrap();
    site.merge(1).unwrap();
    site.summarise(1).unwrap();
    let view = site.view();
    let [day] = view.days((None, None))[..] else { panic!("one day") };
    assert_eq!(day.hours, Some(DayHours::Usable));
    assert!(day.bytes > 20_000, "{day:?}");
    assert!(view.hours_pay(&day, 2));
    let few = day.bytes / 20_000 * 3;
    for device in 0..few {
        site.write(vec![number("d", &format!("slow{device}"), today(), 1.0)]);
    }
    site.commit_all();
    assert!(!site.view().hours_pay(&day, 1));
}
