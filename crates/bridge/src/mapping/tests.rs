//! Names on the other side, and the ways back.

use super::*;

fn route(filter: &str, remove: &str, add: &str) -> Result<Route, MappingFault> {
    Route::new(filter, (remove, add), Qos::AtLeastOnce)
}

fn mapping(lines: &[(&str, &str, &str)]) -> Mapping {
    let route = |(filter, remove, add): &(&str, &str, &str)| route(filter, remove, add).unwrap();
    Mapping::new(lines.iter().map(route).collect()).unwrap()
}

#[test]
fn a_prefix_is_taken_away_and_another_put_there() {
    let barn = route("farm/barn/#", "farm/", "region/north/").unwrap();
    assert_eq!(barn.map("farm/barn/t").as_deref(), Some("region/north/barn/t"));
    let whole = route("a", "a", "b").unwrap();
    assert_eq!(whole.map("a").as_deref(), Some("b"));
    let plain = route("#", "", "").unwrap();
    assert_eq!(plain.map("x/y").as_deref(), Some("x/y"));
}

#[test]
fn a_topic_without_a_name_on_the_other_side_has_none() {
    // The filter a/# also asks for a, which does not begin with a/.
    let under = route("a/#", "a/", "").unwrap();
    assert_eq!(under.map("a"), None);
    assert_eq!(under.map("a/"), None, "nothing is left of it");
    let long = route("#", "", &"x".repeat(65_000)).unwrap();
    assert_eq!(long.map(&"y".repeat(600)), None);
}

#[test]
fn a_line_that_cannot_work_is_refused() {
    assert!(matches!(route("a/#/b", "", ""), Err(MappingFault::Filter { .. })));
    assert!(matches!(route("$share/g/a", "", ""), Err(MappingFault::Shared(_))));
    assert!(matches!(route("a/b", "b", ""), Err(MappingFault::Prefix { .. })));
    assert!(matches!(route("+/b", "+/", ""), Err(MappingFault::Prefix { .. })));
    assert!(matches!(route("a", "", "x/#"), Err(MappingFault::Wildcard(_))));
    assert!(matches!(route("a", "a", ""), Err(MappingFault::Nothing(_))));
    assert_eq!(Route::new("a", ("", ""), Qos::ExactlyOnce), Err(MappingFault::Qos));
}

#[test]
fn two_lines_that_take_the_same_message_are_refused() {
    let lines = |one: &str, two: &str| {
        Mapping::new(vec![route(one, "", "").unwrap(), route(two, "", "").unwrap()])
    };
    for (one, two) in [("a/#", "a/b"), ("+/b", "a/+"), ("#", "x"), ("a/#", "a"), ("a", "a")] {
        assert!(matches!(lines(one, two), Err(MappingFault::Overlap { .. })), "{one} {two}");
    }
    for (one, two) in [("a/+", "a/b/c"), ("a/#", "b/#"), ("a", "a/b"), ("+/x/#", "a/y/#")] {
        assert_eq!(lines(one, two).map(|mapping| mapping.routes().len()), Ok(2), "{one} {two}");
    }
}

#[test]
fn a_message_that_would_come_back_is_seen_after_mapping() {
    let out = mapping(&[("farm/#", "farm/", "region/north/")]);
    let back = mapping(&[("region/+/barn/#", "region/", "")]);
    assert!(out.returns_by(&back).is_some());
    let apart = mapping(&[("region/south/#", "", "")]);
    assert_eq!(out.returns_by(&apart), None);
    let same = mapping(&[("a/#", "", "")]);
    assert!(same.returns_by(&same).is_some());
}
