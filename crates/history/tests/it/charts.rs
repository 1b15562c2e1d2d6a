use history::{Column, LatestValue, SeriesId};
use model::Timestamp;
use proptest::prelude::*;

use crate::site::{Record, Said, Site, number};

fn millis(time: i64) -> Timestamp {
    Timestamp::from_millis(time)
}

/// Writes the readings in three parts: flushed, flushed, hot.
fn site(records: Vec<Record>) -> Site {
    let mut site = Site::new();
    let third = records.len() / 3;
    let mut records = records.into_iter();
    for _ in 0..2 {
        site.write(records.by_ref().take(third).collect::<Vec<_>>());
        site.commit_all();
        site.flush().unwrap();
    }
    site.write(records.collect::<Vec<_>>());
    site.commit_all();
    site
}

/// The same by hand, over all points of one column.
fn column_of(points: &[(i64, f64)]) -> [(i64, f64); 4] {
    let by = |pick: fn(&(i64, f64), &(i64, f64)) -> bool| {
        points.iter().copied().reduce(|a, b| if pick(&b, &a) { b } else { a }).unwrap()
    };
    [by(|b, a| b.0 < a.0), by(|b, a| b.1 < a.1), by(|b, a| b.1 > a.1), by(|b, a| b.0 > a.0)]
}

fn flat(column: &Column) -> [(i64, f64); 4] {
    [column.first, column.min, column.max, column.last].map(|p| (p.time.millis(), p.number))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_chart_shows_what_is_in_its_columns(
        values in prop::collection::btree_map(0..1_000_i64, 0..10_000_u32, 1..60),
        width in 1..20_u8,
        (from, length) in (0..500_i64, 1..600_i64),
    ) {
        // Values differ, so that there is one lowest and one highest.
        let values: Vec<(i64, f64)> = values
            .iter()
            .enumerate()
            .map(|(place, (time, value))| (*time, f64::from(*value) * 64.0 + f64::from(u8::try_from(place).unwrap())))
            .collect();
        let records = values.iter().map(|(time, value)| number("d", "s", *time, *value)).collect();
        let site = site(records);
        let span = (millis(from), millis(from + length));
        let columns = site.view().m4(SeriesId::new(0), span, width.into()).unwrap();
        let mut seen = 0;
        for column in &columns {
            let inside: Vec<(i64, f64)> = values
                .iter()
                .copied()
                .filter(|(time, _)| (from..from + length).contains(time))
                .filter(|(time, _)| (time - from) * i64::from(width) / length == i64::try_from(column.index).unwrap())
                .collect();
            prop_assert_eq!(column.count, inside.len() as u64);
            prop_assert_eq!(flat(column), column_of(&inside));
            seen += inside.len();
        }
        let all = values.iter().filter(|(time, _)| (from..from + length).contains(time)).count();
        prop_assert_eq!(seen, all);
    }
}

#[test]
fn a_chart_leaves_texts_out_and_bears_nonsense() {
    let said = Said::Text("off".to_owned());
    let text = Record { said, ..number("d", "s", 5, 0.0) };
    let site = site(vec![number("d", "s", 4, 1.0), text, number("d", "s", 6, 3.0)]);
    let view = site.view();
    let line = |from, to, width| view.m4(SeriesId::new(0), (millis(from), millis(to)), width);
    assert_eq!(line(0, 10, 1).unwrap()[0].count, 2);
    assert_eq!(line(10, 0, 5).unwrap(), []);
    assert_eq!(line(0, 10, 0).unwrap(), []);
    let all = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    assert_eq!(view.m4(SeriesId::new(0), all, 3).unwrap().len(), 1);
}

#[test]
fn the_newest_come_first_from_wherever_they_lie() {
    let far = [0, 1_700_000_000_000, 1_795_000_000_000, 1_795_000_000_001, 1_795_000_000_002];
    let mut records: Vec<_> = far.iter().map(|time| number("d", "a", *time, 1.0)).collect();
    records.push(Record { said: Said::Text("x".to_owned()), ..number("d", "b", far[3], 0.0) });
    records.push(number("other", "a", far[4] + 1, 9.0));
    records.push(number("d", "a", far[2], 2.0));
    let site = site(records);
    let view = site.view();
    let ids: Vec<SeriesId> = view.series_of("d").iter().map(|series| series.id).collect();
    let newest = |count| -> Vec<(i64, Option<f64>)> {
        let rows = view.newest(&ids, count).unwrap();
        rows.iter().map(|row| (row.time.millis(), row.value.number())).collect()
    };
    let all = [
        (far[4], Some(1.0)),
        (far[3], Some(1.0)),
        (far[3], None),
        (far[2], Some(2.0)),
        (far[1], Some(1.0)),
        (far[0], Some(1.0)),
    ];
    assert_eq!(newest(100), all);
    for count in 0..=all.len() {
        assert_eq!(newest(count), all[..count]);
    }
    assert_eq!(view.newest(&ids, 3).unwrap()[2].value, LatestValue::Text("x".into()));
    assert_eq!(view.newest(&[], 3).unwrap(), []);
}
