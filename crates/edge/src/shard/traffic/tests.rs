//! Rates slide, and silence is no rate.

use super::*;

fn at(seconds: u64) -> Moment {
    Moment::from_micros(seconds * 1_000_000)
}

#[test]
fn a_rate_is_that_of_the_last_seconds_and_fades() {
    let mut counters = Counters::new(at(0));
    for second in 0..20 {
        for _ in 0..5 {
            counters.received(window_of(at(second)));
        }
    }
    let received = |seconds| counters.rate(at(seconds)).received_millis;
    assert_eq!(received(20), 5_000, "five a second");
    assert_eq!(received(25), 2_500, "half of the window is silence");
    assert_eq!(received(30), 0, "and then all of it");
    assert_eq!(counters.rate(at(20)).sent_millis, 0);
    assert_eq!(counters.traffic(7).messages_in, 100);
}

#[test]
fn one_message_in_ten_seconds_is_a_rate_too() {
    let mut counters = Counters::new(at(0));
    counters.sent(window_of(at(1)));
    assert_eq!(counters.rate(at(2)).sent_millis, 100);
}
