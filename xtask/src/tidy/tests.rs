use std::path::PathBuf;

use super::{IGNORED, SLEEP, Source, UNFINISHED, manifest_faults, source_faults, sources};
use crate::step;

#[test]
fn our_files_keep_the_house_rules() {
    let sources = sources(&step::root().unwrap()).unwrap();
    assert!(sources.len() > 50, "the files are not found: {}", sources.len());
    let faults: Vec<String> = sources.iter().flat_map(source_faults).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    assert_eq!(manifest_faults(&step::root().unwrap()).unwrap(), Vec::<String>::new());
}

#[track_caller]
fn check(path: &str, text: &str, faults: usize) {
    let source = Source { path: PathBuf::from(path), text: text.to_owned() };
    let found = source_faults(&source);
    assert_eq!(found.len(), faults, "{found:?}");
}

#[test]
fn each_rule_finds_what_breaks_it() {
    check("crates/a/src/b.rs", "//! Fine.\n", 0);
    check("crates/a/src/b.rs", "fn a() {}\n", 1);
    check("crates/a/src/b.rs", &format!("//! {UNFINISHED}\n"), 1);
    check("crates/a/src/b.rs", &format!("//! Long.\n{}", "\n".repeat(800)), 1);
    check("crates/a/src/b/mod.rs", "//! Misplaced.\n", 1);
    check("crates/a/src/b/tests.rs", &format!("{IGNORED}]\nfn a() {{}}\n"), 1);
    check("crates/a/tests/b.rs", &format!("fn a() {{ {SLEEP}1); }}\n"), 1);
    check("crates/a/src/b.rs", &format!("//! No test.\nfn a() {{ {SLEEP}1); }}\n"), 0);
}
