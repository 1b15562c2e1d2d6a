use super::{seconds_of, ticks_of};

#[test]
fn a_process_name_with_brackets_does_not_shift_the_fields() {
    let stat = "7 (a ) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 99 1 1\n";
    assert_eq!(ticks_of(stat), Some(300));
}

#[test]
fn our_own_process_has_used_some_finite_time() {
    assert!(seconds_of(std::process::id()).is_ok_and(f64::is_finite));
}
