//! The statements of one store, from its file in a folder of statements.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::{Question, Store};
use crate::step;

const NAME: &str = "-- name: ";
const ROW: &str = "-- row: ";
const AT: &str = "-- at: ";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Query {
    text: String,
    row: Vec<String>,
    at: String,
}

/// By their names. What a store cannot say is not there.
#[derive(Clone, Debug, Default)]
pub(in crate::comparison) struct Queries(BTreeMap<String, Query>);

impl Queries {
    pub(in crate::comparison) fn read(folder: &str, store: Store) -> Result<Self> {
        let file = match store {
            Store::Althing | Store::AlthingPg => "althing.sql",
            Store::DuckdbFiles => "duckdb-files.sql",
            Store::ChdbFiles => "chdb-files.sql",
            Store::Duckdb => "duckdb.sql",
            Store::Chdb => "chdb.sql",
            Store::Postgres => "postgres.sql",
            Store::Influx => "influx.iql",
            Store::Victoria => "victoria.promql",
        };
        let path = step::root()?.join("bench").join(folder).join(file);
        let text = std::fs::read_to_string(&path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut all = BTreeMap::new();
        let mut query = None;
        for line in text.lines() {
            if let Some(name) = line.strip_prefix(NAME) {
                query = Some(all.entry(name.trim().to_owned()).or_insert_with(Query::default));
            } else if let Some(query) = query.as_mut() {
                query.take(line);
            }
        }
        Self(all)
    }

    pub(in crate::comparison) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// With blanks filled in. `None` for what this store cannot say.
    pub(in crate::comparison) fn question(
        &self,
        name: &str,
        fill: impl Fn(&str) -> String,
    ) -> Option<Question> {
        let Query { text, row, at } = self.0.get(name)?;
        Some(Question { text: fill(text.trim()), row: row.clone(), at: fill(at) })
    }
}

impl Query {
    fn take(&mut self, line: &str) {
        if let Some(row) = line.strip_prefix(ROW) {
            self.row = row.split(',').map(|word| word.trim().to_owned()).collect();
        } else if let Some(at) = line.strip_prefix(AT) {
            at.trim().clone_into(&mut self.at);
        } else {
            self.text.push_str(line);
            self.text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests;
