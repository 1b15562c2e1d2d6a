use super::{DAY_FIRST, DAY_LAST, day_from_name, day_name, day_of, is_plain};

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
        assert_eq!(day_of(time), day);
        assert!(!is_plain(day));
    }
    assert_eq!(day_name(day_of(4_091_000_000_000)), "2099-08-21");
}
