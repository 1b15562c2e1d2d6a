//! Medians and ratios, as a table.

use std::collections::BTreeMap;
use std::fmt;

use bench::{ConnectReport, LoadReport};

use super::peers::Peer;
use super::rows::{Row, Unit};

/// What one measurement came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// Work done per CPU second of the broker; for the time of an acknowledgement, microseconds.
    pub figure: f64,
    pub per_second: f64,
    /// Microseconds from the moment a message was due to its PUBACK, or to its arrival.
    pub p50_us: f64,
    pub p99_us: f64,
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
            Unit::Delivered => report.delivered,
            Unit::Acknowledged | Unit::Connected | Unit::AcknowledgeTime => report.acknowledged,
        } as f64;
        let latency = if unit == Unit::Delivered { &report.deliver } else { &report.acknowledge };
        let figure = match unit {
            Unit::AcknowledgeTime => latency.p50,
            Unit::Delivered | Unit::Acknowledged | Unit::Connected => {
                done / report.broker_cpu_seconds
            }
        };
        Self {
            figure,
            per_second: done / report.seconds,
            p50_us: latency.p50,
            p99_us: latency.p99,
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
            generator_share: report.generator_cpu_seconds / report.seconds,
            ..Self::default()
        }
    }

    pub(super) fn line(&self, peer: Peer) -> String {
        format!("{:10} {:12.1} {:12.1}/s", peer.name(), self.figure, self.per_second)
    }
}

#[derive(Debug)]
pub(super) struct Table {
    peers: Vec<Peer>,
    /// In the order they were measured.
    rows: Vec<(Row, BTreeMap<Peer, Vec<Outcome>>)>,
}

impl Table {
    pub(super) fn new(peers: &[Peer]) -> Self {
        Self { peers: peers.to_vec(), rows: Vec::new() }
    }

    pub(super) fn add(&mut self, row: &Row, peer: Peer, outcome: Outcome) {
        if self.rows.last().is_none_or(|(last, _)| last.name != row.name) {
            self.rows.push((*row, BTreeMap::new()));
        }
        if let Some((_, outcomes)) = self.rows.last_mut() {
            outcomes.entry(peer).or_default().push(outcome);
        }
    }

    pub(super) fn readings_missing(&self) -> u64 {
        self.all().map(|outcome| outcome.readings_missing + outcome.readings_extra).sum()
    }

    fn all(&self) -> impl Iterator<Item = &Outcome> {
        self.rows.iter().flat_map(|(_, outcomes)| outcomes.values().flatten())
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let (low, high) = ((figures.len().max(1) - 1) / 2, figures.len() / 2);
    let at = |place: usize| figures.get(place).copied().unwrap_or(f64::NAN);
    f64::midpoint(at(low), at(high))
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "\nMedians; `ahead` is how many times better the first broker is.")?;
        for (row, outcomes) in &self.rows {
            writeln!(out, "\n{}", row.name)?;
            writeln!(
                out,
                "  {:10} {:>12} {:>7} {:>12} {:>10} {:>10} {:>6} {:>5} {:>5} {:>5} {:>5}",
                "",
                heading(row),
                "ahead",
                "per s",
                "p50 us",
                "p99 us",
                "gen",
                "MB",
                "lost",
                "dup",
                "order"
            )?;
            let figure = |peer| outcomes.get(peer).map(|all| over(all, |it| it.figure));
            let first = self.peers.iter().find_map(figure).unwrap_or(f64::NAN);
            for (peer, all) in self.peers.iter().filter_map(|peer| outcomes.get_key_value(peer)) {
                write_line(out, row, *peer, all, first)?;
            }
        }
        Ok(())
    }
}

const fn heading(row: &Row) -> &'static str {
    match row.unit {
        Unit::AcknowledgeTime => "PUBACK p50",
        Unit::Delivered | Unit::Acknowledged | Unit::Connected => "per CPU s",
    }
}

fn over(outcomes: &[Outcome], part: impl Fn(&Outcome) -> f64) -> f64 {
    median(outcomes.iter().map(part).collect())
}

fn write_line(
    out: &mut fmt::Formatter<'_>,
    row: &Row,
    peer: Peer,
    all: &[Outcome],
    first: f64,
) -> fmt::Result {
    let figure = over(all, |it| it.figure);
    let ahead = if row.more_is_better() { first / figure } else { figure / first };
    let sum = |part: fn(&Outcome) -> u64| all.iter().map(part).sum::<u64>();
    writeln!(
        out,
        "  {:10} {figure:12.0} {ahead:7.2} {:12.0} {:10.0} {:10.0} {:6.2} {:5} {:5} {:5} {:5}",
        peer.name(),
        over(all, |it| it.per_second),
        over(all, |it| it.p50_us),
        over(all, |it| it.p99_us),
        over(all, |it| it.generator_share),
        all.iter().map(|it| it.memory_bytes >> 20).max().unwrap_or(0),
        sum(|it| it.lost),
        sum(|it| it.duplicated),
        sum(|it| it.reordered),
    )?;
    if sum(|it| it.refused) > 0 {
        writeln!(out, "    refused {}", sum(|it| it.refused))?;
    }
    if let Some(readings) = row.readings.filter(|_| peer == Peer::Althing) {
        #[expect(clippy::cast_precision_loss, reason = "two readings, not 2^53")]
        let readings = figure * readings as f64;
        writeln!(
            out,
            "    durable and queryable readings per CPU s {readings:.0}; missing in SQL {}, extra {}",
            sum(|it| it.readings_missing),
            sum(|it| it.readings_extra)
        )?;
    }
    if all.iter().any(|it| it.disk_us.is_some()) {
        let disk = over(all, |it| it.disk_us.unwrap_or(f64::NAN));
        writeln!(
            out,
            "    write and sync p50 {disk:.0} us, PUBACK is {:.2} times that",
            figure / disk
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
