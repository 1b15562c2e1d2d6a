//! Traces: what one client says and hears, told to an operator. Without one, all this costs is a
//! look at an empty list.
//!
//! What is said is told before it acts. What is heard is told when its bytes are about to be
//! written: packets stand whole in an output, so that a place in it where one ended is remembered.

use hub::ConnectionKey;
use model::census::Unanswered;
use model::trace::{
    self, EVENTS_MAX, FILTERS_MAX, Message, PAYLOAD_BYTES_MAX, SPAN_MAX, Sink, Traced, Tracing,
    What, Wish,
};
use model::{Moment, Timestamp};
use mqtt::{Packet, Publish, VARINT_MAX, Version, decode};

use super::Shard;
use crate::clock::Now;

/// At once, of 5 MB each if nobody reads: 40 MB a shard.
const TRACES_MAX: usize = 8;

/// Connections of one client that are told of at once: the one that is, and those that it took
/// over and that are not closed yet.
const CONNECTIONS_MAX: usize = 4;

#[derive(Debug)]
pub(super) struct Trace {
    wish: Wish,
    until: Moment,
    /// Events that it may still tell.
    left: u32,
    sink: Sink,
    connections: Vec<Followed>,
}

#[derive(Debug)]
struct Followed {
    key: ConnectionKey,
    /// Of its CONNECT: what is left of a connection that is over has forgotten it.
    version: Version,
    /// The byte of its output, from the beginning, up to which it was told.
    told_to: u64,
}

impl Trace {
    fn is_over(&self, now: Moment) -> bool {
        self.until <= now || self.left == 0 || !self.sink.is_read()
    }

    fn tell(&mut self, at: Timestamp, what: What) {
        if self.left > 0 {
            self.left -= 1;
            self.sink.tell(Traced { at, what });
        }
    }

    fn follows(&self, key: ConnectionKey) -> bool {
        self.connections.iter().any(|followed| followed.key == key)
    }
}

impl Shard {
    /// Begins to tell of a client, whether or not it is connected.
    pub(super) fn trace(&mut self, wish: Wish, now: Now) -> Result<Tracing, Unanswered> {
        self.end_traces(now.moment);
        if self.traces.len() >= TRACES_MAX {
            return Err(Unanswered::Full);
        }
        let (sink, tracing) = trace::trace();
        let until = now.moment.saturating_add(wish.span.min(SPAN_MAX));
        let mut connections = Vec::new();
        let session = self.sessions.of(&wish.client);
        if let Some(key) = session.and_then(|session| session.connection)
            && let Some(connection) = self.connections.get(key.0 as usize)
        {
            let version = connection.session.version();
            connections.push(Followed { key, version, told_to: self.end_of_output(key) });
        }
        self.traces.push(Trace { wish, until, left: EVENTS_MAX, sink, connections });
        Ok(tracing)
    }

    /// Forgets traces that are over: their readers find the end of the channel.
    pub(super) fn end_traces(&mut self, now: Moment) {
        if !self.traces.is_empty() {
            self.traces.retain(|trace| !trace.is_over(now));
        }
    }

    /// A connection said something.
    pub(super) fn trace_in(&mut self, key: ConnectionKey, packet: &Packet<'_>) {
        let (at, end) = (self.now, self.end_of_output(key));
        for trace in &mut self.traces {
            if let Packet::Connect(connect) = packet
                && *connect.client_id == *trace.wish.client
                && !trace.follows(key)
                && trace.connections.len() < CONNECTIONS_MAX
            {
                let version = connect.version;
                trace.connections.push(Followed { key, version, told_to: end });
            }
            if trace.follows(key) {
                let told = told(packet, trace.wish.payload);
                trace.tell(at, What::In(told));
            }
        }
    }

    /// What a connection is sent is about to be written.
    pub(super) fn trace_out(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get(key.0 as usize) else { return };
        let output = &connection.output;
        let at = self.now;
        for trace in &mut self.traces {
            let payload = trace.wish.payload;
            let followed = trace.connections.iter_mut().find(|followed| followed.key == key);
            let Some(followed) = followed else { continue };
            let behind = usize::try_from(followed.told_to.saturating_sub(output.taken()));
            let mut rest = output.pending().get(behind.unwrap_or(usize::MAX)..).unwrap_or_default();
            followed.told_to = output.taken() + output.len() as u64;
            let version = followed.version;
            while let Ok(Some((packet, length))) = decode(rest, version, VARINT_MAX) {
                trace.tell(at, What::Out(told(&packet, payload)));
                rest = rest.get(length..).unwrap_or_default();
            }
        }
    }

    /// A connection is closed.
    pub(super) fn trace_end(&mut self, key: ConnectionKey) {
        let at = self.now;
        for trace in &mut self.traces {
            if trace.follows(key) {
                trace.connections.retain(|followed| followed.key != key);
                trace.tell(at, What::Closed);
            }
        }
    }

    fn end_of_output(&self, key: ConnectionKey) -> u64 {
        let connection = self.connections.get(key.0 as usize);
        connection.map_or(0, |it| it.output.taken() + it.output.len() as u64)
    }
}

fn told(packet: &Packet<'_>, payload: bool) -> trace::Packet {
    let mut told = trace::Packet { kind: name(packet), ..trace::Packet::default() };
    match packet {
        Packet::Publish(publish) => {
            told.packet_id = publish.packet_id.map(u16::from);
            told.message = Some(message(publish, payload));
        }
        Packet::ConnAck(it) => told.reason = Some(it.reason.code()),
        Packet::Disconnect(it) => told.reason = Some(it.reason.code()),
        Packet::Auth(it) => told.reason = Some(it.reason.code()),
        Packet::PubAck(it) | Packet::PubRec(it) | Packet::PubRel(it) | Packet::PubComp(it) => {
            told.packet_id = Some(it.packet_id.get());
            told.reason = Some(it.reason.code());
        }
        Packet::Subscribe(it) => {
            told.packet_id = Some(it.packet_id().get());
            let filters = it.subscriptions().take(FILTERS_MAX);
            told.filters = filters.map(|line| trace::cut(line.filter)).collect();
        }
        Packet::Unsubscribe(it) => {
            told.packet_id = Some(it.packet_id().get());
            told.filters = it.filters().take(FILTERS_MAX).map(trace::cut).collect();
        }
        Packet::SubAck(it) | Packet::UnsubAck(it) => told.packet_id = Some(it.packet_id().get()),
        Packet::Connect(_) | Packet::PingReq | Packet::PingResp => {}
    }
    told
}

fn message(publish: &Publish<'_>, payload: bool) -> Message {
    let head = publish.payload.get(..PAYLOAD_BYTES_MAX).unwrap_or(publish.payload);
    Message {
        topic: trace::cut(publish.topic),
        alias: publish.properties.alias().map(u16::from),
        qos: publish.qos,
        retain: publish.retain,
        dup: publish.dup,
        payload_bytes: publish.payload.len() as u64,
        payload: payload.then(|| head.into()),
    }
}

const fn name(packet: &Packet<'_>) -> &'static str {
    match packet {
        Packet::Connect(_) => "CONNECT",
        Packet::ConnAck(_) => "CONNACK",
        Packet::Publish(_) => "PUBLISH",
        Packet::PubAck(_) => "PUBACK",
        Packet::PubRec(_) => "PUBREC",
        Packet::PubRel(_) => "PUBREL",
        Packet::PubComp(_) => "PUBCOMP",
        Packet::Subscribe(_) => "SUBSCRIBE",
        Packet::SubAck(_) => "SUBACK",
        Packet::Unsubscribe(_) => "UNSUBSCRIBE",
        Packet::UnsubAck(_) => "UNSUBACK",
        Packet::PingReq => "PINGREQ",
        Packet::PingResp => "PINGRESP",
        Packet::Disconnect(_) => "DISCONNECT",
        Packet::Auth(_) => "AUTH",
    }
}
