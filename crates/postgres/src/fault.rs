//! Faults as clients of `PostgreSQL` know them.

use pgwire::error::{ErrorInfo, PgWireError};
use query::{Code, QueryFault};

/// `SQLSTATE` of a fault (PostgreSQL, appendix A).
const fn state(code: Code) -> &'static str {
    match code {
        Code::Invalid => "42601",
        Code::NoTable => "42P01",
        Code::NoColumn => "42703",
        Code::ReadOnly => "25006",
        Code::Time => "57014",
        Code::Memory => "53200",
        Code::Busy => "53300",
        Code::Away => "58030",
        Code::Internal => "XX000",
    }
}

/// Within a statement of which `sql` is the text.
pub(crate) fn told(fault: QueryFault, sql: &str) -> PgWireError {
    let position = fault.place.and_then(|place| position(sql, place.line, place.column));
    let mut info = ErrorInfo::new("ERROR".to_owned(), state(fault.code).to_owned(), fault.message);
    info.hint = Some(fault.hint).filter(|hint| !hint.is_empty());
    info.position = position.map(|position| position.to_string());
    PgWireError::UserError(Box::new(info))
}

/// Characters before a place, counted from 1. Lines and columns are counted from 1 as well.
fn position(sql: &str, line: u64, column: u64) -> Option<usize> {
    let skipped = usize::try_from(line.checked_sub(1)?).ok()?;
    let before: usize =
        sql.split_inclusive('\n').take(skipped).map(|line| line.chars().count()).sum();
    Some(before + usize::try_from(column).ok()?)
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn places_are_counted_in_characters() {
        assert_eq!(position("select x", 1, 8), Some(8));
        assert_eq!(position("sélect\nx", 2, 1), Some(8));
        assert_eq!(position("select", 0, 1), None);
    }
}
