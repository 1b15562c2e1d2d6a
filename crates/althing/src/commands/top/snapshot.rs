//! What a site says of itself at one moment: its metrics, and the clients that matter most.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use crate::complaint::{Complaint, Exit};

const PATIENCE: Duration = Duration::from_secs(5);

/// The metrics and two short lists are a few kilobytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Clients in each list: what a screen of 24 lines has room for.
pub(super) const CLIENTS: usize = 6;

/// Where a site is asked.
pub(super) struct Site {
    url: String,
    agent: Agent,
}

pub(super) struct Snapshot {
    metrics: BTreeMap<String, f64>,
    pub(super) busiest: Vec<Value>,
    pub(super) waiting: Vec<Value>,
    pub(super) totals: Value,
}

impl Site {
    pub(super) fn new(url: &str) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .build();
        Self { url: url.to_owned(), agent: config.into() }
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot, Complaint> {
        let metrics = self.get("/metrics")?;
        let list = |order: &str| -> Result<Value, Complaint> {
            let text = self.get(&format!("/api/clients?order={order}&limit={CLIENTS}"))?;
            serde_json::from_str(&text).map_err(|fault| {
                Complaint::from_error(Exit::Failed, &fault).at(&self.url).next("althing doctor")
            })
        };
        let (rate, waiting) = (list("rate")?, list("waiting")?);
        let clients = |list: &Value| list.get("clients").and_then(Value::as_array).cloned();
        Ok(Snapshot {
            metrics: parse(&metrics),
            busiest: clients(&rate).unwrap_or_default(),
            waiting: clients(&waiting).unwrap_or_default(),
            totals: rate.get("totals").cloned().unwrap_or_default(),
        })
    }

    fn get(&self, path: &str) -> Result<String, Complaint> {
        let url = format!("{}{path}", self.url);
        let answer = self.agent.get(&url).call().map_err(|fault| {
            if let ureq::Error::StatusCode(status) = fault {
                let cause = format!("the site answers with status {status}");
                return Complaint::new(Exit::Failed, cause).at(&url).next("althing doctor");
            }
            let cause = format!("no site answers: {fault}");
            Complaint::new(Exit::Unreachable, cause).at(&url).next("althing serve")
        })?;
        let mut text = String::new();
        answer.into_body().into_reader().take(ANSWER_BYTES_MAX).read_to_string(&mut text)?;
        Ok(text)
    }
}

/// Names without `althing_`. A line that is none is skipped: other versions may say more.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("althing_"));
    let pairs = lines.filter_map(|line| {
        let (name, value) = line.split_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    });
    pairs.collect()
}

impl Snapshot {
    /// Zero for what this site does not count.
    pub(super) fn metric(&self, name: &str) -> f64 {
        self.metrics.get(name).copied().unwrap_or_default()
    }

    /// What happened a second, of a counter, since an earlier look. `None` without one, and when the
    /// site was started again in between, which sets its counters back.
    pub(super) fn rate(&self, counter: &str, before: Option<&Self>) -> Option<f64> {
        let before = before?;
        let since = |name: &str| self.metric(name) - before.metric(name);
        let seconds = since("uptime_seconds");
        (seconds > 0.0).then(|| (since(counter) / seconds).max(0.0))
    }

    /// Messages a second as the shards saw the last ones.
    pub(super) fn total(&self, key: &str) -> f64 {
        self.totals.get(key).and_then(Value::as_f64).unwrap_or_default()
    }

    pub(super) fn json(&self) -> String {
        let (busiest, waiting, totals) = (&self.busiest, &self.waiting, &self.totals);
        let metrics = &self.metrics;
        json!({ "metrics": metrics, "totals": totals, "busiest": busiest, "waiting": waiting })
            .to_string()
    }
}

#[cfg(test)]
pub(super) fn invented(metrics: &str, list: &Value) -> Snapshot {
    let clients = list.get("clients").and_then(Value::as_array).cloned().unwrap_or_default();
    let totals = list.get("totals").cloned().unwrap_or_default();
    Snapshot { metrics: parse(metrics), busiest: clients.clone(), waiting: clients, totals }
}
