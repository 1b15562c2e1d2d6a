//! What the broker says of itself under `$SYS`: to those who ask for it by that name, never into
//! the journal. The names are Mosquitto's, where ours mean the same (docs/sys-topics.md).
//!
//! Each shard tells its own sessions, from counters that all shards share, in the same moments.

use std::sync::Arc;
use std::time::Duration;

use hub::{ConnectionKey, Publication};
use model::{Event, Gauge, Moment, Qos, Timestamp, TopicFilter, TopicName};
use mqtt::{Reason, Ticket};

use super::Shard;
use super::outbound::{AtHand, Origin};
use crate::clock::Now;

const ROOT: &str = "$SYS";

/// Counters whose moving averages are told, and the middle of their topics.
const LOADS: [(&str, Event); 7] = [
    ("bytes/received", Event::BytesReceived),
    ("bytes/sent", Event::BytesSent),
    ("messages/received", Event::PacketReceived),
    ("publish/dropped", Event::MessageDropped),
    ("publish/received", Event::MessageReceived),
    ("publish/sent", Event::MessageSent),
    ("sockets", Event::ConnectionOpened),
];

/// Over which the averages go, in minutes.
const SPANS: [u32; 3] = [1, 5, 15];

/// Nobody needs it more often, and timers come round no sooner.
const EVERY_MIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Sys {
    /// How often it is told; zero for never.
    every: Duration,
    due: Moment,
    told: Moment,
    /// When the site began, by the clock of the messages.
    began: Timestamp,
    loads: [Load; LOADS.len()],
}

/// Moving averages of one counter, a minute.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    total: u64,
    by_span: [f64; SPANS.len()],
}

impl Sys {
    pub(super) fn new(every: Duration) -> Self {
        let loads = [Load::default(); LOADS.len()];
        let every = if every.is_zero() { every } else { every.max(EVERY_MIN) };
        let due = Moment::START.saturating_add(every);
        Self { every, due, told: Moment::START, began: Timestamp::EPOCH, loads }
    }

    /// Goes on to the next full interval of the clock, which is the same on all shards. Says which
    /// one has passed; `None` when none has.
    fn pass(&mut self, now: Moment) -> Option<u64> {
        let every = u64::try_from(self.every.as_micros()).unwrap_or(u64::MAX);
        if every == 0 || now < self.due {
            return None;
        }
        let turn = now.micros() / every;
        self.due = Moment::from_micros((turn + 1).saturating_mul(every));
        Some(turn)
    }
}

impl Load {
    fn pass(&mut self, total: u64, elapsed: Duration) {
        let count = total.saturating_sub(std::mem::replace(&mut self.total, total));
        let minutes = elapsed.as_secs_f64() / 60.0;
        let rate = as_number(count) / minutes;
        for (average, span) in self.by_span.iter_mut().zip(SPANS) {
            *average = rate + (*average - rate) * (-minutes / f64::from(span)).exp();
        }
    }
}

/// Whether a topic belongs to the broker, so that no client publishes to it.
pub(super) fn is_own(topic: TopicName<'_>) -> bool {
    is_below_root(topic.as_str())
}

/// Whether only the broker's own messages can match.
pub(super) fn asks_for_own(filter: &TopicFilter) -> bool {
    is_below_root(filter.as_str())
}

fn is_below_root(text: &str) -> bool {
    text.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Shard {
    /// A client published to a topic of the broker. MQTT 3.1.1 has no word for that: with a QoS it
    /// is closed.
    //= mqtt-v5 MQTT-3.3.4-1
    //= mqtt-v311 MQTT-3.3.5-2
    pub(super) fn forbid(&mut self, key: ConnectionKey, ticket: Option<Ticket>, now: Now) {
        self.common.meter.count(Event::MessageForbidden);
        if let Some(ticket) = ticket {
            self.reject(key, ticket, Reason::NotAuthorized, now);
        }
    }

    /// Whether a client wants to leave a message on a topic of the broker.
    pub(super) fn wills_to_broker(&self, key: ConnectionKey) -> bool {
        let connection = self.connections.get(key.0 as usize);
        connection.and_then(|it| it.session.will()).is_some_and(|it| is_own(it.topic.as_name()))
    }

    /// Tells those who listen, if it is time.
    pub(super) fn tell_sys(&mut self, now: Now) {
        self.sys.began = now.timestamp.saturating_sub(now.moment.since(Moment::START));
        let Some(turn) = self.sys.pass(now.moment) else { return };
        let elapsed = now.moment.since(std::mem::replace(&mut self.sys.told, now.moment));
        if !elapsed.is_zero() {
            for (load, (_, event)) in self.sys.loads.iter_mut().zip(LOADS) {
                load.pass(self.common.meter.total(event), elapsed);
            }
        }
        // One look into the cache of routes for each topic, when nobody listens.
        self.each_sys(|shard, topic, value| shard.publish_sys(topic, value, turn));
    }

    /// What a new subscriber is told at once.
    pub(super) fn sys_matching(&mut self, filter: &TopicFilter) -> Vec<Arc<Publication>> {
        let mut found = Vec::new();
        if self.sys.every.is_zero() {
            return found;
        }
        self.each_sys(|shard, topic, value| {
            if filter.matches(topic) {
                found.push(shard.publication(topic, &value(shard)));
            }
        });
        found
    }

    /// Only sessions of this shard: the others have theirs.
    fn publish_sys(&mut self, topic: TopicName<'_>, value: &dyn Fn(&Self) -> String, turn: u64) {
        let matches = self.routes.of(topic);
        if matches.routes.is_empty() && matches.groups.is_empty() {
            return;
        }
        let publication = self.publication(topic, &value(self));
        self.frames.begin();
        let mut message = AtHand::of_publication(&publication, Origin::Retained, None);
        // The same member on all shards.
        let turn = usize::try_from(turn).unwrap_or_default();
        let chosen = matches.groups.iter().filter_map(|group| group.get(turn % group.len().max(1)));
        for route in matches.routes.iter().chain(chosen) {
            if route.session.shard == self.index {
                self.deliver(&mut message, route);
            }
        }
    }

    fn publication(&self, topic: TopicName<'_>, value: &str) -> Arc<Publication> {
        Arc::new(Publication {
            topic: topic.to_buf(),
            payload: value.as_bytes().into(),
            properties: Box::default(),
            // Nobody who is away shall find a thousand of them.
            qos: Qos::AtMostOnce,
            retain: true,
            received_at: self.now,
        })
    }

    /// All topics with their values, in the order of the document.
    fn each_sys(
        &mut self,
        mut tell: impl FnMut(&mut Self, TopicName<'_>, &dyn Fn(&Self) -> String),
    ) {
        for (name, value) in PLAIN {
            let Ok(topic) = TopicName::parse(name) else { continue };
            tell(self, topic, &|shard: &Self| value(shard));
        }
        let mut name = String::new();
        for (index, (middle, _)) in LOADS.iter().enumerate() {
            for (place, span) in SPANS.iter().enumerate() {
                name.clear();
                for part in [ROOT, "/broker/load/", middle, "/", &span.to_string(), "min"] {
                    name.push_str(part);
                }
                let Ok(topic) = TopicName::parse(&name) else { continue };
                tell(self, topic, &|shard: &Self| {
                    let load = shard.sys.loads.get(index).and_then(|it| it.by_span.get(place));
                    format!("{:.2}", load.copied().unwrap_or_default())
                });
            }
        }
    }
}

type Value = fn(&Shard) -> String;

const PLAIN: [(&str, Value); 14] = [
    ("$SYS/broker/version", |_| concat!("althing version ", env!("CARGO_PKG_VERSION")).to_owned()),
    ("$SYS/broker/uptime", |shard| {
        let up = shard.now.micros().saturating_sub(shard.sys.began.micros());
        format!("{} seconds", up / 1_000_000)
    }),
    ("$SYS/broker/clients/total", |shard| level(shard, Gauge::Sessions)),
    ("$SYS/broker/clients/connected", |shard| level(shard, Gauge::Connected)),
    ("$SYS/broker/clients/disconnected", |shard| {
        let meter = &shard.common.meter;
        meter.level(Gauge::Sessions).saturating_sub(meter.level(Gauge::Connected)).to_string()
    }),
    ("$SYS/broker/clients/maximum", |shard| {
        shard.common.meter.highest(Gauge::Connected).to_string()
    }),
    ("$SYS/broker/bytes/received", |shard| total(shard, Event::BytesReceived)),
    ("$SYS/broker/bytes/sent", |shard| total(shard, Event::BytesSent)),
    ("$SYS/broker/messages/received", |shard| total(shard, Event::PacketReceived)),
    ("$SYS/broker/publish/messages/received", |shard| total(shard, Event::MessageReceived)),
    ("$SYS/broker/publish/messages/sent", |shard| total(shard, Event::MessageSent)),
    ("$SYS/broker/publish/messages/dropped", |shard| total(shard, Event::MessageDropped)),
    ("$SYS/broker/retained messages/count", |shard| shard.common.retained.len().to_string()),
    ("$SYS/broker/subscriptions/count", |shard| shard.common.subscriptions.len().to_string()),
];

fn total(shard: &Shard, event: Event) -> String {
    shard.common.meter.total(event).to_string()
}

fn level(shard: &Shard, gauge: Gauge) -> String {
    shard.common.meter.level(gauge).to_string()
}

#[expect(clippy::cast_precision_loss, reason = "no broker counts to 2^53 between two moments")]
fn as_number(count: u64) -> f64 {
    count as f64
}
