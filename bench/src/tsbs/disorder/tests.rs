use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::{Entry, Fleet, Scale};
use super::Disorder;

const SCALE: Scale = Scale { trucks: 20, hours: 3, seed: 7 };

fn key(entry: &Entry) -> (u8, i64, u32) {
    (entry.table as u8, entry.time_s, entry.truck)
}

/// How many of all, in parts of a thousand.
fn per_mille(part: usize, all: usize) -> usize {
    part * 1000 / all
}

#[test]
fn as_much_is_lost_and_late_as_the_suite_says() {
    let all = Fleet::new(SCALE).count();
    let rows: Vec<Entry> = Disorder::new(Fleet::new(SCALE), SCALE.seed).collect();
    let share = |what: fn(&Entry) -> bool| {
        per_mille(rows.iter().filter(|row| what(row)).count(), rows.len())
    };
    // 0.9 times 0.99 of them are left.
    assert!((880..=900).contains(&per_mille(rows.len(), all)), "{} of {all}", rows.len());
    assert!((90..=110).contains(&share(|row| row.lost_field.is_some())));
    assert!((7..=13).contains(&share(|row| row.lost_tag.is_some())));
    let place = |row: &Entry| (row.time_s, row.table, row.truck);
    let late = rows.windows(2).filter(|pair| place(&pair[0]) > place(&pair[1])).count();
    assert!((100..=150).contains(&per_mille(late, rows.len())), "{late} came after later ones");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_row_comes_at_most_once_and_as_it_was_said(seed in any::<u64>(), trucks in 1_u32..30) {
        let scale = Scale { trucks, hours: 1, seed };
        let said: Vec<Entry> = Fleet::new(scale).collect();
        let by_key = |key_of: &Entry| said.iter().position(|it| key(it) == key(key_of));
        let mut seen = BTreeSet::new();
        for (count, row) in Disorder::new(Fleet::new(scale), seed).enumerate() {
            prop_assert!(seen.insert(key(&row)));
            if count % 97 == 0 {
                let place = by_key(&row).expect("it was said");
                let whole = Entry { lost_field: None, lost_tag: None, ..row };
                prop_assert_eq!(said[place], whole);
            }
        }
    }

    #[test]
    fn one_seed_is_one_run(seed in any::<u64>()) {
        let scale = Scale { trucks: 3, hours: 1, seed };
        let once: Vec<Entry> = scale.entries().collect();
        prop_assert_eq!(once, scale.entries().collect::<Vec<_>>());
    }
}
