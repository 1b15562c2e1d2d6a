use super::{DAY_FIRST, DAY_LAST, DAY_MS, Folder, LENGTHS, Longer, day_from_name, day_name};

#[test]
fn days_have_their_names() {
    for (day, name) in [
        (0, "1970-01-01"),
        (DAY_FIRST, "1999-12-31"),
        (11_016, "2000-02-29"),
        (20_782, "2026-11-25"),
        (DAY_LAST, "2100-01-01"),
        (-1, "1969-12-31"),
    ] {
        assert_eq!(day_name(day), name);
        assert_eq!(day_from_name(name), Some(day));
    }
    for bad in ["", "2026", "2026-13-01", "2026-02-30", "2026-2-3", "x-y-z"] {
        assert_eq!(day_from_name(bad), None, "{bad}");
    }
    for day in DAY_FIRST..=DAY_LAST {
        assert_eq!(day_from_name(&day_name(day)), Some(day));
    }
}

#[test]
fn wrong_clocks_share_two_folders() {
    for (time, day) in [(i64::MIN, DAY_FIRST), (0, DAY_FIRST), (i64::MAX, DAY_LAST)] {
        let folder = Folder::of(time);
        assert_eq!(folder, Folder::day(day));
        assert!(!folder.is_plain());
        assert_eq!(folder.within(7), None);
        let (from, to) = folder.times();
        assert!(from <= time && time <= to);
    }
    assert_eq!(Folder::of(4_091_000_000_000).name(), "2099-08-21");
}

#[test]
fn weeks_begin_on_monday() {
    let monday = day_from_name("2026-11-23").unwrap();
    for day in monday..monday + 7 {
        let week = Folder::day(day).within(7).unwrap();
        assert_eq!((week.name().as_str(), week.days, week.end()), ("2026-11-23", 7, monday + 7));
        assert_eq!(week.within(7), Some(week));
        assert!(week.is_long() && week.overlaps(Folder::day(day)));
        let quarter = Folder::day(day).within(91).unwrap();
        assert_eq!((week.within(91), quarter.days), (Some(quarter), 91));
        assert!(quarter.first <= week.first && week.end() <= quarter.end());
    }
    let next = Folder::day(monday + 7);
    assert_eq!(next.within(7).unwrap().first, monday + 7);
    assert!(!next.overlaps(Folder::day(monday).within(7).unwrap()));
}

/// A week that is cut by one of the folders of many years stays in days.
#[test]
fn weeks_hold_plain_days_only() {
    for day in DAY_FIRST..=DAY_LAST {
        for long in LENGTHS.into_iter().filter_map(|days| Folder::day(day).within(days)) {
            assert!(DAY_FIRST < long.first && long.end() <= DAY_LAST, "{day}");
        }
    }
    assert_eq!(Folder::day(DAY_FIRST + 1).within(7), None, "a Saturday");
    assert!(Folder::day(DAY_FIRST + 3).within(7).is_some(), "a Monday");
}

#[test]
fn times_lie_in_a_week_where_there_is_one() {
    let monday = day_from_name("2026-11-23").unwrap();
    let time = |day: i32| i64::from(day) * DAY_MS;
    let mut weeks = Longer::default();
    assert_eq!(weeks.folder_of(time(monday + 2)), Folder::day(monday + 2));
    let week = Folder::day(monday).within(7).unwrap();
    weeks.add(Folder::day(monday - 1));
    weeks.add(week);
    for day in [monday, monday + 2, monday + 6] {
        assert_eq!(weeks.folder_of(time(day)), week);
        assert_eq!(weeks.folder_of(time(day + 1) - 1), week);
        assert!(!weeks.keeps(Folder::day(day)));
    }
    assert_eq!(weeks.folder_of(time(monday) - 1), Folder::day(monday - 1));
    assert!(weeks.keeps(Folder::day(monday - 1)) && weeks.keeps(week));
    let quarter = week.within(91).unwrap();
    let mut quarters = Longer::default();
    quarters.add(quarter);
    assert_eq!(quarters.folder_of(time(monday + 2)), quarter);
    assert!(
        !quarters.keeps(week) && !quarters.keeps(Folder::day(monday)) && quarters.keeps(quarter)
    );
}

#[test]
fn only_folders_of_ours_are_understood() {
    assert_eq!(Folder::told("2026-11-25", 1), Some(Folder::day(20_782)));
    assert_eq!(Folder::told("2026-11-23", 7).map(Folder::end), Some(20_787));
    for (name, days) in
        [("2026-11-25", 7), ("2026-11-23", 2), ("2026-11-23", 0), ("2026-11-23", 91), ("x", 1)]
    {
        assert_eq!(Folder::told(name, days), None, "{name} {days}");
    }
}
