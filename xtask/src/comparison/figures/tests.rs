use super::median;

#[test]
fn the_median_of_an_even_number_is_between_the_middle_two() {
    assert!((median(vec![9.0, 1.0, 5.0]) - 5.0).abs() < 1e-12);
    assert!((median(vec![9.0, 1.0, 5.0, 6.0]) - 5.5).abs() < 1e-12);
    assert!(median(vec![]).is_nan());
}
