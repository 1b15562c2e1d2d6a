//! What a run found, as it is printed.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Microseconds from the moment a message was due to the moment its answer was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    pub count: u64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadReport {
    /// Messages written to sockets, the warm-up included.
    pub sent: u64,
    /// PUBACKs that the warm-up did not see, without refusals.
    pub acknowledged: u64,
    /// PUBACKs with a reason that says no.
    pub refused: u64,
    /// All PUBACKs, the warm-up included: what a store must hold in the end.
    pub acknowledged_ever: u64,
    /// Copies that reached subscribers after the warm-up.
    pub delivered: u64,
    /// Copies that never arrived, of the whole run.
    pub lost: u64,
    pub duplicated: u64,
    /// Copies that came after a later one of the same publisher.
    pub reordered: u64,
    /// From the end of the warm-up to the last answer.
    pub seconds: f64,
    /// Of the broker in that time.
    pub broker_cpu_seconds: f64,
    /// Of this program in that time. Near `seconds`, it is the generator that is measured.
    pub generator_cpu_seconds: f64,
    /// Bytes of the broker in memory at the end.
    pub broker_memory_bytes: u64,
    pub acknowledge: Latency,
    pub deliver: Latency,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConnectReport {
    pub connected: u64,
    pub seconds: f64,
    pub broker_cpu_seconds: f64,
    pub generator_cpu_seconds: f64,
    pub broker_memory_bytes: u64,
    pub connect: Latency,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DiskReport {
    pub sync: Latency,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StateReport {
    /// Made, or found there.
    pub count: u64,
    /// That were looked for.
    pub asked: u64,
    pub seconds: f64,
    /// PUBACKs that say no.
    pub refused: u64,
}

/// Collects nanoseconds; 3 digits are kept of each.
#[derive(Debug)]
pub(crate) struct Samples(Histogram<u64>);

/// A minute: a slower answer is counted as this.
const SAMPLE_MAX_NS: u64 = 60_000_000_000;

impl Samples {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, SAMPLE_MAX_NS, 3)?))
    }

    pub(crate) fn record(&mut self, nanos: u64) {
        self.0.saturating_record(nanos);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        // Both have the bounds of `new`, so every value fits.
        self.0 += &other.0;
    }

    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    pub(crate) fn latency(&self) -> Latency {
        let at = |quantile| micros(self.0.value_at_quantile(quantile));
        Latency {
            count: self.0.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: if self.0.is_empty() { 0.0 } else { micros(self.0.max()) },
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a latency needs no 53 bits")]
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ns, 104 days")]
pub(crate) fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
