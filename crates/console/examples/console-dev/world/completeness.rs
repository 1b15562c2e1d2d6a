//! What SQL says of the days of this world, to the one statement that a page of ours asks.

use std::collections::BTreeMap;
use std::time::Duration;

use console::{Cell, SqlAnswer};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use model::Timestamp;

use super::devices::{Sense, Shape};
use super::{Spec, World};

const DAY_MS: i64 = 86_400_000;

/// Expected, received, late; what is missing follows.
type Counts = (Option<i64>, i64, i64);

impl World {
    pub(super) fn completeness(&self, statement: &str) -> SqlAnswer {
        let after = |text: &str| Some(statement.split_once(text)?.1.split_once('\'')?.0.to_owned());
        let number = |text: &str| -> usize {
            let digits = statement.split_once(text).map_or("", |(_, rest)| rest);
            digits.split(' ').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
        };
        let first = after("DATE '").and_then(|day| day.parse().ok()).unwrap_or(Date::ZERO);
        let mut lines = BTreeMap::<String, Vec<(String, Counts)>>::new();
        match after("device = '") {
            Some(handle) => {
                let spec = self.specs.iter().find(|spec| spec.handle == handle.replace("''", "'"));
                for (spec, sense) in
                    spec.iter().flat_map(|spec| spec.senses.iter().map(move |one| (spec, one)))
                {
                    lines.insert(sense.name.to_owned(), self.days(spec, &[*sense], first));
                }
            }
            None => {
                for spec in &self.specs {
                    lines.insert(spec.handle.clone(), self.days(spec, &spec.senses, first));
                }
            }
        }
        let (from, to) = (number("place > "), number("place <= "));
        let names = i64::try_from(lines.len()).unwrap_or(0);
        let mut lines: Vec<_> = lines.into_iter().collect();
        lines.sort_by_key(|(_, days)| {
            std::cmp::Reverse(days.iter().map(|day| missing(day.1)).sum::<Option<i64>>())
        });
        let shown = lines.iter().skip(from).take(to.saturating_sub(from));
        let rows = shown.flat_map(|(name, days)| days.iter().map(|day| row(name, day, names)));
        SqlAnswer {
            columns: Vec::new(),
            rows: rows.collect(),
            truncated: false,
            took: Duration::from_millis(31),
        }
    }

    fn days(&self, spec: &Spec, senses: &[Sense], first: Date) -> Vec<(String, Counts)> {
        let now = self.time().millis();
        let start = TimeZone::UTC
            .to_timestamp(first.to_datetime(Time::midnight()))
            .map_or(0, |at| at.as_millisecond());
        let last = spec.last().min(self.time()).millis() + 7 * DAY_MS;
        let starts =
            (0..).map(|day| start + day * DAY_MS).take_while(|at| *at <= now && *at <= last);
        let day = |start: i64| {
            let end = (start + DAY_MS).min(now);
            let came = |from: i64, to: i64| {
                let at = |millis| Timestamp::from_millis(millis - 1);
                i64::try_from(spec.reports(at(from), at(to)).count()).unwrap_or(0)
            };
            let regular = senses.iter().filter(|sense| !matches!(sense.shape, Shape::Switch));
            let regular = i64::try_from(regular.count()).unwrap_or(0);
            let all = i64::try_from(senses.len()).unwrap_or(0);
            let expected = (end - start) / spec.every_ms();
            // A gateway kept what one device said on the nights.
            let late =
                if spec.handle.contains("packer") { came(start, start + DAY_MS / 24) } else { 0 };
            let came = came(start, end);
            let date = jiff::Timestamp::from_millisecond(start).unwrap_or_default();
            let counts = ((regular > 0).then_some(expected * regular), came * all, late * all);
            (date.to_zoned_datetime(TimeZone::UTC).date().to_string(), counts)
        };
        starts.map(day).collect()
    }
}

/// Nothing that a page could tell from a rounding.
fn missing((expected, received, _): Counts) -> Option<i64> {
    let lacks = expected? - received;
    Some(if lacks > 8 { lacks } else { 0 })
}

fn row(name: &str, (day, counts): &(String, Counts), names: i64) -> Vec<Cell> {
    let (expected, received, late) = *counts;
    let maybe = |count: Option<i64>| count.map_or(Cell::Null, Cell::Integer);
    let numbers = [
        maybe(expected),
        Cell::Integer(received),
        maybe(missing(*counts)),
        Cell::Integer(late),
        Cell::Integer(0),
        Cell::Integer(names),
    ];
    [Cell::Text(day.clone()), Cell::Text(name.to_owned())].into_iter().chain(numbers).collect()
}
