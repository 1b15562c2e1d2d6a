use super::{Greeting, judge};
use crate::torture::Verdict;
use crate::torture::readings::Standing;

/// Of one device that sent up to 5 and was answered up to 3, and one that was never answered.
#[track_caller]
fn check(found: &[(u32, Option<u64>)], retained_lost: u64, wrong: u64) {
    let due = [Standing { sent: 5, acknowledged: 3 }, Standing { sent: 1, acknowledged: 0 }];
    let heard: Greeting = found.iter().copied().collect();
    let mut verdict = Verdict::default();
    judge(&due, &heard, &mut verdict);
    assert_eq!((verdict.retained_lost, verdict.wrong), (retained_lost, wrong));
    assert_eq!(verdict.retained, 1);
}

#[test]
fn the_last_one_acknowledged_and_any_sent_later_are_fine() {
    check(&[(0, Some(3))], 0, 0);
    check(&[(0, Some(5)), (1, Some(1))], 0, 0);
}

#[test]
fn nothing_and_an_earlier_one_are_lost() {
    check(&[], 1, 0);
    check(&[(0, Some(2))], 1, 0);
}

#[test]
fn what_nobody_sent_is_wrong() {
    check(&[(0, Some(6))], 0, 1);
    check(&[(0, None)], 0, 1);
}
