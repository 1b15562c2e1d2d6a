use std::collections::BTreeSet;

use history::storage::memory::Unsynced;
use model::Timestamp;

use crate::site::{NOW, Site, number};

const DAY: i64 = 86_400_000;

fn folders(site: &Site) -> BTreeSet<String> {
    let parts = site.storage.files().into_keys().filter(|name| name.ends_with(".parquet"));
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

#[test]
fn retention_drops_whole_days_once_no_view_holds_them() {
    let mut site = Site::new();
    let start = NOW.millis().div_euclid(DAY) * DAY;
    site.write((0..4).map(|day| number("d", "s", start + day * DAY, 1.0)));
    site.commit_all();
    site.flush().unwrap();
    let view = site.view();
    let limit = Timestamp::from_millis(start + 2 * DAY + 5);
    assert!(site.writer.drop_days(limit, NOW).unwrap());
    assert_eq!(crate::site::scan(&view, &history::Scan::default()).len(), 4, "a view stays");
    assert_eq!(crate::site::scan(&site.view(), &history::Scan::default()).len(), 2);
    assert_eq!(folders(&site).len(), 4);
    drop(view);
    assert!(site.writer.drop_days(limit, NOW).unwrap());
    assert_eq!(folders(&site).len(), 2);
    let kept = site.journal.len();
    let site = site.crash(Unsynced::Lost, kept).unwrap();
    assert_eq!(crate::site::scan(&site.view(), &history::Scan::default()).len(), 2);
}
