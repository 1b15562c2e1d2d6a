//! Asks a site in SQL over HTTP, as anybody would.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};

use super::readings::{PREFIX, Reading, Signal};

/// The largest question of the torture takes seconds.
const ANSWER_WAIT: Duration = Duration::from_secs(120);

/// Larger than any answer that is asked for.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// One row as the site has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    pub reading: Option<Reading>,
    pub signal: Option<Signal>,
    pub number: Option<f64>,
}

/// All readings with sequences from `first` to `end`, without `end`.
///
/// # Errors
/// When the site does not answer or refuses.
pub(super) fn rows(site: SocketAddr, epoch_ms: i64, first: u64, end: u64) -> Result<Vec<Row>> {
    let at = |sequence: u64| epoch_ms.saturating_add_unsigned(sequence);
    let (from, to) = (at(first), at(end));
    let statement = format!(
        "SELECT device, signal, CAST(time AS BIGINT) AS ms, number FROM readings \
         WHERE device LIKE '{PREFIX}%' AND time >= to_timestamp_millis({from}) \
         AND time < to_timestamp_millis({to})"
    );
    parse(&ask(site, &statement)?, epoch_ms)
}

/// The readings of one message.
///
/// # Errors
/// When the site does not answer or refuses.
pub(super) fn rows_of(site: SocketAddr, epoch_ms: i64, reading: Reading) -> Result<Vec<Row>> {
    let device = Reading::topic(reading.device);
    let time = epoch_ms.saturating_add_unsigned(reading.sequence);
    let statement = format!(
        "SELECT device, signal, CAST(time AS BIGINT) AS ms, number FROM readings \
         WHERE device = '{device}' AND time = to_timestamp_millis({time})"
    );
    parse(&ask(site, &statement)?, epoch_ms)
}

/// The answer as CSV.
///
/// # Errors
/// When the site does not answer or refuses.
pub(super) fn ask(site: SocketAddr, statement: &str) -> Result<String> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER_WAIT))
        .http_status_as_error(false)
        .build()
        .new_agent();
    let mut answer = agent
        .post(format!("http://{site}/api/sql"))
        .header("content-type", "text/plain")
        .header("accept", "text/csv")
        .send(statement)
        .context("no answer from the site's SQL")?;
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string()?;
    anyhow::ensure!(
        answer.status().is_success(),
        "the site answered {}: {body}\n{statement}",
        answer.status()
    );
    Ok(body)
}

fn parse(answer: &str, epoch_ms: i64) -> Result<Vec<Row>> {
    let mut reader = csv::Reader::from_reader(answer.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let field = |place: usize| record.get(place).context("a row is short");
        let ms: i64 = field(2)?.parse().context("ms is not a whole number")?;
        let device = Reading::device_of(field(0)?);
        let sequence = ms.checked_sub(epoch_ms).and_then(|past| u64::try_from(past).ok());
        rows.push(Row {
            reading: device.zip(sequence).map(|(device, sequence)| Reading { device, sequence }),
            signal: Signal::parse(field(1)?),
            number: field(3)?.parse().ok(),
        });
    }
    Ok(rows)
}

/// All readings of a site.
///
/// # Errors
/// When the site does not answer or refuses.
pub fn count_readings(site: &super::Site) -> Result<u64> {
    let answer = ask(site.http(), "SELECT count(*) AS readings FROM readings")?;
    answer.lines().nth(1).and_then(|line| line.parse().ok()).context("a count is a number")
}
