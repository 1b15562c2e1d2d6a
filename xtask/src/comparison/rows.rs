//! The kinds of work that are compared.

use super::Peer;

/// What is counted as work done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Delivered,
    Acknowledged,
    Connected,
    /// Microseconds until half of the PUBACKs came; less is better.
    AcknowledgeTime,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub name: &'static str,
    pub unit: Unit,
    /// For the generator: `bench load`, or `bench connects` if that is the unit.
    pub flags: &'static [&'static str],
    /// SQL has to hold so many readings of each acknowledged message.
    pub readings: Option<u64>,
}

impl Row {
    /// The forwarder knows no topics: whoever subscribed to anything hears everything. And a
    /// connection is no work for it.
    #[must_use]
    pub(super) fn fits(&self, peer: Peer) -> bool {
        let topics = self.flags.iter().any(|flag| flag.starts_with("--groups"));
        peer != Peer::Limit || self.unit != Unit::Connected && !topics
    }

    #[must_use]
    pub(super) fn more_is_better(&self) -> bool {
        self.unit != Unit::AcknowledgeTime
    }
}

/// At QoS 0 nothing limits what is under way but this: enough to keep every broker busy, and
/// little enough that none has to drop.
const QOS_0_WINDOW: &str = "10000";

pub(super) const MQTT: &[Row] = &[
    Row {
        name: "qos 0, 50 to 1",
        unit: Unit::Delivered,
        flags: &["--publishers=50", "--subscribers=1", "--delivery-window", QOS_0_WINDOW],
        readings: None,
    },
    Row {
        name: "qos 1, 50 to 1, window 100",
        unit: Unit::Delivered,
        flags: &["--publishers=50", "--subscribers=1", "--qos=1", "--window=100"],
        readings: None,
    },
    Row {
        name: "qos 1, 100 in, window 50",
        unit: Unit::Acknowledged,
        flags: &["--publishers=100", "--qos=1", "--window=50"],
        readings: None,
    },
    Row {
        name: "qos 0, 1 to 100",
        unit: Unit::Delivered,
        flags: &["--publishers=1", "--subscribers=100", "--delivery-window=1000"],
        readings: None,
    },
    Row {
        name: "qos 1, 100 to 10, window 1",
        unit: Unit::Delivered,
        flags: &["--publishers=100", "--subscribers=10", "--groups=10", "--qos=1", "--window=1"],
        readings: None,
    },
    Row { name: "connects", unit: Unit::Connected, flags: &[], readings: None },
    Row {
        name: "qos 1, one in flight, us",
        unit: Unit::AcknowledgeTime,
        flags: &["--publishers=1", "--qos=1", "--window=1"],
        readings: None,
    },
];

pub(super) const INGEST: &[Row] = &[Row {
    name: "json readings, qos 1, 100 in, window 50",
    unit: Unit::Acknowledged,
    flags: &["--publishers=100", "--qos=1", "--window=50", "--content=reading"],
    readings: Some(2),
}];
