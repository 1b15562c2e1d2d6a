//! What clients of `PostgreSQL` expect: its words for what they set and begin, its way to write
//! some statements, and its catalog of tables.

mod parameters;
mod system;

use std::sync::LazyLock;

use datafusion::common::DataFusionError;
use datafusion::sql::sqlparser::ast::{Set, Statement as Parsed};
use datafusion_pg_catalog::sql::PostgresCompatibilityParser;

use crate::fault::QueryFault;
use crate::statement::shape;
pub(crate) use parameters::parameters;
pub(crate) use system::System;

/// The version of PostgreSQL that clients are told: what the catalog is modelled on.
pub const SERVER_VERSION: &str = "16.6";

/// Rewrites what `DataFusion` would not understand of a client's statements.
static PARSER: LazyLock<PostgresCompatibilityParser> =
    LazyLock::new(PostgresCompatibilityParser::new);

/// A statement that reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    parsed: Box<Parsed>,
    text_bytes: usize,
}

impl Statement {
    pub(crate) const fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    /// Of the text in which it came.
    pub(crate) const fn text_bytes(&self) -> usize {
        self.text_bytes
    }
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Read(Statement),
    /// A setting of its connection.
    Set {
        name: String,
        value: String,
    },
    /// All settings back to what they were.
    Reset,
    Show(String),
    Begin,
    Commit,
    Rollback,
    /// Something that needs nothing done: the word says what.
    Nothing(&'static str),
}

/// The statements of a text. Those that would write are refused.
///
/// # Errors
/// When it is not SQL, or would change something.
pub fn parse(sql: &str) -> Result<Vec<Command>, QueryFault> {
    shape::check(sql)?;
    let fault = |fault| QueryFault::of(&DataFusionError::SQL(Box::new(fault), None), Vec::new);
    let parsed = PARSER.parse(sql).map_err(fault)?;
    parsed.into_iter().map(|statement| command(statement, sql.len())).collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is not named here would write")]
fn command(statement: Parsed, text_bytes: usize) -> Result<Command, QueryFault> {
    Ok(match statement {
        statement if reads(&statement) && !is_setting(&statement) => {
            Command::Read(Statement { parsed: Box::new(statement), text_bytes })
        }
        Parsed::ShowVariable { variable } => {
            let words: Vec<String> =
                variable.iter().map(|part| part.value.to_lowercase()).collect();
            Command::Show(words.join("_"))
        }
        Parsed::Set(set) => set_command(set),
        Parsed::Reset(_) => Command::Reset,
        Parsed::StartTransaction { .. } => Command::Begin,
        Parsed::Commit { .. } => Command::Commit,
        Parsed::Rollback { savepoint: None, .. } => Command::Rollback,
        Parsed::Rollback { .. } => Command::Nothing("ROLLBACK"),
        Parsed::Savepoint { .. } => Command::Nothing("SAVEPOINT"),
        Parsed::ReleaseSavepoint { .. } => Command::Nothing("RELEASE"),
        Parsed::Discard { .. } => Command::Reset,
        Parsed::Deallocate { .. } => Command::Nothing("DEALLOCATE"),
        _ => return Err(QueryFault::read_only()),
    })
}

/// Tables and functions are shown by SQL, everything else is a setting of the connection.
fn is_setting(statement: &Parsed) -> bool {
    matches!(statement, Parsed::ShowVariable { .. })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is not named here changes nothing")]
fn set_command(set: Set) -> Command {
    let text = |value: &dyn ToString| value.to_string().trim_matches(['\'', '"']).to_owned();
    match set {
        Set::SingleAssignment { variable, values, .. } => Command::Set {
            name: variable.to_string().to_lowercase(),
            value: values.iter().map(|value| text(value)).collect::<Vec<_>>().join(", "),
        },
        Set::SetTimeZone { value, .. } => {
            Command::Set { name: "timezone".to_owned(), value: text(&value) }
        }
        Set::SetNames { charset_name, .. } => {
            Command::Set { name: "client_encoding".to_owned(), value: text(&charset_name) }
        }
        // Isolation, roles and what other databases have: every statement sees one moment anyway.
        _ => Command::Nothing("SET"),
    }
}

/// Whether a statement changes nothing.
#[expect(clippy::wildcard_enum_match_arm, reason = "only what is named here reads")]
pub(crate) fn reads(statement: &Parsed) -> bool {
    match statement {
        Parsed::Query(_)
        | Parsed::ExplainTable { .. }
        | Parsed::ShowTables { .. }
        | Parsed::ShowColumns { .. }
        | Parsed::ShowFunctions { .. }
        | Parsed::ShowVariable { .. } => true,
        Parsed::Explain { statement, .. } => reads(statement),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
