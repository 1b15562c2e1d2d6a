//! The statements of one store, from its file in `bench/tsbs`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::super::stores::{Question, Store};
use super::draws::Draw;
use crate::step;

/// In the order in which the suite lists them.
pub(super) const NAMES: [&str; 13] = [
    "last-loc",
    "single-last-loc",
    "low-fuel",
    "high-load",
    "stationary-trucks",
    "long-driving-sessions",
    "long-daily-sessions",
    "avg-vs-projected-fuel-consumption",
    "avg-daily-driving-duration",
    "avg-daily-driving-session",
    "avg-load",
    "daily-activity",
    "breakdown-frequency",
];

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
pub(super) struct Queries(BTreeMap<String, Query>);

impl Queries {
    pub(super) fn read(store: Store) -> Result<Self> {
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
        let path = step::root()?.join("bench/tsbs").join(file);
        let text = std::fs::read_to_string(&path)?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut all = BTreeMap::new();
        let mut query = None;
        for line in text.lines() {
            if let Some(name) = line.strip_prefix(NAME) {
                query = Some(all.entry(name.trim().to_owned()).or_insert_with(Query::default));
            } else if let Some(query) = query.as_mut() {
                if let Some(row) = line.strip_prefix(ROW) {
                    query.row = row.split(',').map(|word| word.trim().to_owned()).collect();
                } else if let Some(at) = line.strip_prefix(AT) {
                    at.trim().clone_into(&mut query.at);
                } else {
                    query.text.push_str(line);
                    query.text.push('\n');
                }
            }
        }
        Self(all)
    }

    /// `None` for what this store cannot say.
    pub(super) fn question(&self, name: &str, draw: &Draw) -> Option<Question> {
        let query = self.0.get(name)?;
        let at = if query.at.is_empty() { draw.end_s().to_string() } else { query.at.clone() };
        let at = draw.fill(&at.replace("{to}", "{to_s}"));
        Some(Question { text: draw.fill(query.text.trim()), row: query.row.clone(), at })
    }
}

/// How long the window of a query is, and whether it depends on chance at all.
pub(super) fn window_s(name: &str) -> i64 {
    match name {
        "long-driving-sessions" => 4 * 3_600,
        "long-daily-sessions" => 24 * 3_600,
        _ => 600,
    }
}

/// Whether a query asks for something else each time.
pub(super) fn is_drawn(name: &str) -> Result<bool> {
    let place = NAMES.iter().position(|it| *it == name);
    Ok(place.with_context(|| format!("{name} is no query of the suite"))? < 7)
}

#[cfg(test)]
mod tests;
