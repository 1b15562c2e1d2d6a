//! What SQL says of some days, as lines of days.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::Timestamp;

use crate::show::NO_BREAK;
use crate::site::{Cell, SqlAnswer};

/// Some days that follow each other; those of UTC, as in the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    first: Date,
    length: i16,
}

impl Span {
    pub(super) fn up_to(now: Timestamp, length: i16) -> Self {
        let now = jiff::Timestamp::from_microsecond(now.micros()).unwrap_or_default();
        let today = now.to_zoned_datetime(TimeZone::UTC).date();
        let before = jiff::Span::new().days(i64::from(length) - 1);
        Self { first: today.checked_sub(before).unwrap_or(today), length }
    }

    fn dates(self) -> impl Iterator<Item = Date> {
        let next = |day: &Date| day.tomorrow().ok();
        std::iter::successors(Some(self.first), next).take(self.length.unsigned_abs().into())
    }

    /// `24 Nov`
    pub(super) fn days(&self) -> impl Iterator<Item = String> {
        self.dates()
            .map(|day| day.strftime("%-d %b").to_string().replace(' ', &NO_BREAK.to_string()))
    }

    fn place(&self, day: &str) -> Option<usize> {
        self.dates().position(|date| date.to_string() == day)
    }
}

/// What was said of one line on one day, or on all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// `None`: reports by exception.
    pub(super) expected: Option<u64>,
    pub(super) received: u64,
    pub(super) missing: u64,
    pub(super) late: u64,
    pub(super) suspect: u64,
}

impl Said {
    /// How much of what was expected came, rounded down: what lacks one is not whole.
    pub(super) fn percent(&self, expected: u64) -> u64 {
        let came = expected.saturating_sub(self.missing);
        (u128::from(came) * 100 / u128::from(expected.max(1))).try_into().unwrap_or(100)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Of a device or a signal.
    pub(super) name: String,
    pub(super) days: Vec<Option<Said>>,
}

impl Line {
    pub(super) fn sum(&self) -> Said {
        let mut sum = Said::default();
        for day in self.days.iter().flatten() {
            if let Some(expected) = day.expected {
                *sum.expected.get_or_insert(0) += expected;
            }
            sum.received += day.received;
            sum.missing += day.missing;
            sum.late += day.late;
            sum.suspect += day.suspect;
        }
        sum
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Grid {
    pub(super) lines: Vec<Line>,
    /// Lines there are, on all pages.
    pub(super) total: u64,
}

impl Grid {
    /// Rows come line by line.
    pub(super) fn of(answer: &SqlAnswer, span: &Span) -> Self {
        let mut grid = Self::default();
        for row in &answer.rows {
            let [Cell::Text(day), Cell::Text(name), numbers @ ..] = row.as_slice() else {
                continue;
            };
            let number = |place: usize| numbers.get(place).and_then(count);
            if grid.lines.last().is_none_or(|line| line.name != *name) {
                let days = vec![None; span.length.unsigned_abs().into()];
                grid.lines.push(Line { name: name.clone(), days });
            }
            let said = Said {
                expected: number(0),
                received: number(1).unwrap_or(0),
                missing: number(2).unwrap_or(0),
                late: number(3).unwrap_or(0),
                suspect: number(4).unwrap_or(0),
            };
            grid.total = number(5).unwrap_or(0);
            let line = grid.lines.last_mut();
            let place = span.place(day);
            if let Some((line, place)) = line.zip(place)
                && let Some(held) = line.days.get_mut(place)
            {
                *held = Some(said);
            }
        }
        grid
    }
}

fn count(cell: &Cell) -> Option<u64> {
    match cell {
        Cell::Integer(count) => u64::try_from(*count).ok(),
        Cell::Null | Cell::Number(_) | Cell::Bool(_) | Cell::Time(_) | Cell::Text(_) => None,
    }
}

/// One row for each day and line, those with most readings missing first.
pub(super) fn statement(device: &str, span: &Span, (first, lines): (u64, u64)) -> String {
    let last = first.saturating_add(lines);
    let days = days(device, span);
    let lost = format!(
        "SELECT *, sum(coalesce(missing, 0)) OVER (PARTITION BY name) AS lost FROM ({days})"
    );
    let placed =
        format!("SELECT *, dense_rank() OVER (ORDER BY lost DESC, name) AS place FROM ({lost})");
    let counted = format!("SELECT *, max(place) OVER () AS names FROM ({placed})");
    format!(
        "SELECT day, name, expected, received, missing, late, suspect, names FROM ({counted}) \
         WHERE place > {first} AND place <= {last} ORDER BY place, day"
    )
}

fn days(device: &str, span: &Span) -> String {
    let name = if device.is_empty() { "device" } else { "signal" };
    format!(
        "SELECT CAST(day AS VARCHAR) AS day, {name} AS name, sum(expected) AS expected, \
         sum(received) AS received, sum(missing) AS missing, sum(late) AS late, \
         sum(suspect) AS suspect FROM completeness WHERE {} GROUP BY day, {name}",
        condition(device, span)
    )
}

fn condition(device: &str, span: &Span) -> String {
    let since = format!("day >= DATE '{}'", span.first);
    match device {
        "" => since,
        device => format!("{since} AND device = '{}'", device.replace('\'', "''")),
    }
}

/// What a person goes on from.
pub(super) fn plain(device: &str, span: &Span) -> String {
    let condition = condition(device, span);
    format!("SELECT *\nFROM completeness\nWHERE {condition}\nORDER BY missing DESC NULLS LAST, day")
}
