use super::Tally;

#[track_caller]
fn check(arrivals: &[u64], sent: u64, lost: u64, duplicated: u64, reordered: u64) {
    let mut tally = Tally::default();
    arrivals.iter().for_each(|sequence| tally.take(*sequence));
    assert_eq!(
        (tally.lost(sent), tally.duplicated, tally.reordered),
        (lost, duplicated, reordered)
    );
}

#[test]
fn what_comes_in_order_once_is_right() {
    check(&[0, 1, 2, 3], 4, 0, 0, 0);
}

#[test]
fn a_hole_is_lost_and_its_late_filling_is_reordered() {
    check(&[0, 1, 3], 4, 1, 0, 0);
    check(&[0, 1, 3, 2], 4, 0, 0, 1);
}

#[test]
fn what_comes_again_is_doubled_and_hides_no_loss() {
    check(&[0, 1, 1, 1], 4, 2, 2, 0);
    check(&[200, 200], 201, 200, 1, 0);
}

#[test]
fn the_end_that_never_came_is_lost() {
    check(&[], 70, 70, 0, 0);
}
