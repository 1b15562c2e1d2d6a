use super::{Scope, judge};
use crate::torture::Verdict;
use crate::torture::ledger::Ledger;
use crate::torture::readings::{Reading, SIGNALS};
use crate::torture::sql::Row;

const SCOPE: Scope = Scope { devices: 1, first: 0, end: 3, writes: 10 };

fn reading(sequence: u64) -> Reading {
    Reading { device: 0, sequence }
}

/// 0 and 1 are acknowledged, 1 too late to be due; 2 was sent only.
fn ledger() -> Ledger {
    let ledger = Ledger::new(1);
    (0..3).for_each(|sequence| ledger.sent(reading(sequence)));
    ledger.acknowledged(reading(0), 10);
    ledger.acknowledged(reading(1), 11);
    ledger
}

fn rows(sequences: &[u64]) -> Vec<Row> {
    let both = sequences.iter().flat_map(|sequence| {
        SIGNALS.map(|signal| Row {
            reading: Some(reading(*sequence)),
            signal: Some(signal),
            number: Some(reading(*sequence).value(signal)),
        })
    });
    both.collect()
}

#[track_caller]
fn check(rows: &[Row], lost: u64, wrong: u64, doubled: u64) {
    let mut verdict = Verdict::default();
    judge(&ledger(), SCOPE, rows, &mut verdict);
    assert_eq!((verdict.lost, verdict.wrong, verdict.doubled), (lost, wrong, doubled));
    assert_eq!(verdict.judged, 1);
}

#[test]
fn what_is_not_due_may_be_there_or_not() {
    check(&rows(&[0]), 0, 0, 0);
    check(&rows(&[0, 1, 2]), 0, 0, 0);
}

#[test]
fn what_is_due_and_missing_is_lost() {
    check(&rows(&[1, 2]), 1, 0, 0);
    check(&rows(&[0])[1..], 1, 0, 0);
}

#[test]
fn half_a_message_is_wrong_even_if_it_is_not_due() {
    check(&rows(&[0, 2])[..3], 0, 1, 0);
}

#[test]
fn twice_is_doubled() {
    check(&rows(&[0, 0, 1]), 0, 0, 1);
}

#[test]
fn another_value_another_signal_and_what_was_never_sent_are_wrong() {
    let mut other = rows(&[0]);
    other[0].number = Some(4.0);
    check(&other, 1, 1, 0);
    let mut other = rows(&[0, 2]);
    other[2].signal = None;
    other.pop();
    check(&other, 0, 1, 0);
    check(&rows(&[0, 7]), 0, 2, 0);
}
