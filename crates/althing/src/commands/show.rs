//! `althing config show`.

use crate::complaint::{Complaint, forgive_closed_pipe};
use crate::config::Loaded;

use super::Context;

/// # Errors
/// When the output cannot be written.
pub(crate) fn run(
    context: &mut Context<'_>,
    loaded: &Loaded,
    origin: bool,
) -> Result<(), Complaint> {
    let rows: Vec<_> = loaded.rows().collect();
    let width = rows.iter().map(|(key, value, _)| key.len() + value.len() + 3).max();
    let written = rows.iter().try_for_each(|(key, value, from)| {
        if context.json {
            let line =
                serde_json::json!({ "key": key, "value": value, "origin": from.to_string() });
            return writeln!(context.out, "{line}");
        }
        let line = format!("{key} = {value}");
        match origin {
            true => writeln!(context.out, "{line:width$}  # {from}", width = width.unwrap_or(0)),
            false => writeln!(context.out, "{line}"),
        }
    });
    written.or_else(forgive_closed_pipe)
}
