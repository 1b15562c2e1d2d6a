//! Why a statement gave no answer: what failed, where in its text, what to do.

use datafusion::common::{DataFusionError, SchemaError};

/// Names nearer than this to what was written are offered.
const SIMILAR: f64 = 0.75;

/// Who must act, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The statement is not SQL, or asks for what cannot be done.
    Invalid,
    /// It names a table that is not there.
    NoTable,
    /// It names a column that is not there.
    NoColumn,
    /// It would change something.
    ReadOnly,
    /// It ran longer than statements may.
    Time,
    /// It needs more memory than statements may use.
    Memory,
    /// Too many statements run at once.
    Busy,
    /// It needs what lies in an object store that does not answer.
    Away,
    /// Nothing the author of the statement can do.
    Internal,
}

impl Code {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid | Self::NoTable | Self::NoColumn => "invalid",
            Self::ReadOnly => "read_only",
            Self::Time => "time_limit",
            Self::Memory => "memory_limit",
            Self::Busy => "busy",
            Self::Away => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// A place in the text of a statement, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: u64,
    pub column: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryFault {
    pub code: Code,
    pub message: String,
    pub hint: String,
    pub place: Option<Place>,
}

impl QueryFault {
    pub(crate) fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into(), place: None }
    }

    pub(crate) fn read_only() -> Self {
        Self::new(
            Code::ReadOnly,
            "SQL only reads here. Nothing was changed.",
            "Use SELECT, EXPLAIN, DESCRIBE or SHOW TABLES.",
        )
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            Code::Internal,
            "The statement failed inside Althing. Nothing was changed.",
            "Try it again; the log of the site says what happened.",
        )
    }

    /// Reads what DataFusion says. Faults of the site itself go to the log, not to the author.
    pub(crate) fn of(fault: &DataFusionError, tables: impl FnOnce() -> Vec<String>) -> Self {
        let place = fault
            .diagnostic()
            .and_then(|told| told.span)
            .map(|span| Place { line: span.start.line, column: span.start.column });
        let told = Self::told(fault.find_root(), tables);
        Self { place: told.place.or(place), ..told }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not the author's is the site's")]
    fn told(root: &DataFusionError, tables: impl FnOnce() -> Vec<String>) -> Self {
        match root {
            DataFusionError::SQL(parse, _) => syntax(&parse.to_string()),
            DataFusionError::ResourcesExhausted(_) => Self::new(
                Code::Memory,
                "The statement needs more memory than it may use. Nothing was changed.",
                "Narrow the time or the devices, or group into fewer rows.",
            ),
            DataFusionError::SchemaError(schema, _) => column(schema),
            DataFusionError::Plan(text) => plan(text, tables),
            DataFusionError::NotImplemented(text) => {
                Self::new(Code::Invalid, first_line(text), "This kind of SQL is not supported.")
            }
            DataFusionError::Execution(text) => {
                Self::new(Code::Invalid, first_line(text), "Check the values the statement uses.")
            }
            DataFusionError::ArrowError(arrow, _) => Self::new(
                Code::Invalid,
                first_line(&arrow.to_string()),
                "Check the values and types the statement uses.",
            ),
            DataFusionError::External(inner) if away(&**inner).is_some() => Self::new(
                Code::Away,
                format!("Old readings cannot be had: {}.", away(&**inner).unwrap_or_default()),
                "Ask for newer days, or try again; docs/remote.md tells more.",
            ),
            other => {
                tracing::error!(error = %other, "a statement failed");
                Self::internal()
            }
        }
    }
}

/// What a store says, or why nothing can be asked of it.
fn away(fault: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<String> {
    let fault = fault.downcast_ref::<history::ReadFault>()?;
    fault.away().map(ToString::to_string)
}

fn syntax(text: &str) -> QueryFault {
    let text = text.trim_start_matches("sql parser error: ");
    let (message, place) = match text.rsplit_once(" at Line: ") {
        Some((message, place)) => (message, place_of(place)),
        None => (text, None),
    };
    let hint = "Check the statement there; names with capitals or signs stand in double quotes.";
    QueryFault { place, ..QueryFault::new(Code::Invalid, first_line(message), hint) }
}

fn place_of(text: &str) -> Option<Place> {
    let (line, column) = text.split_once(", Column: ")?;
    Some(Place { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? })
}

fn column(fault: &SchemaError) -> QueryFault {
    match fault {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let names = || valid_fields.iter().map(|column| column.name.clone());
            let hint = match nearest(&field.name, names()) {
                Some(near) => format!("Did you mean \"{near}\"?"),
                None => format!("Columns: {}.", names().take(20).collect::<Vec<_>>().join(", ")),
            };
            QueryFault::new(Code::NoColumn, format!("There is no column \"{}\".", field.name), hint)
        }
        SchemaError::AmbiguousReference { field } => QueryFault::new(
            Code::Invalid,
            format!("The column \"{}\" is in more than one table.", field.name),
            "Write the table in front of it, as in latest.device.",
        ),
        SchemaError::DuplicateQualifiedField { .. }
        | SchemaError::DuplicateUnqualifiedField { .. } => QueryFault::new(
            Code::Invalid,
            first_line(&fault.to_string()),
            "Give each column a name of its own with AS.",
        ),
    }
}

fn plan(text: &str, tables: impl FnOnce() -> Vec<String>) -> QueryFault {
    let missing = text.strip_prefix("table '").and_then(|rest| rest.split_once("' not found"));
    let Some((missing, _)) = missing else {
        return QueryFault::new(Code::Invalid, first_line(text), "Check the statement.");
    };
    let name = missing.rsplit('.').next().unwrap_or(missing);
    let hint = match nearest(name, tables().into_iter()) {
        Some(near) => format!("Did you mean \"{near}\"? SHOW TABLES lists all."),
        None => "SHOW TABLES lists all tables.".to_owned(),
    };
    QueryFault::new(Code::NoTable, format!("There is no table \"{name}\"."), hint)
}

fn nearest(written: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let like = |name: &String| strsim::jaro_winkler(&written.to_lowercase(), &name.to_lowercase());
    let scored = names.map(|name| (like(&name), name));
    let best = scored.max_by(|one, other| one.0.total_cmp(&other.0));
    best.filter(|(score, _)| *score >= SIMILAR).map(|(_, name)| name)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}
