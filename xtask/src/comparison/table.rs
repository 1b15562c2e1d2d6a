//! Medians and ratios, as a table.

use std::collections::BTreeMap;
use std::fmt;

use bench::{ConnectReport, LoadReport};

use super::figures::median;
use super::peers::Peer;
use super::rows::{Row, Unit};

/// What one measurement came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// Work done per CPU second of the broker; in rows of latency, microseconds.
    pub figure: f64,
    pub per_second: f64,
    /// Microseconds from the moment a message was due to its PUBACK, or to its arrival.
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
    /// Of one core. Near 1, the generator is what was measured.
    pub generator_share: f64,
    pub lost: u64,
    pub duplicated: u64,
    pub reordered: u64,
    pub refused: u64,
    pub memory_bytes: u64,
    /// Median time of a write and sync on the same disk.
    pub disk_us: Option<f64>,
    /// Readings acknowledged that SQL does not have, and readings in SQL that nobody sent.
    pub readings_missing: u64,
    pub readings_extra: u64,
}

impl Outcome {
    #[expect(clippy::cast_precision_loss, reason = "a count of a run is far below 2^53")]
    pub(super) fn load(report: &LoadReport, unit: Unit) -> Self {
        let done = match unit {
            Unit::Delivered | Unit::DeliverTime => report.delivered,
            Unit::Acknowledged | Unit::Connected | Unit::AcknowledgeTime => report.acknowledged,
        } as f64;
        let latency = match unit {
            Unit::Delivered | Unit::DeliverTime => &report.deliver,
            Unit::Acknowledged | Unit::Connected | Unit::AcknowledgeTime => &report.acknowledge,
        };
        let figure = match unit {
            Unit::AcknowledgeTime => latency.p50,
            Unit::DeliverTime => latency.p99,
            Unit::Delivered | Unit::Acknowledged | Unit::Connected => {
                done / report.broker_cpu_seconds
            }
        };
        Self {
            figure,
            per_second: done / report.seconds,
            p50_us: latency.p50,
            p99_us: latency.p99,
            p999_us: latency.p999,
            generator_share: report.generator_cpu_seconds / report.seconds,
            lost: report.lost,
            duplicated: report.duplicated,
            reordered: report.reordered,
            refused: report.refused,
            memory_bytes: report.broker_memory_bytes,
            ..Self::default()
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of a run is far below 2^53")]
    pub(super) fn connects(report: &ConnectReport) -> Self {
        let done = report.connected as f64;
        Self {
            figure: done / report.broker_cpu_seconds,
            per_second: done / report.seconds,
            p50_us: report.connect.p50,
            p99_us: report.connect.p99,
            p999_us: report.connect.p999,
            generator_share: report.generator_cpu_seconds / report.seconds,
            memory_bytes: report.broker_memory_bytes,
            ..Self::default()
        }
    }

    pub(super) fn line(&self, peer: Peer) -> String {
        format!("{:10} {:12.1} {:12.1}/s", peer.name(), self.figure, self.per_second)
    }
}

/// One broker in one row.
#[derive(Debug, Default)]
pub(super) struct Cell {
    pub outcomes: Vec<Outcome>,
    /// Why a round came to nothing.
    pub failures: Vec<String>,
}

impl Cell {
    fn over(&self, part: impl Fn(&Outcome) -> f64) -> f64 {
        median(self.outcomes.iter().map(part).collect())
    }

    fn sum(&self, part: impl Fn(&Outcome) -> u64) -> u64 {
        self.outcomes.iter().map(part).sum()
    }

    fn figure(&self) -> Option<f64> {
        (!self.outcomes.is_empty()).then(|| self.over(|it| it.figure))
    }
}

#[derive(Debug)]
pub(super) struct Table {
    peers: Vec<Peer>,
    /// In the order they were measured.
    rows: Vec<(Row, BTreeMap<Peer, Cell>)>,
}

impl Table {
    pub(super) fn new(peers: &[Peer]) -> Self {
        Self { peers: peers.to_vec(), rows: Vec::new() }
    }

    /// Of the last row, or of a new one.
    pub(super) fn cell(&mut self, row: &Row, peer: Peer) -> &mut Cell {
        let place = match self.rows.last() {
            Some((last, _)) if last.id == row.id => self.rows.len() - 1,
            Some(_) | None => {
                self.rows.push((*row, BTreeMap::new()));
                self.rows.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "the last place of a list that is not empty")]
        self.rows[place].1.entry(peer).or_default()
    }

    pub(super) fn readings_missing(&self) -> u64 {
        let cells = self.rows.iter().flat_map(|(_, cells)| cells.values());
        cells.map(|cell| cell.sum(|it| it.readings_missing + it.readings_extra)).sum()
    }

    pub(super) fn failed(&self, peer: Peer) -> bool {
        self.rows.iter().filter_map(|(_, cells)| cells.get(&peer)).any(|it| !it.failures.is_empty())
    }

    /// What was measured last, so that a long run can be watched.
    pub(super) fn last_row(&self) -> String {
        let mut text = String::new();
        if let Some((row, cells)) = self.rows.last() {
            let written = self.write_row(&mut text, row, cells);
            debug_assert!(written.is_ok(), "a text takes everything");
        }
        text
    }

    fn write_row(
        &self,
        out: &mut impl fmt::Write,
        row: &Row,
        cells: &BTreeMap<Peer, Cell>,
    ) -> fmt::Result {
        writeln!(out, "\n{} ({})", row.name, row.id)?;
        writeln!(
            out,
            "  {:10} {:>12} {:>7} {:>8} {:>11} {:>9} {:>9} {:>9} {:>5} {:>5} {:>5} {:>5} {:>5}",
            "",
            heading(row),
            "ahead",
            "of limit",
            "per s",
            "p50 us",
            "p99 us",
            "p99.9 us",
            "gen",
            "MB",
            "lost",
            "dup",
            "order"
        )?;
        let figure = |peer| cells.get(peer).and_then(Cell::figure);
        let first = self.peers.iter().find_map(figure).unwrap_or(f64::NAN);
        let limit = figure(&Peer::Limit);
        for (peer, cell) in self.peers.iter().filter_map(|peer| cells.get_key_value(peer)) {
            let line = Line { row, peer: *peer, cell, first, limit };
            line.write(out)?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "\nMedians. `ahead`: how many times better the first broker is.")?;
        writeln!(out, "`of limit`: how near a broker comes to a forwarder that decides nothing.")?;
        self.rows.iter().try_for_each(|(row, cells)| self.write_row(out, row, cells))
    }
}

const fn heading(row: &Row) -> &'static str {
    match row.unit {
        Unit::AcknowledgeTime => "PUBACK p50",
        Unit::DeliverTime => "arrival p99",
        Unit::Delivered | Unit::Acknowledged | Unit::Connected => "per CPU s",
    }
}

struct Line<'a> {
    row: &'a Row,
    peer: Peer,
    cell: &'a Cell,
    /// The figures that others are compared with.
    first: f64,
    limit: Option<f64>,
}

impl Line<'_> {
    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let (name, cell) = (self.peer.name(), self.cell);
        if let Some(why) = self.row.excuse(self.peer) {
            return writeln!(out, "  {name:10} not measured: {why}");
        }
        let failures = cell.failures.len();
        if let (Some(figure), failed) = (cell.figure(), cell.failures.first()) {
            self.write_figures(out, figure)?;
            self.write_notes(out, figure)?;
            return match failed {
                Some(why) => writeln!(out, "    failed in {failures} further rounds: {why}"),
                None => Ok(()),
            };
        }
        let why = cell.failures.first().map_or("no round was run", String::as_str);
        writeln!(out, "  {name:10} failed: {why}")
    }

    fn write_figures(&self, out: &mut impl fmt::Write, figure: f64) -> fmt::Result {
        let cell = self.cell;
        let more = self.row.more_is_better();
        let better = |one: f64, other: f64| if more { one / other } else { other / one };
        let limit = self.limit.map_or_else(
            || "-".to_owned(),
            |limit| format!("{:.0} %", 100.0 * better(figure, limit)),
        );
        writeln!(
            out,
            "  {:10} {figure:12.0} {:7.2} {limit:>8} {:11.0} {:9.0} {:9.0} {:9.0} {:5.2} {:5} {:5} {:5} {:5}",
            self.peer.name(),
            better(self.first, figure),
            cell.over(|it| it.per_second),
            cell.over(|it| it.p50_us),
            cell.over(|it| it.p99_us),
            cell.over(|it| it.p999_us),
            cell.over(|it| it.generator_share),
            cell.outcomes.iter().map(|it| it.memory_bytes >> 20).max().unwrap_or(0),
            cell.sum(|it| it.lost),
            cell.sum(|it| it.duplicated),
            cell.sum(|it| it.reordered),
        )
    }

    fn write_notes(&self, out: &mut impl fmt::Write, figure: f64) -> fmt::Result {
        let cell = self.cell;
        let refused = cell.sum(|it| it.refused);
        if refused > 0 {
            writeln!(out, "    refused {refused}")?;
        }
        if let Some(readings) = self.row.readings.filter(|_| self.peer == Peer::Althing) {
            #[expect(clippy::cast_precision_loss, reason = "two readings, not 2^53")]
            let readings = figure * readings as f64;
            writeln!(
                out,
                "    durable and queryable readings per CPU s {readings:.0}; missing in SQL {}, extra {}",
                cell.sum(|it| it.readings_missing),
                cell.sum(|it| it.readings_extra)
            )?;
        }
        if cell.outcomes.iter().any(|it| it.disk_us.is_some()) {
            let disk = cell.over(|it| it.disk_us.unwrap_or(f64::NAN));
            let times = figure / disk;
            writeln!(out, "    write and sync p50 {disk:.0} us, PUBACK is {times:.2} times that")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
