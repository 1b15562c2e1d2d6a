use serde_json::{Value, json};

use super::{difference, sorted};

fn rows(text: &Value) -> Vec<Vec<Value>> {
    sorted(serde_json::from_value(text.clone()).unwrap())
}

#[track_caller]
fn check(one: &Value, other: &Value, expected: Option<&str>) {
    assert_eq!(difference(&rows(one), &rows(other)).as_deref(), expected);
}

#[test]
fn the_order_of_rows_and_the_last_digits_of_sums_do_not_count() {
    check(&json!([["b", 2], ["a", 1.0]]), &json!([["a", 1], ["b", 2.000_000_000_1]]), None);
    check(
        &json!([["a", 86_400, 1.5], ["a", 0, 2.5]]),
        &json!([["a", 0.0, 2.5], ["a", 86_400.0, 1.5]]),
        None,
    );
}

#[test]
fn another_number_another_text_and_a_missing_row_are_differences() {
    check(
        &json!([["a", 1.0]]),
        &json!([["a", 1.000_01]]),
        Some("[\"a\",1.0] against [\"a\",1.00001]"),
    );
    check(&json!([["a", null]]), &json!([["a", 0]]), Some("[\"a\",null] against [\"a\",0]"));
    check(
        &json!([["a", 1]]),
        &json!([["a", 1], ["b", 2]]),
        Some("1 rows against 2, such as [\"b\",2]"),
    );
    check(&json!([["a", 1]]), &json!([["a", 1, 2]]), Some("[\"a\",1] against [\"a\",1,2]"));
}
