//! Quantiles.

use super::*;

#[test]
fn quantiles_are_at_most_a_quarter_off() {
    for micros in [1, 2, 3, 7, 100, 130, 4_000, 999_999] {
        let counters = Counters::default();
        counters.committed(1, Duration::from_micros(micros));
        counters.committed(1, Duration::from_secs(1_000));
        let told = u64::try_from(counters.quantile(50).as_micros()).unwrap();
        assert!(told >= micros && told <= micros + micros / 4 + 1, "{micros} told as {told}");
    }
}

#[test]
fn one_slow_commit_in_a_hundred_is_in_the_tail_only() {
    let counters = Counters::default();
    assert_eq!(counters.quantile(50), Duration::ZERO);
    for _ in 0..99 {
        counters.committed(4_096, Duration::from_micros(100));
    }
    counters.committed(4_096, Duration::from_millis(50));
    assert!(counters.quantile(50) < Duration::from_micros(130));
    assert!(counters.quantile(99) < Duration::from_micros(130));
    assert_eq!(counters.quantile(100), Duration::from_millis(50));
    assert_eq!((counters.frames(), counters.bytes()), (100, 409_600));
}
