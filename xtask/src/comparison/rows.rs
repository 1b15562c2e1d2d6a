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
    /// Microseconds until 99 of 100 messages arrived; less is better.
    DeliverTime,
}

/// How much is asked of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As much as the windows allow.
    Full,
    /// Half of what this very broker did at full pace a moment ago, whether it keeps up or not.
    Half,
    /// Messages a second, likewise.
    Rate(u32),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// For `--rows`.
    pub id: &'static str,
    pub name: &'static str,
    pub unit: Unit,
    /// For the generator: `bench load`, or `bench connects` if that is the unit.
    pub flags: &'static [&'static str],
    /// Given in addition at full pace: what may be under way.
    pub windows: &'static [&'static str],
    pub pace: Pace,
    pub tls: bool,
    /// SQL has to hold so many readings of each acknowledged message.
    pub readings: Option<u64>,
}

const PLAIN: Row = Row {
    id: "",
    name: "",
    unit: Unit::Delivered,
    flags: &[],
    windows: &[],
    pace: Pace::Full,
    tls: false,
    readings: None,
};

impl Row {
    /// Why a broker is not asked.
    #[must_use]
    pub(super) fn excuse(&self, peer: Peer) -> Option<&'static str> {
        let shared = self.flags.contains(&"--listening=shared");
        match peer {
            Peer::Limit if self.tls => Some("forwards plain bytes"),
            Peer::Core if self.tls => Some("its example has one plain listener"),
            Peer::Rumqttd if self.tls => Some("builds here without TLS only"),
            Peer::Nanomq if self.tls => Some("builds here without TLS only"),
            Peer::Nats if shared => Some("has no shared subscriptions over MQTT"),
            Peer::Althing
            | Peer::Core
            | Peer::Flashmq
            | Peer::Limit
            | Peer::Mosquitto
            | Peer::Nanomq
            | Peer::Nats
            | Peer::Rumqttd => None,
        }
    }

    #[must_use]
    pub(super) const fn more_is_better(&self) -> bool {
        !matches!(self.unit, Unit::AcknowledgeTime | Unit::DeliverTime)
    }

    /// Whether one of the words that a user gave means this row; without words, every row is.
    #[must_use]
    pub(super) fn is_meant(&self, words: &[String]) -> bool {
        words.is_empty() || words.iter().any(|word| self.id == word || self.name.contains(word))
    }
}

/// At QoS 0 nothing limits what is under way but this: enough to keep every broker busy, and
/// little enough that none has to drop.
const QOS_0_WINDOW: &str = "--delivery-window=10000";

/// The fan-out makes a hundred of each.
const FAN_OUT_WINDOW: &str = "--delivery-window=1000";

pub(super) const MQTT: &[Row] = &[
    Row {
        id: "fan-in-0",
        name: "qos 0, 50 to 1",
        flags: &["--publishers=50", "--subscribers=1"],
        windows: &[QOS_0_WINDOW],
        ..PLAIN
    },
    Row {
        id: "fan-in-0-1k",
        name: "qos 0, 50 to 1, 1 KiB",
        flags: &["--publishers=50", "--subscribers=1", "--payload-bytes=1024"],
        windows: &["--delivery-window=2000"],
        ..PLAIN
    },
    Row {
        id: "fan-in-1",
        name: "qos 1, 50 to 1, window 100",
        flags: &["--publishers=50", "--subscribers=1", "--qos=1", "--window=100"],
        ..PLAIN
    },
    Row {
        id: "in-1",
        name: "qos 1, 100 in, window 50",
        unit: Unit::Acknowledged,
        flags: &["--publishers=100", "--qos=1", "--window=50"],
        ..PLAIN
    },
    Row {
        id: "fan-out-0",
        name: "qos 0, 1 to 100",
        flags: &["--publishers=1", "--subscribers=100"],
        windows: &[FAN_OUT_WINDOW],
        ..PLAIN
    },
    Row {
        id: "fan-out-0-1k",
        name: "qos 0, 1 to 100, 1 KiB",
        flags: &["--publishers=1", "--subscribers=100", "--payload-bytes=1024"],
        windows: &["--delivery-window=200"],
        ..PLAIN
    },
    Row {
        id: "groups-1",
        name: "qos 1, 100 to 10, window 1",
        flags: &["--publishers=100", "--subscribers=10", "--groups=10", "--qos=1", "--window=1"],
        ..PLAIN
    },
    Row {
        id: "topics",
        name: "qos 0, 10,000 topics, a subscriber to each",
        flags: &[
            "--publishers=100",
            "--topics=100",
            "--subscribers=10000",
            "--groups=10000",
            "--listening=exact",
        ],
        windows: &[QOS_0_WINDOW],
        ..PLAIN
    },
    Row {
        id: "wildcard",
        name: "qos 0, 10,000 topics to 1 wildcard, beside 100,000 exact filters",
        flags: &["--publishers=50", "--topics=200", "--subscribers=1", "--bystanders=100000"],
        windows: &[QOS_0_WINDOW],
        ..PLAIN
    },
    Row {
        id: "shared",
        name: "qos 0, 50 to a shared group of 8",
        flags: &["--publishers=50", "--subscribers=8", "--listening=shared"],
        windows: &[QOS_0_WINDOW],
        ..PLAIN
    },
    Row { id: "connects", name: "connects", unit: Unit::Connected, ..PLAIN },
    Row {
        id: "tls-connects",
        name: "TLS connects, whole handshakes",
        unit: Unit::Connected,
        tls: true,
        ..PLAIN
    },
    Row {
        id: "one-in-flight",
        name: "qos 1, one in flight, us",
        unit: Unit::AcknowledgeTime,
        flags: &["--publishers=1", "--qos=1", "--window=1"],
        ..PLAIN
    },
    Row {
        id: "half-0",
        name: "half of its own full load, qos 0, 50 to 1, us",
        unit: Unit::DeliverTime,
        flags: &["--publishers=50", "--subscribers=1"],
        windows: &[QOS_0_WINDOW],
        pace: Pace::Half,
        ..PLAIN
    },
    Row {
        id: "half-1",
        name: "half of its own full load, qos 1, 50 to 1, us",
        unit: Unit::DeliverTime,
        flags: &["--publishers=50", "--subscribers=1", "--qos=1"],
        windows: &["--window=100"],
        pace: Pace::Half,
        ..PLAIN
    },
    Row {
        id: "rate-1",
        name: "20,000 a second, qos 1, 50 to 1, us",
        unit: Unit::DeliverTime,
        flags: &["--publishers=50", "--subscribers=1", "--qos=1"],
        pace: Pace::Rate(20_000),
        ..PLAIN
    },
];

pub(super) const INGEST: &[Row] = &[Row {
    id: "readings",
    name: "json readings, qos 1, 100 in, window 50",
    unit: Unit::Acknowledged,
    flags: &["--publishers=100", "--qos=1", "--window=50", "--content=reading"],
    readings: Some(2),
    ..PLAIN
}];
