use history::storage::memory::{Fault, Memory, Unsynced};

use crate::site::{Record, Said, Site, number};

const DAY: i64 = 86_400_000;
const START: i64 = 1_795_500_000_000;

/// Three days, a late reading for each, a text, two series.
fn first() -> Vec<Record> {
    let days = (0..3).map(|day| number("barn", "temperature", START + day * DAY, 20.0));
    let mut records: Vec<Record> = days.collect();
    let said = Said::Text("open".to_owned());
    let (device, signal) = ("barn".to_owned(), "door".to_owned());
    records.push(Record { device, signal, time: START, said, quality: 4 });
    records
}

fn second() -> Vec<Record> {
    let late = (0..3).map(|day| number("barn", "temperature", START + day * DAY, 21.0));
    late.chain([number("barn", "temperature", START + 3 * DAY, 22.0)]).collect()
}

fn flushed_once() -> Site {
    let mut site = Site::new();
    site.write(first());
    site.commit_all();
    assert!(site.flush().unwrap());
    site.write(second());
    site.commit_all();
    site
}

/// Cuts the power at every change of the second flush.
#[test]
fn a_crash_at_any_call_of_a_flush_shows_everything_once() {
    let mut whole = flushed_once();
    let before = whole.storage.calls();
    assert!(whole.flush().unwrap());
    let calls = whole.storage.calls() - before;
    assert!(calls > 20, "files, folders, snapshot, log: {calls} calls");
    let mut resumed = std::collections::BTreeSet::new();
    for call in 0..calls {
        for unsynced in [Unsynced::Lost, Unsynced::NamesOnly, Unsynced::Kept] {
            let mut site = flushed_once();
            site.storage.fail_at(site.storage.calls() + call, Fault::PowerCut);
            let outcome = site.flush();
            let kept = site.journal.len();
            let mut site = site.crash(unsynced, kept).unwrap();
            resumed.insert((outcome.is_ok(), site.resume.position.get()));
            site.check();
            // And the site goes on: with the same rows once more, and a flush of them.
            site.write(first());
            site.commit_all();
            assert!(site.flush().unwrap());
            site.check();
            let kept = site.journal.len();
            site.crash(Unsynced::Lost, kept).unwrap().check();
        }
    }
    assert!(resumed.contains(&(false, 4)) && resumed.contains(&(false, 8)), "{resumed:?}");
}

/// And while the leftovers of a crash are removed.
#[test]
fn a_crash_while_opening_is_harmless() {
    let mut site = flushed_once();
    let before = site.storage.calls();
    site.flush().unwrap();
    let calls = site.storage.calls() - before;
    for cut in 0..calls {
        for opening in 0.. {
            let mut site = flushed_once();
            site.storage.fail_at(site.storage.calls() + cut, Fault::PowerCut);
            drop(site.flush());
            let (storage, journal) = (site.storage.clone(), site.journal.clone());
            storage.crash(Unsynced::Kept);
            storage.fail_at(storage.calls() + opening, Fault::PowerCut);
            let opened = Site::open(storage.clone(), journal.clone());
            let enough = opened.is_ok();
            storage.crash(Unsynced::Lost);
            Site::open(storage, journal).unwrap().check();
            if enough {
                break;
            }
        }
    }
}

#[test]
fn a_full_disk_keeps_rows_in_memory_and_leaves_nothing_behind() {
    let mut whole = flushed_once();
    let before = whole.storage.calls();
    whole.flush().unwrap();
    let calls = whole.storage.calls() - before;
    let mut refused = 0;
    for call in 0..calls {
        let mut site = flushed_once();
        let files = site.storage.files();
        site.storage.fail_at(site.storage.calls() + call, Fault::Once);
        match site.flush() {
            Err(fault) if !fault.is_final() => {
                refused += 1;
                site.check();
                let left = site.storage.files();
                let extra: Vec<_> = left.keys().filter(|name| !files.contains_key(*name)).collect();
                assert_eq!(extra, Vec::<&String>::new(), "call {call}");
                assert!(site.flush().unwrap());
                site.check();
            }
            Ok(_) | Err(_) => {}
        }
    }
    assert!(refused > 15, "{refused} refusals");
}

/// Flips bits all over the files: every scan either fails or shows what was written.
#[test]
fn flipped_bits_are_noticed_or_harmless() {
    let mut site = flushed_once();
    site.flush().unwrap();
    let expected = site.expected();
    let mut noticed = 0;
    for (name, bytes) in site.storage.files() {
        let bits = bytes.len() * 8;
        for bit in (0..bits).step_by(53) {
            site.storage.flip(&name, bit);
            if let Ok(flipped) = Site::open(copy(&site.storage), site.journal.clone()) {
                let rows = flipped.view().scan(&history::Scan::default()).unwrap();
                if rows.collect::<Result<Vec<_>, _>>().is_ok() {
                    let seen = crate::site::scan(&flipped.view(), &history::Scan::default());
                    assert_eq!(seen, expected, "bit {bit} of {name}");
                } else {
                    noticed += 1;
                }
            } else {
                noticed += 1;
            }
            site.storage.flip(&name, bit);
        }
    }
    assert!(noticed > 500, "{noticed} of all flips were noticed");
}

/// A storage of its own with the same files.
fn copy(storage: &Memory) -> Memory {
    let copy = Memory::default();
    for (name, bytes) in storage.files() {
        if let Some((dir, _)) = name.rsplit_once('/') {
            history::storage::Storage::make_dir(&copy, dir).unwrap();
        }
        history::storage::Storage::write(&copy, &name, &bytes).unwrap();
    }
    copy
}
