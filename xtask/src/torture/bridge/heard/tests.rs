use super::*;

/// One publisher, of whose messages the first so many were acknowledged and one more was sent.
#[track_caller]
fn check(acknowledged: u64, came: &[u64], breaks: u64, found: [u64; 3], again: u64) {
    let ledger = Ledger::new(1);
    for sequence in 0..acknowledged {
        ledger.acknowledged(Reading { device: 0, sequence }, 0);
    }
    ledger.sent(Reading { device: 0, sequence: acknowledged });
    let heard = Heard::new(1);
    for sequence in came {
        heard.note(Reading { device: 0, sequence: *sequence });
    }
    let mut verdict = Verdict::default();
    assert_eq!(heard.judge(&ledger, breaks, &mut verdict), again);
    let Verdict { undelivered, wrong, delivered_twice, .. } = verdict;
    assert_eq!([undelivered, wrong, delivered_twice], found, "{verdict}");
}

#[test]
fn everything_acknowledged_has_to_come_in_order() {
    check(4, &[0, 1, 2, 3], 0, [0, 0, 0], 0);
    check(4, &[0, 1, 2, 3, 4], 0, [0, 0, 0], 0);
    check(4, &[0, 1, 3], 0, [1, 0, 0], 0);
    check(4, &[0, 1, 2], 0, [1, 0, 0], 0);
    check(4, &[], 0, [4, 0, 0], 0);
    check(4, &[0, 2, 1, 3], 9, [0, 1, 0], 0);
    check(4, &[0, 1, 2, 3, 5], 0, [0, 1, 0], 0);
}

#[test]
fn before_the_first_that_came_nothing_is_owed() {
    check(4, &[2, 3], 0, [0, 0, 0], 0);
    check(4, &[2], 0, [1, 0, 0], 0);
}

#[test]
fn what_comes_again_needs_a_connection_that_ended() {
    check(4, &[0, 1, 2, 1, 2, 3], 1, [0, 0, 0], 2);
    check(4, &[0, 1, 2, 1, 2, 3], 0, [0, 0, 1], 2);
    check(4, &[0, 0, 1, 1, 2, 3], 1, [0, 0, 1], 2);
}

#[test]
fn waiting_ends_when_all_came_or_nothing_comes() {
    let (ledger, heard) = (Ledger::new(2), Heard::new(2));
    assert!(!heard.wait_for_first(Duration::ZERO));
    for device in 0..2 {
        ledger.acknowledged(Reading { device, sequence: 7 }, 0);
        heard.note(Reading { device, sequence: 7 });
    }
    assert!(heard.wait_for_first(Duration::ZERO));
    // The last one is owed still.
    ledger.acknowledged(Reading { device: 0, sequence: 8 }, 0);
    heard.wait_for_rest(&ledger, Duration::from_millis(1));
    heard.note(Reading { device: 0, sequence: 8 });
    heard.wait_for_rest(&ledger, Duration::from_secs(600));
}
