//! The statements that a store is set up with, from its file in a folder of statements.

use std::path::Path;

use anyhow::{Result, ensure};

use super::{Althing, Question, Store};
use crate::step;

/// A statement ends with this. In a file of `PostgreSQL` it also ends lines inside of a statement.
const END: &str = ";\n";

const FILES: &str = "{files}";

/// With blanks filled in, those that are about Althing's files included.
pub(in crate::comparison) fn statements(
    folder: &str,
    store: Store,
    althing: &Althing,
    fill: impl Fn(&str) -> String,
) -> Result<Vec<Question>> {
    let file = format!("{}.setup.sql", store.name());
    let text = std::fs::read_to_string(step::root()?.join("bench").join(folder).join(file))?;
    let mut text = fill(&text);
    if text.contains(FILES) {
        text = with_files(&text, &althing.table(), althing)?;
    }
    if store == Store::Postgres {
        return Ok(vec![Question::of(&text)]);
    }
    Ok(text.split(END).map(str::trim).filter(|it| !it.is_empty()).map(Question::of).collect())
}

/// As a list of texts, or as a pattern where braces stand around.
fn with_files(text: &str, table: &Path, althing: &Althing) -> Result<String> {
    let files = althing.files()?;
    ensure!(!files.is_empty(), "Althing has no files yet");
    let is_pattern = text.contains("{{files}}");
    let name = |path: &str| match is_pattern {
        true => path.to_owned(),
        false => format!("'{}'", table.join(path).display()),
    };
    let names: Vec<String> = files.iter().map(|file| name(&file.path)).collect();
    Ok(text.replace("{table}", &table.display().to_string()).replace(FILES, &names.join(",")))
}
