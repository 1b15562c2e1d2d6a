use std::collections::BTreeSet;

use bench::tsbs::Scale;
use clap::ValueEnum as _;

use super::super::super::stores::{Queries, Store};
use super::super::draws::Draw;
use super::{FOLDER, NAMES, is_drawn, window_s};
use crate::dice::Dice;

const SCALE: Scale = Scale { trucks: 10, hours: 48, seed: 1 };

#[test]
fn every_engine_of_sql_has_all_queries_and_no_store_has_others() {
    for store in Store::value_variants() {
        let queries = Queries::read(FOLDER, *store).unwrap();
        let unknown = queries.names().find(|name| !NAMES.contains(name));
        assert_eq!(unknown, None, "{store:?}");
        if !matches!(store, Store::Influx | Store::Victoria) {
            assert_eq!(queries.names().count(), NAMES.len(), "{store:?}");
        }
    }
}

#[test]
fn nothing_is_left_to_fill_in_and_what_is_drawn_is_used() {
    for store in Store::value_variants() {
        let queries = Queries::read(FOLDER, *store).unwrap();
        for name in NAMES {
            let mut dice = Dice::new(1);
            let texts: BTreeSet<String> = (0..50)
                .map(|_| Draw::new(SCALE, window_s(name), &mut dice))
                .filter_map(|draw| Some(queries.question(name, |text| draw.fill(text))?.text))
                .collect();
            let open = |text: &String| text.split('{').skip(1).any(is_blank);
            assert_eq!(texts.iter().find(|text| open(text)), None, "{store:?} {name}");
            if !texts.is_empty() {
                assert_eq!(texts.len() > 1, is_drawn(name).unwrap(), "{store:?} {name}");
            }
        }
    }
}

/// Labels of `MetricsQL` stand in the same brackets, but not alone.
fn is_blank(rest: &str) -> bool {
    rest.split('}').next().is_some_and(|name| name.chars().all(|it| it.is_ascii_lowercase()))
}
