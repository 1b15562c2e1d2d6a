use super::*;

const SECOND: u32 = 1_000;
const MINUTE: u32 = 60 * SECOND;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

fn day(times: impl IntoIterator<Item = u32>) -> Day {
    let mut gathered = Gathered::default();
    times.into_iter().for_each(|time| gathered.add(time, Quality::GOOD));
    gathered.day().expect("a day with readings")
}

fn every(step: u32) -> impl Iterator<Item = u32> {
    (0..DAY).step_by(step as usize)
}

/// Numbers that look like chance, below `below`.
fn dice(below: u32) -> impl Iterator<Item = u32> {
    let mut state = 7_u64;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u32::try_from((state >> 33) % u64::from(below)).ok()
    })
}

/// Expected and missing of the last of some days, which is over.
#[track_caller]
fn check(days: &[Option<&Day>], wanted: Option<(u64, u64)>) {
    let row = assess(days, 0, DAY_MS).expect("a row");
    assert_eq!(row.expected.zip(row.missing), wanted, "{row:?}");
}

#[test]
fn a_whole_day_misses_nothing_at_any_interval() {
    for step in [1, 5, 10, 60, 300, 3_600].map(|seconds| seconds * SECOND) {
        let whole = day(every(step));
        check(&[Some(&whole), Some(&whole)], Some((u64::from(DAY / step), 0)));
        check(&[None, Some(&whole)], Some((u64::from(DAY / step), 0)));
    }
}

#[test]
fn a_rhythm_that_shakes_misses_nothing() {
    let shaken = every(10 * SECOND).zip(dice(4 * SECOND)).map(|(time, by)| time + by);
    let shaken = day(shaken);
    let row = assess(&[Some(&shaken), Some(&shaken)], 0, DAY_MS).unwrap();
    assert!(row.missing.unwrap() <= 1, "{row:?}");
    assert!((row.interval_ms.unwrap() - 10_000.0).abs() < 10.0, "{row:?}");
}

#[test]
fn what_is_lost_is_missing_wherever_it_was() {
    let whole = day(every(MINUTE));
    let hole = day(every(MINUTE).filter(|time| !(6 * HOUR..8 * HOUR).contains(time)));
    check(&[Some(&whole), Some(&hole)], Some((1_440, 120)));
    let late_start = day(every(MINUTE).skip(120));
    check(&[Some(&whole), Some(&late_start)], Some((1_440, 120)));
    check(&[None, Some(&late_start)], Some((1_320, 0)));
    let early_end = day(every(MINUTE).take(1_320));
    check(&[None, Some(&early_end)], Some((1_440, 120)));
    check(&[Some(&whole), None], Some((1_440, 1_440)));
    let third = day(every(MINUTE).zip(dice(3)).filter(|(_, dice)| *dice > 0).map(|(time, _)| time));
    let row = assess(&[Some(&third)], 0, DAY_MS).unwrap();
    let lost = 1_440 - row.received;
    assert!(row.missing.unwrap().abs_diff(lost) <= 3, "{row:?} lost {lost}");
}

#[test]
fn what_happens_when_it_happens_is_not_expected() {
    let chance: std::collections::BTreeSet<u32> = dice(DAY).take(300).collect();
    let door = day(chance);
    assert_eq!(door.rhythm, Rhythm::Irregular);
    check(&[Some(&door)], None);
    check(&[Some(&door), None], None);
    let burst = day((0..24).flat_map(|hour| [0, 1, 2].map(|ms| hour * HOUR + ms)));
    assert_eq!(burst.rhythm, Rhythm::Irregular, "a burst an hour");
    let few = day(dice(DAY).take(3));
    check(&[Some(&few)], None);
    check(&[Some(&few), Some(&few)], None);
}

#[test]
fn days_before_tell_what_a_bad_day_should_have_been() {
    let whole = day(every(10 * SECOND));
    let scraps =
        day(every(10 * SECOND).zip(dice(10)).filter(|(_, dice)| *dice == 0).map(|it| it.0));
    assert_eq!(scraps.rhythm, Rhythm::Irregular);
    let row = assess(&[Some(&whole), Some(&scraps)], 0, DAY_MS).unwrap();
    assert!(row.expected.unwrap().abs_diff(8_640) <= 1, "{row:?}");
    check(&[Some(&scraps), Some(&scraps), Some(&whole)], None);
    let slower = day(every(MINUTE));
    check(&[Some(&whole), Some(&whole), Some(&slower)], Some((1_440, 0)));
}

#[test]
fn a_meter_that_reports_once_a_day_is_expected_once_a_day() {
    let once = day([7 * HOUR]);
    let days = [Some(&once); 7];
    check(&days, Some((1, 0)));
    check(&[&days[..], &[None]].concat(), Some((1, 1)));
    check(&days[..6], None);
}

#[test]
fn a_day_that_is_not_over_is_expected_up_to_the_moment() {
    let whole = day(every(MINUTE));
    let half = day(every(MINUTE).take(720));
    let noon = DAY_MS / 2;
    let row = assess(&[Some(&whole), Some(&half)], 0, noon).unwrap();
    assert_eq!((row.expected, row.missing), (Some(720), Some(0)));
    let row = assess(&[Some(&whole), None], 0, noon).unwrap();
    assert_eq!((row.expected, row.missing), (Some(720), Some(720)));
    let row = assess(&[Some(&whole), None], 0, 30_000).unwrap();
    assert_eq!((row.expected, row.missing), (Some(0), Some(0)), "not due yet");
}

#[test]
fn late_and_suspect_readings_are_counted() {
    let mut gathered = Gathered::default();
    for (time, quality) in [
        (3, Quality::BACKFILL),
        (1, Quality::BACKFILL | Quality::CLOCK_UNSURE),
        (2, Quality::CONVERTED | Quality::SIMULATED),
        (4, Quality::BAD),
        (5, Quality::STALE | Quality::FUTURE),
        (6, Quality::CLOCK_BAD),
    ] {
        gathered.add(time, quality);
    }
    let row = assess(&[Some(&gathered.day().unwrap())], DAY_MS, 2 * DAY_MS).unwrap();
    assert_eq!((row.received, row.late, row.suspect), (6, 2, 4));
    assert_eq!((row.first, row.last), (Some(DAY_MS + 1), Some(DAY_MS + 6)));
}

#[test]
fn a_signal_that_was_silent_has_no_row() {
    assert_eq!(assess(&[None, None], 0, DAY_MS), None);
    assert_eq!(Gathered::default().day(), None);
}
