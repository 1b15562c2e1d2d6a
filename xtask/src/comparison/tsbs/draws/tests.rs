use bench::tsbs::{START_S, Scale};

use super::Draw;
use crate::dice::Dice;

const SCALE: Scale = Scale { trucks: 10, hours: 2, seed: 1 };

#[test]
fn one_seed_draws_the_same_and_another_something_else() {
    let draws = |seed| -> Vec<Draw> {
        let mut dice = Dice::new(seed);
        (0..20).map(|_| Draw::new(SCALE, 600, &mut dice)).collect()
    };
    assert_eq!(draws(1), draws(1));
    assert_ne!(draws(1), draws(2));
}

#[test]
fn a_window_lies_within_what_there_is() {
    let mut dice = Dice::new(3);
    for window in [600, 3_600, 24 * 3_600] {
        for _ in 0..100 {
            let draw = Draw::new(SCALE, window, &mut dice);
            assert!(START_S <= draw.from_s && draw.to_s <= SCALE.end_s(), "{draw:?}");
            assert_eq!(draw.to_s - draw.from_s, window.min(2 * 3_600));
        }
    }
}

#[test]
fn a_text_is_filled() {
    let draw = Draw { fleet: "West", truck: 3, from_s: 0, to_s: 60, end_s: START_S + 3_600 };
    let text = "{fleet} {truck} {from} {to_s} {begin} {end} {all}";
    let filled =
        "West truck_3 1970-01-01T00:00:00Z 60 2016-01-01T00:00:00Z 2016-01-01T01:00:00Z 3601s";
    assert_eq!(draw.fill(text), filled);
}
