use history::remote::memory::{Bucket, Lost};
use history::storage::memory::{Fault, Memory, Unsynced};
use history::{MergeFault, Scan, Series, SeriesId, Share};
use model::{Position, Timestamp};
use proptest::prelude::*;

use crate::erasures::check_nothing_is_left;
use crate::site::{Record, Said, Seen, Site, erasure, options_with, scan};

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Record>),
    /// Commits this share, in percent, of what is not committed.
    Commit(u64),
    Flush,
    /// Flushes while the change with this number fails.
    FlushFails(u64, Fault),
    /// Merges what is worth it, so many hours later.
    Merge(u64),
    MergeFails(u64, u64, Fault),
    /// Moves what is closed and old enough to the store, so many hours later.
    Move(u64),
    MoveFails(u64, u64, Fault),
    /// The request to the store with this number fails.
    StoreFails(u64, u64, Lost),
    /// Makes the hours that are lacking, so many hours later.
    Summarise(u64),
    SummariseFails(u64, u64, Fault),
    Erase(u8),
    Crash(Unsynced, u64),
    Look {
        series: Option<Vec<u32>>,
        from: Option<i64>,
        to: Option<i64>,
    },
}

/// Two days around midnight, days of a week and of thirteen that are over, and clocks that are wrong.
fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        20 => 1_795_564_790_000..1_795_564_810_000_i64,
        5 => Just(1_795_564_800_000_i64),
        3 => (0..13_i64, 0..3_i64)
            .prop_map(|(week, more)| 1_784_505_600_000 + week * 7 * 86_400_000 + more),
        10 => (0..7_i64, 0..3_i64).prop_map(|(day, more)| 1_793_577_600_000 + day * 86_400_000 + more),
        1 => 0..3_i64,
        1 => 4_091_000_000_000..4_091_000_000_003_i64,
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let said = prop_oneof![
        4 => (0..50_u32).prop_map(|number| Said::Number(f64::from(number) / 2.0)),
        1 => "[a-c]{0,3}".prop_map(Said::Text),
    ];
    (0..3_u8, 0..3_u8, time(), said, 0..3_u16).prop_map(|(device, signal, time, said, quality)| {
        Record { device: format!("d{device}"), signal: format!("s{signal}"), time, said, quality }
    })
}

/// Mostly times that rise, so that not every row is late.
fn records() -> impl Strategy<Value = Vec<Record>> {
    (prop::collection::vec(record(), 0..12), any::<bool>()).prop_map(|(mut records, sorted)| {
        if sorted {
            records.sort_by_key(|record| record.time);
        }
        records
    })
}

fn unsynced() -> impl Strategy<Value = Unsynced> {
    prop_oneof![Just(Unsynced::Lost), Just(Unsynced::NamesOnly), Just(Unsynced::Kept)]
}

/// Now, when no day is over but the one before; and when both are.
fn hours() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(17), Just(48)]
}

fn step() -> impl Strategy<Value = Step> {
    let bound = || prop::option::of(time());
    prop_oneof![
        6 => records().prop_map(Step::Write),
        4 => (0..=100_u64).prop_map(Step::Commit),
        3 => Just(Step::Flush),
        1 => (0..30_u64).prop_map(|call| Step::FlushFails(call, Fault::PowerCut)),
        1 => (0..30_u64).prop_map(|call| Step::FlushFails(call, Fault::Once)),
        2 => hours().prop_map(Step::Merge),
        1 => (hours(), 0..20_u64)
            .prop_map(|(hours, call)| Step::MergeFails(hours, call, Fault::PowerCut)),
        1 => (hours(), 0..20_u64)
            .prop_map(|(hours, call)| Step::MergeFails(hours, call, Fault::Once)),
        2 => hours().prop_map(Step::Move),
        1 => (hours(), 0..12_u64)
            .prop_map(|(hours, call)| Step::MoveFails(hours, call, Fault::PowerCut)),
        1 => (hours(), 0..12_u64)
            .prop_map(|(hours, call)| Step::MoveFails(hours, call, Fault::Once)),
        1 => (hours(), 0..16_u64, prop_oneof![Just(Lost::Request), Just(Lost::Answer)])
            .prop_map(|(hours, call, lost)| Step::StoreFails(hours, call, lost)),
        2 => hours().prop_map(Step::Summarise),
        1 => (hours(), 0..20_u64, prop_oneof![Just(Fault::PowerCut), Just(Fault::Once)])
            .prop_map(|(hours, call, fault)| Step::SummariseFails(hours, call, fault)),
        1 => (0..4_u8).prop_map(Step::Erase),
        1 => (unsynced(), 0..=100_u64).prop_map(|(unsynced, share)| Step::Crash(unsynced, share)),
        4 => (prop::option::of(prop::collection::vec(0..9_u32, 0..4)), bound(), bound())
            .prop_map(|(series, from, to)| Step::Look { series, from, to }),
    ]
}

fn play(site: Site, bucket: &Bucket, step: Step) -> Site {
    let mut site = site;
    let committed = site.horizon.committed().position().get();
    let open = site.end().get() - committed;
    match step {
        Step::Write(records) => site.write(records),
        Step::Commit(share) => site.commit(Position::new(committed + open * share / 100)),
        Step::Flush => {
            site.flush().unwrap();
        }
        Step::FlushFails(call, fault) => {
            site.storage.fail_at(site.storage.calls() + call, fault);
            let is_final = site.flush().is_err_and(|seen| seen.is_final());
            site = after_fault(site, fault, is_final);
        }
        Step::Merge(hours) => {
            site.merge(hours).unwrap();
        }
        Step::MergeFails(hours, call, fault) => {
            site.storage.fail_at(site.storage.calls() + call, fault);
            let merged = site.merge(hours);
            let is_final = matches!(merged, Err(MergeFault::Write(seen)) if seen.is_final());
            site = after_fault(site, fault, is_final);
        }
        Step::Move(hours) => {
            site.move_out(hours).unwrap();
        }
        Step::MoveFails(hours, call, fault) => {
            site.storage.fail_at(site.storage.calls() + call, fault);
            let is_final = site.move_out(hours).is_err_and(|seen| seen.is_final());
            site = after_fault(site, fault, is_final);
        }
        Step::StoreFails(hours, call, lost) => {
            bucket.fail_at(bucket.calls() + call, lost);
            drop(site.move_out(hours));
            bucket.mend();
        }
        Step::Summarise(hours) => {
            site.summarise(hours).unwrap();
        }
        Step::SummariseFails(hours, call, fault) => {
            site.storage.fail_at(site.storage.calls() + call, fault);
            let made = site.summarise(hours);
            let is_final = matches!(made, Err(MergeFault::Write(seen)) if seen.is_final());
            site = after_fault(site, fault, is_final);
        }
        Step::Erase(device) => site.write([erasure(&format!("d{device}"))]),
        Step::Crash(unsynced, share) => {
            let kept = usize::try_from(committed + open * share / 100).unwrap();
            site = site.crash(unsynced, kept).unwrap();
        }
        Step::Look { series, from, to } => look(&site, series.as_deref(), from, to),
    }
    site
}

/// A power cut ends the process even where only a removal met it, whose failure is not told.
fn after_fault(site: Site, fault: Fault, is_final: bool) -> Site {
    if fault == Fault::PowerCut || is_final {
        let kept = site.journal.len();
        return site.crash(Unsynced::Lost, kept).unwrap();
    }
    site.storage.fail_at(u64::MAX, fault);
    site
}

fn look(site: &Site, series: Option<&[u32]>, from: Option<i64>, to: Option<i64>) {
    let view = site.view();
    let known = view.series().into_iter().filter(|it| view.series_by_id(it.id).is_some());
    let known: Vec<Series> = known.collect();
    let wanted = |device: &str, signal: &str| {
        series.is_none_or(|ids| {
            known.iter().any(|entry| {
                ids.contains(&entry.id.get())
                    && *entry.device == *device
                    && *entry.signal == *signal
            })
        })
    };
    let inside = |time: i64| from.is_none_or(|from| from <= time) && to.is_none_or(|to| time < to);
    let mut expected: Seen = site.expected();
    expected.retain(|(device, signal, time), _| wanted(device, signal) && inside(*time));
    let asked = Scan {
        series: series.map(|ids| ids.iter().copied().map(SeriesId::new).collect()),
        from: from.map(Timestamp::from_millis),
        to: to.map(Timestamp::from_millis),
        ..Scan::default()
    };
    assert_eq!(scan(&view, &asked), expected);
    let mut shared = Seen::new();
    for number in 0..3 {
        let share = scan(&view, &Scan { share: Some(Share { number, of: 3 }), ..asked.clone() });
        let rows = shared.len() + share.len();
        shared.extend(share);
        assert_eq!(shared.len(), rows, "shares hold a reading twice");
    }
    assert_eq!(shared, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_view_shows_what_the_journal_says(steps in prop::collection::vec(step(), 1..30)) {
        let bucket = Bucket::default();
        let options = options_with(&bucket, "site");
        let mut site = Site::open_with(options, Memory::default(), Vec::new()).unwrap();
        let erases = steps.iter().any(|step| matches!(step, Step::Erase(_)));
        for step in steps {
            site = play(site, &bucket, step);
            site.check();
            crate::hours::check(&site);
            crate::hours::check_none_is_made_up(&site);
        }
        if erases {
            check_nothing_is_left(site);
        }
    }
}
