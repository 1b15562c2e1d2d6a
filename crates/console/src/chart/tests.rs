//! Drawings and their numbers.

use std::time::Duration;

use expect_test::expect;
use jiff::tz::TimeZone;
use model::Timestamp;

use crate::chart::scale::Scale;
use crate::chart::{self, Plot, Stroke, Trace};
use crate::site::Point;

const MINUTE: u64 = 60;

fn at(minute: u64) -> Timestamp {
    Timestamp::from_millis(1_795_338_600_000).saturating_add(Duration::from_secs(minute * MINUTE))
}

fn single(minute: u64, value: f64) -> Point {
    Point { time: at(minute), last: value, min: value, max: value, mean: value }
}

fn trace<'a>(name: &'a str, unit: Option<&'a str>, plot: Plot<'a>) -> Trace<'a> {
    Trace { name, unit, plot, colour: 1, before: false }
}

fn plot(points: &[Point]) -> Plot<'_> {
    Plot::new((at(0), at(60)), 240, (points, false))
}

#[test]
fn a_silence_longer_than_the_rhythm_is_a_gap() {
    let mut points: Vec<Point> = (0..20).map(|minute| single(minute, 20.0)).collect();
    assert_eq!(plot(&points).gaps(), 0);
    points.extend((40..60).map(|minute| single(minute, 21.0)));
    let plot = plot(&points);
    assert_eq!(plot.gaps(), 1);
    let drawn = chart::plot(&plot, &[]).to_string();
    let line = drawn.split("class=\"line\" d=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(line.matches('M').count(), 2, "{line}");
}

#[test]
fn a_line_ends_where_the_heading_says() {
    let column = Point { time: at(59), last: 30.0, min: 10.0, max: 30.0, mean: 12.0 };
    let points = [single(0, 10.0), column];
    let plot = Plot::new((at(0), at(60)), 240, (&points, true));
    let numbers = chart::script(&[trace("t", Some("°C"), plot)]);
    expect![[r#"[{"name":"t","unit":"°C","gap":14160000,"start":1795338600000,"tick":900,"scale":2,"t":[0,3933],"v":[1000,2000],"lo":[0,2000],"hi":[0,0]}]"#]]
        .assert_eq(&numbers);
}

#[test]
fn numbers_inside_a_page_cannot_end_their_element() {
    let points = [single(0, 1.0)];
    let numbers = chart::script(&[trace("</script>", None, plot(&points))]);
    assert!(!numbers.contains('<'), "{numbers}");
}

#[test]
fn there_are_a_few_round_values_whatever_the_range() {
    for range in [(0.0, 1.0), (-3.2, 7.9), (9.0e6, 9.1e6), (20.001, 20.002), (5.0, 5.0), (0.0, 0.0)]
    {
        let ticks = Scale::new(range, 136.0).ticks();
        assert!((2..=6).contains(&ticks.len()), "{range:?}: {ticks:?}");
    }
}

#[test]
fn what_differs_by_the_last_digits_of_a_float_is_a_constant() {
    let ticks = |range| Scale::new(range, 136.0).ticks();
    assert_eq!(ticks((21.4, 21.400_000_000_000_002)), ticks((21.4, 21.4)));
    assert_ne!(ticks((21.4, 21.400_1)), ticks((21.4, 21.4)));
}

#[test]
fn ticks_stand_on_the_sites_clock_also_when_it_changes() {
    // In Berlin the clocks went back from three to two that night.
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let from = Timestamp::from_millis(1_792_879_200_000);
    let ticks = chart::ticks(from, from.saturating_add(Duration::from_secs(12 * 3_600)), &zone);
    let labels: Vec<&str> = ticks.iter().map(|tick| tick.label.as_str()).collect();
    assert_eq!(labels, ["00:00", "02:00", "04:00", "06:00", "08:00", "10:00"]);
    let hours: Vec<u64> =
        ticks.windows(2).map(|two| two[1].time.since(two[0].time).as_secs() / 3_600).collect();
    assert_eq!(hours.iter().sum::<u64>(), 11);
}

#[test]
fn every_range_has_a_handful_of_ticks() {
    for hours in [1, 12, 24 * 7, 24 * 30, 24 * 365] {
        let to = at(0);
        let from = to.saturating_sub(Duration::from_secs(hours * 3_600));
        let count = chart::ticks(from, to, &TimeZone::UTC).len();
        assert!((4..=8).contains(&count), "{hours} h: {count}");
    }
}

#[test]
fn lines_of_one_plot_share_its_scale_and_their_ends_have_letters_apart() {
    let lines = [[single(0, 1.0), single(60, 5.0)], [single(0, 2.0), single(60, 5.001)]];
    let plots = lines.each_ref().map(|points| plot(points));
    let stroke = |index: usize, before| Stroke {
        plot: &plots[index],
        colour: u8::try_from(index).unwrap() + 1,
        before,
    };
    let strokes = [stroke(0, false), stroke(1, false), stroke(1, true)];
    let drawn = chart::sheet(&strokes, (200.0, Some("<b>")), &[]).to_string();
    assert!(drawn.contains("<g class=\"s2 before\">"), "{drawn}");
    assert_eq!(drawn.matches("\u{a0}&lt;b&gt;</text>").count(), 1, "the unit stands once: {drawn}");
    let letters = chart::letters(&strokes, 200.0).unwrap().to_string();
    let heights: Vec<f64> = letters
        .split(" y=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(heights.len(), 2, "what is compared with has no letter: {letters}");
    assert!((heights[1] - heights[0]).abs() >= 12.0, "{letters}");
    assert!(chart::letters(&strokes[..1], 200.0).is_none());
}

#[test]
fn ten_years_have_a_handful_of_ticks_too() {
    let to = at(0);
    for years in [2, 5, 10] {
        let from = to.saturating_sub(Duration::from_secs(years * 365 * 86_400));
        let ticks = chart::ticks(from, to, &TimeZone::UTC);
        assert!((2..=10).contains(&ticks.len()), "{years}: {}", ticks.len());
        assert!(ticks.last().unwrap().time.since(from) > to.since(from) / 2, "{years}");
    }
}
