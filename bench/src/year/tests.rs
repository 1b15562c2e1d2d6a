use std::collections::BTreeSet;

use super::{DAY_MS, START_S, Year};

const YEAR: Year = Year { devices: 7, days: 30, readings: 7 * 240 + 3 };

fn lines(year: Year) -> Vec<String> {
    let line = |number| {
        let mut line = Vec::new();
        year.write_line(number, &mut line).unwrap();
        String::from_utf8(line).unwrap()
    };
    (0..year.count()).map(line).collect()
}

#[test]
fn every_device_says_as_much_once_a_step_and_no_reading_comes_twice() {
    let (lines, step) = (lines(YEAR), YEAR.step_ms());
    assert_eq!((lines.len(), step), (7 * 240, 3 * 3_600_000));
    let mut seen = BTreeSet::new();
    for line in &lines {
        let [tags, value, time] = line.trim().split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        assert!(tags.starts_with("t,id=d") && value.starts_with("value="), "{line}");
        let since = time.parse::<u64>().unwrap() - START_S.unsigned_abs() * 1_000;
        assert!(since < 30 * DAY_MS, "{line}");
        seen.insert((tags.to_owned(), since / step));
    }
    assert_eq!(seen.len(), lines.len());
}

#[test]
fn it_is_colder_at_night_and_never_the_same_twice() {
    let of_one: Vec<i64> = (0..240).map(|tick| YEAR.reading(tick * 7).2).collect();
    let span = of_one.iter().max().unwrap() - of_one.iter().min().unwrap();
    assert!((100..300).contains(&span), "{span} tenths");
    assert!(of_one.iter().collect::<BTreeSet<_>>().len() > 60);
}
