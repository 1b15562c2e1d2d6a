use std::collections::BTreeSet;
use std::time::Duration;

use history::storage::memory::{Memory, Unsynced};
use history::{Options, Scan, Share};

use crate::site::{NOW, Seen, Site, number, scan, small_options};

const DAY: i64 = 86_400_000;

fn folders(site: &Site) -> BTreeSet<String> {
    let names = site.storage.files().into_keys();
    let parts = names.filter(|name| name.starts_with("readings/") && name.ends_with(".parquet"));
    parts.filter_map(|name| Some(name.split('/').nth(1)?.to_owned())).collect()
}

#[test]
fn wrong_clocks_do_not_explode_into_folders() {
    let mut site = Site::new();
    let wild = (0..500_i64).map(|step| number("d", "s", step * 20 * DAY - 5_000 * DAY, 1.0));
    let ends = [i64::MIN / 1_000, i64::MAX / 1_000, 4_091_000_000_000];
    site.write(wild.filter(|record| record.time < 946_000_000_000));
    site.write(ends.map(|time| number("d", "s", time, 2.0)));
    site.commit_all();
    site.flush().unwrap();
    site.check();
    let wanted = ["day=1999-12-31", "day=2099-08-21", "day=2100-01-01"];
    assert_eq!(folders(&site), wanted.map(str::to_owned).into());
    let kept = site.journal.len();
    site.crash(Unsynced::Lost, kept).unwrap().check();
}

#[test]
fn a_reading_lies_in_the_folder_of_its_own_day() {
    let midnight = 1_795_564_800_000;
    let mut site = Site::new();
    site.write([number("d", "s", midnight - 1, 1.0), number("d", "s", midnight, 2.0)]);
    site.commit_all();
    site.flush().unwrap();
    let wanted = ["day=2026-11-24", "day=2026-11-25"];
    assert_eq!(folders(&site), wanted.map(str::to_owned).into());
    site.check();
}

/// Four days, the first of them four days ago.
fn four_days(options: Options) -> Site {
    let mut site = Site::open_with(options, Memory::default(), Vec::new()).unwrap();
    let start = NOW.millis().div_euclid(DAY) * DAY - 4 * DAY;
    site.write((0..4).map(|day| number("d", "s", start + day * DAY, 1.0)));
    site.commit_all();
    site.flush().unwrap();
    site
}

#[test]
fn retention_drops_whole_days_once_no_view_holds_them() {
    let keep = Some(Duration::from_secs(2 * 24 * 3_600));
    let mut site = four_days(Options { keep, ..small_options() });
    let view = site.view();
    site.merge(0).unwrap();
    assert_eq!(scan(&view, &Scan::default()).len(), 4, "a view stays");
    assert_eq!(scan(&site.view(), &Scan::default()).len(), 2);
    assert_eq!(folders(&site).len(), 4);
    drop(view);
    site.merge(0).unwrap();
    assert_eq!(folders(&site).len(), 2);
    let kept = site.journal.len();
    let site = site.crash(Unsynced::Lost, kept).unwrap();
    assert_eq!(scan(&site.view(), &Scan::default()).len(), 2);
}

/// Also after a restart: whoever reads the folder without Althing knows nothing of it.
#[test]
fn what_left_the_table_can_still_be_read_for_a_while() {
    let options = || Options {
        keep: Some(Duration::from_secs(2 * 24 * 3_600)),
        linger: Duration::from_secs(3_600),
        ..small_options()
    };
    let mut site = four_days(options());
    site.merge(0).unwrap();
    let kept = site.journal.clone();
    site.storage.crash(Unsynced::Lost);
    let mut site = Site::open_with(options(), site.storage, kept).unwrap();
    site.merge(0).unwrap();
    assert_eq!(folders(&site).len(), 4);
    site.merge(1).unwrap();
    assert_eq!(folders(&site).len(), 2);
}

/// Many days are dealt whole: each share has days of its own, with what came late in them and what
/// is in memory, and together they have everything once.
#[test]
fn shares_of_many_days_have_days_of_their_own() {
    let (mut site, start) = (Site::new(), NOW.millis() - 30 * DAY);
    let day = |day: i64, value: f64| {
        (0..4).map(move |row| number("mill/press", "x", start + day * DAY + row * 1_000, value))
    };
    for value in [1.0, 2.0] {
        (0..12).for_each(|number| site.write(day(number, value)));
        site.commit_all();
        site.flush().unwrap();
    }
    site.write(day(3, 3.0).take(2));
    site.commit_all();
    let days_of = |seen: &Seen| -> BTreeSet<i64> {
        seen.keys().map(|(.., time)| (time - start) / DAY).collect()
    };
    let mut together = Seen::new();
    for number in 0..2 {
        let share = Some(Share { number, of: 2 });
        let own = scan(&site.view(), &Scan { share, ..Scan::default() });
        assert!(days_of(&own).len() <= 7, "six, and the one in memory");
        together.extend(own);
    }
    assert_eq!(together, site.expected());
}
