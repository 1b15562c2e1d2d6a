use super::{Walk, cut};
use crate::dice::Dice;

#[test]
fn numbers_are_cut_toward_zero() {
    let cuts = [(52.318_549, 5), (-3.79, 1), (-0.04, 1), (99.99, 0)].map(|(it, to)| cut(it, to));
    assert_eq!(cuts.map(|cut| cut.to_string()), ["52.31854", "-3.7", "0", "99"]);
}

#[test]
fn a_walk_stays_within_its_bounds_and_reaches_both() {
    let mut dice = Dice::new(1, 1);
    let mut walk = Walk::uniform((-10.0, 10.0), (0.0, 100.0), 0.0);
    let mut seen = (f64::MAX, f64::MIN);
    for _ in 0..10_000 {
        walk.advance(&mut dice);
        seen = (seen.0.min(walk.value), seen.1.max(walk.value));
    }
    assert_eq!(format!("{seen:?}"), "(0.0, 100.0)");
}

#[test]
fn an_empty_tank_is_filled() {
    let mut dice = Dice::new(1, 1);
    let mut tank = Walk { refills: true, ..Walk::uniform((-0.5, -0.3), (0.0, 1.0), 1.0) };
    let mut seen = Vec::new();
    for _ in 0..8 {
        tank.advance(&mut dice);
        seen.push(cut(tank.value, 0).to_string());
    }
    assert!(seen.contains(&"1".to_owned()) && seen.contains(&"0".to_owned()), "{seen:?}");
}
