//! What a person wants forgotten leaves the hours as well, whether their readings are there or not.

use history::storage::memory::{Fault, Memory, Unsynced};
use history::{DayHours, HoursScan, Options, SeriesId, hour};

use crate::erasures::{check_files, check_nothing_is_left};
use crate::hours::{
    DAY, Hours, check, check_none_is_made_up, closed, keeping, reopened, rows, scan_hours, states,
    today,
};
use crate::site::{Site, erasure, number, small_options};

/// A closed day with its hours; today's rows in memory.
fn with_hours() -> Site {
    let mut site = closed();
    assert_eq!(site.summarise(1).unwrap(), 1);
    site
}

fn all_hours(site: &Site) -> Hours {
    scan_hours(&site.view(), &HoursScan::default())
}

fn erase(site: &mut Site, device: &str) {
    site.write([erasure(device)]);
    site.commit_all();
}

#[track_caller]
fn check_has_none_of(site: &Site, device: &str) {
    check(site);
    assert!(!all_hours(site).keys().any(|(of, ..)| of == device));
    let barn = SeriesId::new(1);
    let columns = Some(vec![hour::SERIES]);
    let of_number = HoursScan { series: Some(vec![barn]), columns, ..HoursScan::default() };
    assert!(site.view().scan_hours(&of_number).unwrap().next().is_none(), "also by its number");
}

#[test]
fn nobody_sees_the_hours_of_an_erased_device_from_the_commit_on() {
    let mut site = with_hours();
    let (old, before) = (site.view(), all_hours(&site));
    site.write([erasure("b")]);
    assert_eq!(all_hours(&site), before, "it is not committed");
    site.commit_all();
    check_has_none_of(&site, "b");
    assert_eq!(states(&site), [Some(DayHours::Usable)], "of the others they are as good as before");
    assert_eq!(scan_hours(&old, &HoursScan::default()), before, "a view stays as it is");
}

/// No width is as narrow as an hour, so that hours would be drawn.
#[test]
fn no_chart_is_drawn_from_the_hours_of_an_erased_device() {
    let mut site = with_hours();
    let old = site.view();
    erase(&mut site, "b");
    let span = [today() - DAY, today()].map(model::Timestamp::from_millis);
    let drawn = |view: &history::View, series| {
        view.m4(SeriesId::new(series), (span[0], span[1]), 12).unwrap().len()
    };
    assert_eq!((drawn(&old, 0), drawn(&old, 1)), (2, 2));
    assert_eq!((drawn(&site.view(), 0), drawn(&site.view(), 1)), (2, 0));
}

#[test]
fn hours_are_made_again_where_readings_were_written_again() {
    let mut site = with_hours();
    erase(&mut site, "b");
    site.flush().unwrap();
    site.merge(1).unwrap();
    assert_eq!(states(&site)[0], Some(DayHours::Stale));
    check_has_none_of(&site, "b");
    assert_eq!(site.summarise(1).unwrap(), 1);
    assert_eq!(states(&site)[0], Some(DayHours::Usable));
    check_has_none_of(&site, "b");
    check_nothing_is_left(site);
}

/// A closed day that has nothing but readings of one device, which is erased but not flushed: its hours
/// come to nothing, and are not asked for again and again.
fn nothing_but_erased(options: Options) -> Site {
    let mut site = Site::open_with(options, Memory::default(), Vec::new()).unwrap();
    site.write([number("b", "s", today() - DAY, 1.0)]);
    site.commit_all();
    site.flush().unwrap();
    site.merge(1).unwrap();
    erase(&mut site, "b");
    site.writer.tick(site.horizon.committed()).unwrap();
    site
}

#[test]
fn a_day_whose_readings_are_all_erased_has_no_hours() {
    let mut site = nothing_but_erased(small_options());
    assert_eq!(site.summarise(1).unwrap(), 1, "that is seen once");
    assert_eq!(site.summarise(2).unwrap(), 0);
    assert!(!site.storage.files().keys().any(|name| name.starts_with("hours/day=")));
    // It is looked at again when something else lies in it.
    site.write([number("a", "s", today() - DAY + 7, 2.0)]);
    site.commit_all();
    site.flush().unwrap();
    site.merge(30).unwrap();
    assert_eq!(site.summarise(30).unwrap(), 1);
    assert_eq!(all_hours(&site).len(), 1);
    check_nothing_is_left(site);
}

#[test]
fn a_day_whose_readings_are_all_erased_leaves_without_hours() {
    let mut site = nothing_but_erased(keeping(1, None));
    site.merge(48).unwrap();
    assert_eq!(states(&site), []);
    let names = site.storage.files().into_keys();
    let left: Vec<String> = names.filter(|name| name.starts_with("readings/day=")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn hours_whose_readings_left_are_written_again() {
    let mut site = reopened(&with_hours(), keeping(1, None));
    site.merge(48).unwrap();
    let mut expected = all_hours(&site);
    erase(&mut site, "b");
    site.flush().unwrap();
    while !site.reader.erasures().is_empty() {
        site.merge(48).unwrap();
    }
    // One more flush takes the list of what was erased out of the snapshot.
    site.write([number("a", "x", today() + DAY, 1.0)]);
    site.commit_all();
    site.flush().unwrap();
    expected.retain(|(device, ..), _| device == "a");
    let site = reopened(&site, keeping(1, None));
    let mut found = all_hours(&site);
    found.retain(|(.., hour), _| *hour < today());
    assert_eq!(found, expected);
    assert_eq!(states(&site)[0], Some(DayHours::Left), "nothing can make them again");
    let again = site.storage.files().into_keys().filter(|name| name.contains("-w"));
    assert_eq!(again.count(), 1);
    check_files(&site);
}

/// Hours without a row are none.
#[test]
fn a_day_of_erased_devices_only_has_no_hours() {
    let mut site = with_hours();
    erase(&mut site, "a");
    erase(&mut site, "b");
    site.flush().unwrap();
    while !site.reader.erasures().is_empty() {
        site.merge(1).unwrap();
    }
    assert_eq!(states(&site), []);
    assert_eq!(all_hours(&site), Hours::new());
    check_nothing_is_left(site);
}

/// The day is open again when the wish comes.
#[test]
fn hours_that_are_out_of_use_lose_their_rows_too() {
    let mut site = with_hours();
    site.write([number("a", "x", today() - DAY + 60_000, 99.0)]);
    site.commit_all();
    site.flush().unwrap();
    erase(&mut site, "b");
    check_none_is_made_up(&site);
    check_nothing_is_left(site);
}

/// What is erased while hours of it are still to be made is never in them.
#[test]
fn hours_are_made_without_what_is_erased() {
    let mut site = closed();
    erase(&mut site, "b");
    assert_eq!(site.summarise(1).unwrap(), 1);
    check_has_none_of(&site, "b");
    check_nothing_is_left(site);
}

/// A device that speaks again has hours of its own.
#[test]
fn hours_of_a_device_that_speaks_again_are_those_of_the_new_one() {
    let mut site = with_hours();
    erase(&mut site, "b");
    site.write(rows(today() - DAY).split_off(200));
    site.commit_all();
    site.flush().unwrap();
    site.merge(48).unwrap();
    site.merge(80).unwrap();
    while site.summarise(80).unwrap() > 0 {}
    assert_eq!(check(&site), 2);
    check_nothing_is_left(site);
}

/// A day whose readings left, one that is closed, and rows in memory.
fn wished() -> Site {
    let mut site = Site::new();
    for day in [2, 1] {
        site.write(rows(today() - day * DAY));
        site.commit_all();
        site.flush().unwrap();
    }
    site.write(rows(today()));
    site.commit_all();
    while site.merge(1).unwrap() > 0 {}
    while site.summarise(1).unwrap() > 0 {}
    let mut site = reopened(&site, keeping(1, None));
    site.merge(4).unwrap();
    assert_eq!(states(&site), [Some(DayHours::Left), Some(DayHours::Usable)]);
    erase(&mut site, "b");
    site
}

fn bring_through(site: &mut Site) -> Option<()> {
    site.flush().ok()?;
    for _ in 0..4 {
        site.merge(4).ok()?;
        site.summarise(4).ok()?;
    }
    Some(())
}

/// Cuts the power at every change.
#[test]
fn a_power_cut_leaves_no_hours_of_what_was_erased() {
    let mut whole = wished();
    let before = whole.storage.calls();
    bring_through(&mut whole).unwrap();
    assert_eq!(whole.reader.erasures(), []);
    let calls = whole.storage.calls() - before;
    let expected = all_hours(&whole);
    for call in 0..calls {
        for unsynced in [Unsynced::Lost, Unsynced::NamesOnly, Unsynced::Kept] {
            let mut site = wished();
            let (storage, journal) = (site.storage.clone(), site.journal.clone());
            storage.fail_at(storage.calls() + call, Fault::PowerCut);
            bring_through(&mut site);
            drop(site);
            storage.crash(unsynced);
            let mut site = Site::open_with(keeping(1, None), storage, journal).unwrap();
            check_has_none_of(&site, "b");
            bring_through(&mut site).unwrap();
            assert_eq!(site.reader.erasures(), [], "call {call}");
            assert_eq!(all_hours(&site), expected, "call {call}");
        }
    }
}
