//! How long queries took, as tables.

use anyhow::{Result, bail, ensure};

use super::super::figures::median;
use super::Store;
use super::rounds::{Cell, Row};

pub(in crate::comparison) fn of_query(row: &Row) -> String {
    let head = format!("\n{} ({} rows in {} answers)", row.name, row.rows, row.draws);
    let differences = row.differences.iter().map(|words| format!("  DIFFERENT: {words}"));
    let first = row.cells.values().find_map(time);
    let cells = row
        .cells
        .iter()
        .map(|(store, cell)| format!("  {:12} {}", store.name(), line(cell, first)));
    std::iter::once(head).chain(differences).chain(cells).collect::<Vec<_>>().join("\n")
}

/// Milliseconds, and those of the store's CPU for each answer.
fn line(cell: &Cell, first: Option<f64>) -> String {
    if cell.cannot {
        return "cannot".to_owned();
    }
    if let Some(fault) = &cell.fault {
        return format!("failed: {fault}");
    }
    let Some(ms) = time(cell) else { return "not measured".to_owned() };
    let slowest = cell.seconds.iter().copied().fold(0.0, f64::max) * 1e3;
    #[expect(clippy::cast_precision_loss, reason = "a count of rounds")]
    let cpu = cell.cpu * 1e3 / cell.seconds.len() as f64;
    let ahead = first.map_or(f64::NAN, |first| ms / first);
    format!("{ms:10.2} ms  ahead {ahead:8.2}  slowest {slowest:10.2} ms  CPU {cpu:10.2} ms")
}

/// The median, in milliseconds.
fn time(cell: &Cell) -> Option<f64> {
    (!cell.seconds.is_empty()).then(|| median(cell.seconds.clone()) * 1e3)
}

fn best(row: &Row, who: impl Fn(Store) -> bool) -> Option<f64> {
    let times = row.cells.iter().filter(|(store, _)| who(**store)).filter_map(|(_, it)| time(it));
    times.min_by(f64::total_cmp)
}

/// All queries, a line each.
pub(in crate::comparison) fn of_all(stores: &[Store], rows: &[Row]) -> String {
    let names: String = stores.iter().map(|store| format!("{:>13}", store.name())).collect();
    let head = format!(
        "\nMedians in ms. How many times faster Althing is than the best of those that read its \
         files (`files`), and of all others (`any`):\n  {:34}{names}    files      any",
        ""
    );
    let lines = rows.iter().map(|row| of_row(stores, row));
    std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
}

fn of_row(stores: &[Store], row: &Row) -> String {
    let words = stores.iter().filter_map(|store| row.cells.get(store)).map(word);
    let words: String = words.map(|word| format!("{word:>13}")).collect();
    let ours = best(row, Store::is_ours);
    let others = [best(row, Store::reads_our_files), best(row, |store| !store.is_ours())];
    let ratios = others.map(|other| match ours.zip(other) {
        Some((ours, other)) => format!("{:9.2}", other / ours),
        None => format!("{:>9}", "-"),
    });
    format!("  {:34}{words}{}", row.name, ratios.concat())
}

fn word(cell: &Cell) -> String {
    match (cell.cannot, &cell.fault, time(cell)) {
        (true, _, _) => "cannot".to_owned(),
        (_, Some(_), _) => "failed".to_owned(),
        (_, _, Some(ms)) => format!("{ms:.2}"),
        (_, _, None) => "-".to_owned(),
    }
}

/// # Errors
/// When answers differ, or Althing failed.
pub(in crate::comparison) fn verdict(rows: &[Row]) -> Result<()> {
    let differences = rows.iter().map(|row| row.differences.len()).sum::<usize>();
    if differences > 0 {
        bail!("{differences} answers differ, so their times mean nothing");
    }
    ensure!(!rows.iter().any(Row::we_failed), "Althing failed in a query");
    Ok(())
}

#[cfg(test)]
mod tests;
