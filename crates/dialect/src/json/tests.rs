//! The parser beside serde_json, which is the reference.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::parse::WHOLE_MAX;
use super::*;

/// The tape as a tree, so that it can be compared.
fn tree(item: Item<'_>) -> Json {
    match item.kind() {
        Kind::Null => Json::Null,
        Kind::Boolean => item.boolean().unwrap().into(),
        Kind::Number => item.number().unwrap().into(),
        Kind::Digits => Json::String(format!("digits {}", item.raw())),
        Kind::Text => item.text().unwrap().into(),
        Kind::Array => item.children().map(tree).collect(),
        Kind::Object => item.members().map(|m| (m.key().to_owned(), tree(m))).collect(),
    }
}

/// serde_json's tree with every number a double, as ours has them.
fn expected(json: Json) -> Json {
    match json {
        Json::Number(number) => {
            let whole = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            match whole {
                Some(whole) if whole > WHOLE_MAX => Json::String(format!("digits {number}")),
                _ => number.as_f64().into(),
            }
        }
        Json::Array(items) => items.into_iter().map(expected).collect(),
        Json::Object(members) => members.into_iter().map(|(k, v)| (k, expected(v))).collect(),
        other @ (Json::Null | Json::Bool(_) | Json::String(_)) => other,
    }
}

fn depth(json: &Json) -> usize {
    match json {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Json::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => 0,
    }
}

/// serde_json's doubles are off by some units in the last place now and then, which of the smallest
/// numbers is a large part. That ours are the nearest is another test's.
fn close(a: f64, b: f64) -> bool {
    a.is_sign_negative() == b.is_sign_negative() && a.to_bits().abs_diff(b.to_bits()) <= 16
}

fn same(ours: &Json, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Json::Number(a), Json::Number(b)) => close(a.as_f64().unwrap(), b.as_f64().unwrap()),
        // Whole numbers beyond 64 bits are doubles there; here their digits are kept.
        (Json::String(digits), Json::Number(b)) => {
            let whole = digits.strip_prefix("digits ").and_then(|digits| digits.parse().ok());
            whole.is_some_and(|whole| close(whole, b.as_f64().unwrap()))
        }
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

#[track_caller]
fn check(text: &str) {
    let mut tape = Tape::default();
    let ours = tape.parse(text).map(tree);
    match serde_json::from_str::<Json>(text) {
        Ok(json) if depth(&json) > DEPTH_MAX => assert_eq!(ours, Err(JsonFault::TooDeep), "{text}"),
        // A member that a later one replaces may be the deep one.
        Ok(_) if ours == Err(JsonFault::TooDeep) => assert!(text.len() > 2 * DEPTH_MAX, "{text}"),
        Ok(json) => assert!(same(ours.as_ref().unwrap(), &expected(json)), "{text}"),
        // serde_json calls a number beyond every double an error; for us its digits are a text.
        Err(fault) if fault.to_string().contains("out of range") => {}
        Err(_) => {
            assert!(matches!(ours, Err(JsonFault::Malformed | JsonFault::TooDeep)), "{text}");
        }
    }
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1000_i32..1000, 0_i32..6).prop_map(|(n, e)| (f64::from(n) / 10_f64.powi(e)).into()),
        ".{0,8}".prop_map(Json::from),
    ];
    leaf.prop_recursive(18, 64, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[a-c\\\\\"é]{0,2}", inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

#[test]
fn the_smallest_doubles_are_compared_by_their_last_place() {
    check(r#"[{"":2.58578799893075e-309},5e-324,-0.0]"#);
}

proptest! {
    #[test]
    fn any_document_reads_as_serde_json_reads_it(json in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) };
        check(&text.unwrap());
    }

    #[test]
    fn any_text_is_accepted_exactly_when_serde_json_accepts_it(text in "[\\[\\]{}:,\"\\\\0-9eE+.\\-truefalsn u/]{0,24}") {
        check(&text);
    }

    #[test]
    fn a_document_with_one_changed_byte_too(json in json(), at in any::<prop::sample::Index>(), byte in 0_u8..128) {
        let mut bytes = serde_json::to_vec(&json).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(text) = std::str::from_utf8(&bytes) {
            check(text);
        }
    }

    #[test]
    fn any_number_is_the_nearest_double(text in "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?") {
        let mut tape = Tape::default();
        let item = tape.parse(&text).unwrap();
        let nearest: f64 = text.parse().unwrap();
        prop_assert_eq!(item.node.number.to_bits(), nearest.to_bits());
    }
}

#[test]
fn what_serde_json_refuses_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{\"a\":1,}",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "nul",
        "\"",
        "\"\n\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "[1 2]",
        "{\"a\" 1}",
        "{a:1}",
        "1 1",
        "'a'",
        "NaN",
        "\u{feff}1",
        "\"\\u12\"",
        "[",
        "{\"a\":",
        "truely",
    ] {
        check(text);
        assert!(Tape::default().parse(text).is_err(), "{text}");
    }
}

#[test]
fn of_two_members_with_one_name_the_last_counts() {
    check("{\"a\":{\"x\":1},\"b\":2,\"a\":{\"y\":[1,{\"z\":3}]}}");
    check("{\"a\":1,\"\\u0061\":2}");
}

#[test]
fn whole_numbers_beyond_the_doubles_keep_their_digits() {
    check("[9007199254740992,9007199254740993,-9007199254740993,18446744073709551615]");
    let mut tape = Tape::default();
    let item = tape.parse("123456789012345678901234567890").unwrap();
    assert_eq!((item.kind(), item.raw()), (Kind::Digits, "123456789012345678901234567890"));
    assert_eq!(Tape::default().parse("1e999").unwrap().kind(), Kind::Digits);
}

#[test]
fn sixteen_levels_and_no_more() {
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    check(&nested(DEPTH_MAX));
    assert_eq!(Tape::default().parse(&nested(DEPTH_MAX + 1)).err(), Some(JsonFault::TooDeep));
    assert_eq!(Tape::default().parse(&"[".repeat(1 << 20)).err(), Some(JsonFault::TooDeep));
}

#[test]
fn a_document_beyond_the_tape_is_checked_to_its_end_and_marked_as_cut() {
    let long = format!("[{}1]", "1,".repeat(NODES_MAX));
    let mut tape = Tape::default();
    let item = tape.parse(&long).unwrap();
    assert!(item.is_cut());
    assert_eq!((item.count(), item.children().count()), (NODES_MAX + 1, NODES_MAX - 1));
    assert_eq!(item.raw(), long);
    assert_eq!(Tape::default().parse(&long.replace("1]", "x]")).err(), Some(JsonFault::Malformed));
}
