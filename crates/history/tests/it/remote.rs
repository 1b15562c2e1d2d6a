//! Old days lie in an object store, and nobody sees it.

use std::collections::BTreeSet;
use std::error::Error;

use history::Scan;
use history::remote::MoveFault;
use history::remote::memory::{Bucket, Lost};
use history::storage::memory::{Fault, Memory, Unsynced};

use crate::site::{NOW, Record, Site, number, options_with, scan};

const DAY: i64 = 86_400_000;

/// Hours after `NOW` at which the day before it is old enough, and that of it is not closed.
const LATER: u64 = 15;

/// Two days ago.
fn start() -> i64 {
    NOW.millis().div_euclid(DAY) * DAY - 2 * DAY
}

fn rows(day: i64, value: f64) -> Vec<Record> {
    let devices = ["a", "b", "c"].into_iter();
    let times = move |device| {
        (0..20).map(move |step| number(device, "x", start() + day * DAY + step * 1_000, value))
    };
    devices.flat_map(times).collect()
}

fn flush(site: &mut Site, records: Vec<Record>) {
    site.write(records);
    site.commit_all();
    assert!(site.flush().unwrap());
}

/// Two closed days, and one that is not.
fn closed(bucket: &Bucket) -> Site {
    let options = options_with(bucket, "first");
    let mut site = Site::open_with(options, Memory::default(), Vec::new()).unwrap();
    flush(&mut site, [rows(0, 1.0), rows(1, 2.0), rows(2, 3.0)].concat());
    flush(&mut site, rows(0, 4.0));
    site.merge(0).unwrap();
    site.merge(1).unwrap();
    site
}

fn parts(names: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let parts = names.into_iter().filter(|name| name.ends_with(".parquet"));
    let below = |name: String| name.split_once("readings/").map(|(_, path)| path.to_owned());
    parts.filter(|name| name.contains("/part-")).filter_map(below).collect()
}

fn here(site: &Site) -> BTreeSet<String> {
    parts(site.storage.files().into_keys())
}

fn there(bucket: &Bucket) -> BTreeSet<String> {
    parts(bucket.objects().into_keys())
}

/// The files that the log in the store names, as another program reads it.
fn named(bucket: &Bucket) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let versions = bucket.objects().into_iter().filter(|(key, _)| key.ends_with(".json"));
    for (number, (key, bytes)) in versions.enumerate() {
        assert!(key.ends_with(&format!("/_delta_log/{number:020}.json")), "{key}");
        for line in str::from_utf8(&bytes).unwrap().lines() {
            let action: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(path) = action["add"]["path"].as_str() {
                assert!(named.insert(path.to_owned()), "{path} is named twice");
            }
            if let Some(path) = action["remove"]["path"].as_str() {
                assert!(named.remove(path), "{path} was not named");
            }
        }
    }
    named
}

/// All is told to be where it is, and nothing is left over.
#[track_caller]
fn settled(site: &Site, bucket: &Bucket) {
    site.check();
    assert_eq!(named(bucket), there(bucket));
    let both: Vec<_> = here(site).intersection(&there(bucket)).cloned().collect();
    assert_eq!(both, Vec::<String>::new(), "copies stay here");
    let begun = site.storage.files().contains_key("moving.txt");
    assert!(!begun, "nothing is under way");
}

#[test]
fn a_closed_day_moves_and_reads_as_before() {
    for tells_checksums in [false, true] {
        let bucket = Bucket::default();
        if tells_checksums {
            bucket.tell_checksums();
        }
        let mut site = closed(&bucket);
        let before = here(&site);
        assert_eq!(site.move_out(0).unwrap(), 1, "the other ended less than a day ago");
        settled(&site, &bucket);
        assert_eq!(site.move_out(1).unwrap(), 0);
        assert_eq!(site.move_out(LATER).unwrap(), 1);
        settled(&site, &bucket);
        assert_eq!((before.len(), here(&site).len(), there(&bucket).len()), (3, 1, 2));
        assert!(there(&bucket).is_subset(&before), "files keep their names");
        starts_again(site, &bucket);
    }
}

#[test]
fn a_day_that_is_not_closed_stays() {
    let bucket = Bucket::default();
    let options = options_with(&bucket, "first");
    let mut site = Site::open_with(options, Memory::default(), Vec::new()).unwrap();
    flush(&mut site, rows(0, 1.0));
    assert_eq!(site.move_out(LATER).unwrap(), 0);
    assert_eq!(there(&bucket).len(), 0);
}

/// A copy goes when its time is over and no view reads it.
#[test]
fn a_view_reads_on_while_its_files_move() {
    let bucket = Bucket::default();
    let mut site = closed(&bucket);
    let (view, expected) = (site.view(), site.expected());
    assert_eq!(site.move_out(LATER).unwrap(), 2);
    bucket.go_away();
    assert_eq!(scan(&view, &Scan::default()), expected);
}

#[test]
fn late_rows_replace_what_lies_in_the_store() {
    let bucket = Bucket::default();
    let mut site = closed(&bucket);
    assert_eq!(site.move_out(LATER).unwrap(), 2);
    flush(&mut site, rows(0, 9.0));
    site.check();
    assert_eq!(site.move_out(LATER).unwrap(), 0, "the day is open again");
    let old = there(&bucket);
    assert_eq!(site.merge(LATER).unwrap(), 1);
    site.check();
    assert_eq!(site.move_out(LATER).unwrap(), 1);
    assert_eq!(site.move_out(LATER).unwrap(), 0);
    settled(&site, &bucket);
    assert_eq!(there(&bucket).difference(&old).count(), 1);
    assert_eq!(there(&bucket).len(), 2, "what was replaced is gone");
}

#[test]
fn what_is_too_old_leaves_the_store() {
    let bucket = Bucket::default();
    let mut site = closed(&bucket);
    assert_eq!(site.move_out(LATER).unwrap(), 2);
    let mut options = options_with(&bucket, "first");
    options.keep = Some(std::time::Duration::from_secs(2 * 24 * 3_600));
    let mut site = Site::open_with(options, site.storage, site.journal).unwrap();
    site.merge(LATER).unwrap();
    site.move_out(LATER).unwrap();
    site.move_out(LATER).unwrap();
    assert_eq!((named(&bucket).len(), there(&bucket).len()), (1, 1));
}

/// The causes of a fault, one after the other.
fn told(fault: &dyn Error) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn scan_fault(site: &Site) -> String {
    let view = site.view();
    let fault = view.scan(&Scan::default()).unwrap().find_map(Result::err).unwrap();
    told(&fault)
}

/// Without its store a site starts, takes in, flushes and merges; and what it needs the store for
/// says so.
#[test]
fn a_store_that_is_away_stops_only_what_needs_it() {
    let bucket = Bucket::default();
    let mut site = closed(&bucket);
    assert_eq!(site.move_out(LATER).unwrap(), 2);
    bucket.go_away();
    let kept = site.journal.len();
    let mut site = site.crash(Unsynced::Kept, kept).unwrap();
    let fault = scan_fault(&site);
    assert!(fault.contains("memory://bucket does not answer"), "{fault}");
    let recent =
        Scan { from: Some(model::Timestamp::from_millis(start() + 2 * DAY)), ..Scan::default() };
    assert_eq!(scan(&site.view(), &recent).len(), 60);
    flush(&mut site, [rows(0, 7.0), rows(2, 8.0)].concat());
    let fault = site.merge(LATER).unwrap_err();
    assert!(told(&fault).contains("does not answer"), "{}", told(&fault));
    assert!(matches!(site.move_out(LATER), Err(MoveFault::Store(_))));
    bucket.mend();
    assert_eq!(site.merge(LATER + 1).unwrap(), 1, "it is tried again");
    site.move_out(LATER + 1).unwrap();
    site.move_out(LATER + 1).unwrap();
    site.check();
    settled(&site, &bucket);
}

#[test]
fn a_site_without_its_configuration_says_what_is_missing() {
    let bucket = Bucket::default();
    let mut site = closed(&bucket);
    assert_eq!(site.move_out(LATER).unwrap(), 2);
    let site = Site::open(site.storage, site.journal).unwrap();
    let fault = scan_fault(&site);
    assert!(fault.contains("no [remote] is configured"), "{fault}");
}

#[test]
fn repeated_reads_ask_the_store_once() {
    let bucket = Bucket::default();
    let mut site = closed(&bucket);
    assert_eq!(site.move_out(LATER).unwrap(), 2);
    site.check();
    let before = bucket.calls();
    site.check();
    assert_eq!(bucket.calls(), before);
}

/// Loses the request or its answer at every call to the store, with the power, and without it.
#[test]
fn a_fault_at_any_request_of_a_move_shows_everything_once() {
    let whole = Bucket::default();
    let mut site = late_day(&whole);
    let before = whole.calls();
    site.move_out(LATER).unwrap();
    site.move_out(LATER).unwrap();
    let calls = whole.calls() - before;
    assert!(calls > 8, "objects, versions, removals: {calls} requests");
    for call in 0..calls {
        for lost in [Lost::Request, Lost::Answer] {
            for cut in [None, Some(Unsynced::Lost), Some(Unsynced::Kept)] {
                let bucket = Bucket::default();
                let mut site = late_day(&bucket);
                bucket.fail_at(bucket.calls() + call, lost);
                site.move_out(LATER).and_then(|_| site.move_out(LATER)).unwrap_err();
                bucket.mend();
                site.check();
                let site = match cut {
                    None => site,
                    Some(unsynced) => {
                        let kept = site.journal.len();
                        site.crash(unsynced, kept).unwrap()
                    }
                };
                goes_on(site, &bucket);
            }
        }
    }
}

/// One day in the store, one that was there and has changed, and one that is to go there.
fn late_day(bucket: &Bucket) -> Site {
    let mut site = closed(bucket);
    assert_eq!(site.move_out(0).unwrap(), 1);
    flush(&mut site, rows(0, 9.0));
    assert_eq!(site.merge(1).unwrap(), 1);
    site
}

/// Whatever happened: nothing is missing, nothing comes twice, and it comes to its end.
fn goes_on(mut site: Site, bucket: &Bucket) {
    site.check();
    site.move_out(LATER).unwrap();
    site.check();
    site.move_out(LATER).unwrap();
    settled(&site, bucket);
    assert_eq!((here(&site).len(), there(bucket).len()), (1, 2));
    starts_again(site, bucket);
}

/// A removal that was not synced may be undone by a power cut.
fn starts_again(site: Site, bucket: &Bucket) {
    let kept = site.journal.len();
    let mut site = site.crash(Unsynced::Lost, kept).unwrap();
    site.check();
    assert_eq!(site.move_out(LATER).unwrap(), 0);
    settled(&site, bucket);
}

/// Cuts the power at every change of this disk, and lets a full one refuse every one.
#[test]
fn a_crash_at_any_change_of_a_move_shows_everything_once() {
    let whole = Bucket::default();
    let mut site = late_day(&whole);
    let before = site.storage.calls();
    site.move_out(LATER).unwrap();
    site.move_out(LATER).unwrap();
    let calls = site.storage.calls() - before;
    assert!(calls > 20, "intents, log, removals: {calls} changes");
    let cuts = [Unsynced::Lost, Unsynced::NamesOnly, Unsynced::Kept].map(Some);
    for call in 0..calls {
        for cut in cuts.into_iter().chain([None]) {
            let bucket = Bucket::default();
            let mut site = late_day(&bucket);
            let fault = if cut.is_some() { Fault::PowerCut } else { Fault::Once };
            site.storage.fail_at(site.storage.calls() + call, fault);
            let outcome = site.move_out(LATER).and_then(|_| site.move_out(LATER));
            let in_doubt = outcome.is_err_and(|fault| fault.is_final());
            if cut.is_none() && !in_doubt {
                site.check();
                site.move_out(LATER).unwrap();
                site.check();
            }
            // A copy that could not be removed goes with the next opening.
            let kept = site.journal.len();
            let site = site.crash(cut.unwrap_or(Unsynced::Kept), kept).unwrap();
            goes_on(site, &bucket);
        }
    }
}

/// A merge may take a file whose move had begun: after a crash its object is of no use.
#[test]
fn what_was_sent_in_vain_is_removed() {
    for calls in 0..12 {
        let bucket = Bucket::default();
        let mut site = closed(&bucket);
        bucket.fail_at(bucket.calls() + calls, Lost::Answer);
        drop(site.move_out(0));
        bucket.mend();
        let kept = site.journal.len();
        let mut site = site.crash(Unsynced::Lost, kept).unwrap();
        flush(&mut site, [rows(0, 9.0), rows(1, 9.0)].concat());
        site.merge(1).unwrap();
        goes_on(site, &bucket);
    }
}

#[test]
fn two_sites_do_not_write_one_table() {
    let bucket = Bucket::default();
    let mut first = closed(&bucket);
    assert_eq!(first.move_out(0).unwrap(), 1);
    let objects = bucket.objects();
    let open = |take_over: Option<&str>| {
        let mut options = options_with(&bucket, "second");
        let remote = options.remote.as_mut().unwrap();
        remote.take_over = take_over.map(str::to_owned);
        let mut site = Site::open_with(options, Memory::default(), Vec::new()).unwrap();
        flush(&mut site, [rows(0, 1.0), rows(-5, 5.0)].concat());
        site.merge(1).unwrap();
        site
    };
    for take_over in [None, Some("third")] {
        let mut second = open(take_over);
        let fault = second.move_out(0).unwrap_err();
        assert!(matches!(&fault, MoveFault::Owned { owner, .. } if &**owner == "first"), "{fault}");
        second.check();
    }
    assert_eq!(bucket.objects(), objects, "nothing has changed");
    let mut second = open(Some("first"));
    assert_eq!(second.move_out(0).unwrap(), 2);
    second.check();
    let fault = first.move_out(LATER).unwrap_err();
    assert!(matches!(fault, MoveFault::Overtaken { .. }), "{fault}");
    assert!(matches!(first.move_out(LATER), Err(MoveFault::Overtaken { .. })));
    first.check();
    assert!(named(&bucket).len() > 2, "what the first had moved is left alone");
}

/// Another site's file of the same name, or one that was damaged on its way.
#[test]
fn an_object_that_differs_keeps_the_day_here() {
    let bucket = Bucket::default();
    let mut site = closed(&bucket);
    let first = here(&site).first().cloned().unwrap();
    bucket.put(&format!("main/readings/{first}"), "something else");
    let fault = site.move_out(0).unwrap_err();
    assert!(matches!(fault, MoveFault::Different { .. }), "{fault}");
    site.check();
    assert_eq!(here(&site).len(), 3);
}

#[test]
fn a_file_that_is_damaged_here_stays_and_others_move() {
    let bucket = Bucket::default();
    let mut site = closed(&bucket);
    let first = here(&site).first().cloned().unwrap();
    let name = format!("readings/{first}");
    let end = site.storage.files()[&name].len();
    site.storage.flip(&name, (end - 100) * 8);
    let fault = site.move_out(LATER).unwrap_err();
    assert!(matches!(fault, MoveFault::DamagedHere { .. }), "{fault}");
    assert_eq!(site.move_out(LATER).unwrap(), 1);
    assert!(!there(&bucket).contains(&first));
}

#[test]
fn a_store_that_writes_over_is_refused() {
    let bucket = Bucket::default();
    bucket.be_careless();
    let mut site = closed(&bucket);
    let fault = site.move_out(0).unwrap_err();
    assert!(matches!(fault, MoveFault::Careless { .. }), "{fault}");
    assert_eq!(there(&bucket).len(), 0);
    site.check();
}

/// A hundred versions make a checkpoint in the store, and enough of them one here: both still say
/// where all files are.
#[test]
fn checkpoints_know_what_moved() {
    let bucket = Bucket::default();
    let mut site = closed(&bucket);
    assert_eq!(site.move_out(LATER).unwrap(), 2);
    for round in 0..110 {
        flush(&mut site, vec![number("a", "x", start() + round % 2 * DAY, 20.0)]);
        let hours = LATER + u64::try_from(round).unwrap();
        site.merge(hours).unwrap();
        site.move_out(hours).unwrap();
        site.move_out(hours).unwrap();
    }
    let has = |names: Vec<String>| names.iter().any(|name| name.contains(".checkpoint.parquet"));
    assert!(has(bucket.objects().into_keys().collect()));
    assert!(has(site.storage.files().into_keys().collect()));
    settled(&site, &bucket);
    let kept = site.journal.len();
    let mut site = site.crash(Unsynced::Lost, kept).unwrap();
    flush(&mut site, rows(0, 30.0));
    site.merge(LATER + 300).unwrap();
    site.move_out(LATER + 300).unwrap();
    site.move_out(LATER + 300).unwrap();
    settled(&site, &bucket);
}
