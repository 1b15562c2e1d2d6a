//! Whether two stores found the same.

use std::cmp::Ordering;

use serde_json::Value;

/// Sums of the same numbers in another order differ by less.
const TOLERANCE: f64 = 1e-9;

/// Rows in an order of their own.
pub(super) fn sorted(mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    rows.sort_by(|one, other| compare(one, other));
    rows
}

fn compare(one: &[Value], other: &[Value]) -> Ordering {
    let texts = |row: &[Value]| -> Vec<String> {
        row.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let numbers =
        |row: &[Value]| -> Vec<f64> { row.iter().filter_map(Value::as_f64).collect::<Vec<_>>() };
    texts(one).cmp(&texts(other)).then_with(|| {
        let pairs = numbers(one).into_iter().zip(numbers(other));
        pairs.map(|(a, b)| a.total_cmp(&b)).find(|it| it.is_ne()).unwrap_or(Ordering::Equal)
    })
}

/// The first difference of two sorted answers, in words.
pub(super) fn difference(one: &[Vec<Value>], other: &[Vec<Value>]) -> Option<String> {
    let unequal = one.iter().zip(other).find(|(a, b)| !same_row(a, b));
    if let Some((a, b)) = unequal {
        return Some(format!("{} against {}", words(a), words(b)));
    }
    let more = one.get(other.len()).or_else(|| other.get(one.len()))?;
    Some(format!("{} rows against {}, such as {}", one.len(), other.len(), words(more)))
}

fn same_row(one: &[Value], other: &[Value]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(a, b))
}

fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1.0),
        _ => one == other,
    }
}

fn words(row: &[Value]) -> String {
    Value::from(row.to_vec()).to_string()
}

#[cfg(test)]
mod tests;
