//! Addresses.

use crate::urls;

#[test]
fn a_handle_is_readable_in_its_address() {
    assert_eq!(urls::device("farm/barn 1"), "/devices/farm/barn%201");
    assert_eq!(urls::device("a?b#c"), "/devices/a%3Fb%23c");
}

#[test]
fn a_browser_takes_no_part_of_a_handle_for_a_step() {
    assert_eq!(urls::device("a/../b"), "/devices/a%2F..%2Fb");
    assert_eq!(urls::device("a//b"), "/devices/a%2F%2Fb");
}

#[test]
fn a_query_leaves_out_what_is_empty() {
    assert_eq!(urls::query(&[("text", ""), ("type", "a&b"), ("page", "2")]), "?type=a%26b&page=2");
    assert_eq!(urls::query(&[("text", "")]), "");
}
