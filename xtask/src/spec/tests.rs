use std::path::Path;

use expect_test::{Expect, expect};

use super::*;
use crate::tidy::Source;

const LIST: &str = r#"
title = "A standard"
["3.10 LATER"]
"X-3.10.0-1" = { who = "both", level = "MUST", text = "a" }
["3.2 SOONER"]
"X-3.2.0-10" = { who = "client", level = "MUST NOT", text = "b" }
"X-3.2.0-9" = { who = "server", level = "MUST", text = "c" }
"X-3.2.0-11" = { who = "server", level = "MUST", text = "d", exception = "not yet: e" }
"#;

fn source(path: &str, text: &str) -> Source {
    Source { path: Path::new(path).to_owned(), text: text.to_owned() }
}

/// Figures and faults of some files beside the list.
#[track_caller]
fn check(sources: &[(&str, &str)], expected: &Expect) {
    let standards = [Standard::parse("x", LIST).unwrap()];
    let (mut citations, mut faults) = (Vec::new(), Vec::new());
    for (path, text) in sources {
        citations::of_source(&source(path, text), &mut citations, &mut faults);
    }
    let cited = collect(&standards, citations, &mut faults);
    let coverage = Coverage::of(&standards[0], &cited);
    faults.extend(coverage.contradictions());
    faults.extend(coverage.open());
    expected.assert_eq(&format!("{coverage}{}\n", faults.join("\n")));
}

#[test]
fn a_statement_for_servers_is_cited_or_excused() {
    check(
        &[],
        &expect![[r#"
            A standard                    code+test       code       test  exception       open   clients'
            3.2 SOONER                            -          -          -          1          1          1
            3.10 LATER                            -          -          -          -          1          -
            all 4                                 -          -          -          1          2          1
            x is neither cited nor excused: X-3.2.0-9 MUST: c
            x is neither cited nor excused: X-3.10.0-1 MUST: a
        "#]],
    );
    check(
        &[
            ("crates/a/src/b.rs", "    //= x X-3.2.0-9, X-3.10.0-1\n"),
            ("crates/a/src/b/tests.rs", "//= x X-3.2.0-9 test\n"),
        ],
        &expect![[r#"
            A standard                    code+test       code       test  exception       open   clients'
            3.2 SOONER                            1          -          -          1          -          1
            3.10 LATER                            -          1          -          -          -          -
            all 4                                 1          1          -          1          -          1

        "#]],
    );
}

#[test]
fn every_statement_that_servers_have_to_obey_is_cited_or_excused() {
    run(&Plan { check: true, all: false }).unwrap();
}

#[test]
fn a_citation_of_nothing_and_one_of_an_exception_are_faults() {
    let text = "//= x X-9.9.9-9\n//= x X-3.2.0-11\n//= y X-1\n//= rfc1#section-1\n//= x X-3.10.0-1, X-3.2.0-9\n";
    check(
        &[("crates/a/src/b.rs", text)],
        &expect![[r#"
            A standard                    code+test       code       test  exception       open   clients'
            3.2 SOONER                            -          1          -          1          -          1
            3.10 LATER                            -          1          -          -          -          -
            all 4                                 -          2          -          1          -          1
            crates/a/src/b.rs: x has no X-9.9.9-9
            crates/a/src/b.rs: y has no X-1
            x is cited and excused: X-3.2.0-11 MUST: d (not yet: e)
        "#]],
    );
}

#[test]
fn the_word_test_stands_where_tests_are() {
    let inline = "//= x X-3.2.0-9\n#[cfg(test)]\nmod tests {\n    //= x X-3.2.0-9 test\n}\n";
    let (mut citations, mut faults) = (Vec::new(), Vec::new());
    citations::of_source(&source("crates/a/src/b.rs", inline), &mut citations, &mut faults);
    let places: Vec<bool> = citations.iter().map(|citation| citation.in_test).collect();
    assert_eq!((places, faults.len()), (vec![false, true], 0));
    let wrong = "//= x X-3.2.0-9 test\n//= x\n";
    citations::of_source(&source("crates/a/src/b.rs", wrong), &mut citations, &mut faults);
    citations::of_source(&source("crates/a/tests/b.rs", "//= x X-1"), &mut citations, &mut faults);
    assert_eq!(
        faults,
        [
            "crates/a/src/b.rs:1: the word `test` is for tests, and each of them",
            "crates/a/src/b.rs:2: a citation names a statement",
            "crates/a/tests/b.rs:1: the word `test` is for tests, and each of them",
        ]
    );
}
