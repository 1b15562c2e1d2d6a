use std::collections::BTreeSet;

use bench::tsbs::Scale;
use clap::ValueEnum as _;

use super::super::draws::Draw;
use super::{NAMES, Queries, Store, is_drawn, window_s};
use crate::dice::Dice;

const SCALE: Scale = Scale { trucks: 10, hours: 48, seed: 1 };

#[test]
fn a_file_is_cut_into_queries_with_what_is_said_of_them() {
    let text = "-- words\n\n-- name: low-fuel\n-- row: name, value\n-- at: {to}\na\n  b\n\n-- name: x\nc\n";
    let queries = Queries::parse(text);
    let draw = Draw::new(SCALE, 600, &mut Dice::new(1));
    let question = queries.question("low-fuel", &draw).unwrap();
    assert_eq!((question.text.as_str(), question.row.len()), ("a\n  b", 2));
    assert_eq!(question.at, draw.fill("{to_s}"));
    assert_eq!(queries.question("x", &draw).unwrap().at, SCALE.end_s().to_string());
    assert!(queries.question("last-loc", &draw).is_none());
}

#[test]
fn every_engine_of_sql_has_all_queries_and_no_store_has_others() {
    for store in Store::value_variants() {
        let queries = Queries::read(*store).unwrap();
        let unknown = queries.0.keys().find(|name| !NAMES.contains(&name.as_str()));
        assert_eq!(unknown, None, "{store:?}");
        if !matches!(store, Store::Influx | Store::Victoria) {
            assert_eq!(queries.0.len(), NAMES.len(), "{store:?}");
        }
    }
}

#[test]
fn nothing_is_left_to_fill_in_and_what_is_drawn_is_used() {
    for store in Store::value_variants() {
        let queries = Queries::read(*store).unwrap();
        for name in NAMES {
            let mut dice = Dice::new(1);
            let texts: BTreeSet<String> = (0..50)
                .map(|_| Draw::new(SCALE, window_s(name), &mut dice))
                .filter_map(|draw| Some(queries.question(name, &draw)?.text))
                .collect();
            let open = |text: &String| text.split('{').skip(1).any(|rest| is_blank(rest));
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
