//! A conversation between a hostile client and a session, watched by a small model of the promise.
//!
//! The input is a list of steps: a byte that says what happens, and for a packet its bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use model::promise::DurableMark;
use model::{Horizon, Lane, Moment, Position, Qos, Settled};
use mqtt::{
    Accept, Action, Delivered, Frame, Generation, Inflight, Limits, Outgoing, Packet, Reason,
    Session, Step, Ticket, Version, decode,
};

const LIMITS: Limits = Limits {
    packet_max: 1 << 14,
    receive_maximum: 3,
    window_max: 3,
    topic_alias_maximum: 2,
    aliases_to_client: 2,
    connect_timeout: 10,
    shared_subscriptions: true,
};

pub(crate) fn probe(input: &[u8]) {
    let mut world = World::new();
    let mut rest = input;
    while let Some((&step, tail)) = rest.split_first() {
        let Some(used) = world.step(step, tail) else { return };
        rest = tail.get(used..).unwrap_or_default();
        world.check();
    }
}

/// A QoS 2 message of the client: which record it became, and whether that is committed.
#[derive(Clone, Copy)]
struct Taken {
    position: Position,
    committed: bool,
}

struct World {
    session: Session,
    generation: u32,
    /// The client's session while it is away or not yet let in.
    stored: Inflight,
    lane: Lane<Ticket>,
    /// Tickets that were settled while the client was away: they are for its next connection.
    settled: Vec<Settled<Ticket>>,
    position: Position,
    durable: DurableMark,
    horizon: Arc<Horizon>,
    now: Moment,
    out: Vec<u8>,
    tokens: u64,
    /// Records of QoS 1 messages of this connection, by packet id, that are not acknowledged.
    once: BTreeMap<NonZeroU16, Vec<Position>>,
    taken: BTreeMap<NonZeroU16, Taken>,
    /// Steps of a kept session that are written down: records of ids that become free, and of QoS 2
    /// messages with the connection they are for.
    freed: Vec<(Position, NonZeroU16)>,
    reserved: Vec<(Position, u32, NonZeroU16)>,
    /// Whether the client of an unanswered CONNECT wants a new session, and one that is kept.
    newcomer: (bool, bool),
}

impl World {
    fn new() -> Self {
        let (horizon, durable, _) = Horizon::new(Position::ZERO, &[], Box::new(|_| {}));
        Self {
            session: Session::new(LIMITS, Generation::new(0), Moment::START),
            generation: 0,
            stored: Inflight::default(),
            lane: Lane::default(),
            settled: Vec::new(),
            position: Position::ZERO,
            durable,
            horizon,
            now: Moment::START,
            out: Vec::new(),
            tokens: 0,
            once: BTreeMap::new(),
            taken: BTreeMap::new(),
            freed: Vec::new(),
            reserved: Vec::new(),
            newcomer: (true, false),
        }
    }

    /// Returns how many bytes of `tail` it took; `None` when they end within a packet.
    fn step(&mut self, step: u8, tail: &[u8]) -> Option<usize> {
        match step % 16 {
            0..=8 => return self.hear(tail),
            9 | 10 => self.commit(),
            11 => self.deliver(step >> 4),
            12 => self.resend(step >> 4),
            13 => {
                self.now = self.now.saturating_add(Duration::from_secs(u64::from(step >> 4)));
                if self.session.on_timeout(self.now, &mut self.out).is_err() {
                    assert!(self.session.is_closed());
                }
            }
            14 => self.session.close(Reason::SessionTakenOver, &mut self.out),
            _ => self.reconnect(),
        }
        Some(0)
    }

    fn hear(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut out = std::mem::take(&mut self.out);
        let read = decode(bytes, self.session.version(), self.session.packet_max());
        let (handled, used) = match read {
            Ok(None) => return None,
            Ok(Some((packet, used))) => {
                if let Packet::PubRel(ack) = packet {
                    self.released(ack.packet_id);
                }
                (self.session.on_packet(packet, self.now, &mut out), used)
            }
            Err(malformed) => (Err(self.session.on_malformed(malformed, &mut out)), 1),
        };
        self.out = out;
        match handled {
            Ok(Some(action)) => self.act(action),
            Ok(None) => {}
            Err(_violation) => assert!(self.session.is_closed()),
        }
        Some(used)
    }

    fn act(&mut self, action: Action<'_>) {
        match action {
            Action::Connect(connect) => {
                if connect.client_id.starts_with('!') {
                    self.session.refuse(Reason::NotAuthorized, &mut self.out);
                    return;
                }
                self.newcomer = (connect.clean_start, connect.client_id.starts_with('k'));
                match connect.properties.authentication() {
                    Some((_, data)) => self.judge(data),
                    None => self.let_in(),
                }
            }
            Action::Authenticate { data, .. } => self.judge(data.0),
            Action::Publish { publish, topic, ticket } => {
                assert!(!topic.as_name().as_str().is_empty());
                assert_eq!(ticket.is_some(), publish.qos != Qos::AtMostOnce);
                self.submit(publish.qos, publish.packet_id, ticket);
            }
            Action::Subscribe(subscribe) => {
                let reasons = subscribe.subscriptions().map(|_| Reason::Success);
                if self.session.suback(subscribe.packet_id(), reasons, &mut self.out).is_err() {
                    assert!(self.session.is_closed());
                }
            }
            Action::Unsubscribe(it) => {
                let reasons = it.filters().map(|_| Reason::Success);
                if self.session.unsuback(it.packet_id(), reasons, &mut self.out).is_err() {
                    assert!(self.session.is_closed());
                }
            }
            Action::Received { token, ticket, .. } => {
                assert!(token <= self.tokens, "a token of ours");
                if let Some(ticket) = ticket {
                    self.position = self.position.next();
                    self.lane.push(self.position, ticket);
                }
            }
            Action::Released { packet_id, ticket } => {
                self.position = self.position.next();
                self.freed.push((self.position, packet_id));
                self.lane.push(self.position, ticket);
            }
            Action::Delivered { token, .. } => assert!(token <= self.tokens, "a token of ours"),
            Action::Disconnect { .. } => assert!(self.session.is_closed()),
        }
    }

    fn let_in(&mut self) {
        let (clean, kept) = self.newcomer;
        let stored = std::mem::take(&mut self.stored);
        if clean {
            self.taken.clear();
            self.freed.clear();
        }
        let resumed = (!clean).then_some(stored);
        let accept = Accept { resumed, kept, auth_data: Some(b"!"), ..Accept::default() };
        if self.session.accept(accept, &mut self.out).is_err() {
            assert!(self.session.is_closed());
        }
        self.acknowledge();
        self.session.release_received(&mut self.out);
    }

    /// What a client says to prove who it is begins with what comes of it.
    fn judge(&mut self, data: &[u8]) {
        let open = self.session.is_connected();
        let done = match data.first() {
            Some(b'?') => self.session.challenge(data, &mut self.out),
            Some(b'!') if open => self.session.confirm(data, &mut self.out),
            Some(b'!') => {
                self.let_in();
                return;
            }
            _ if open => {
                self.session.close(Reason::NotAuthorized, &mut self.out);
                return;
            }
            _ => {
                self.session.refuse(Reason::NotAuthorized, &mut self.out);
                return;
            }
        };
        if done.is_err() {
            assert!(self.session.is_closed());
        }
    }

    fn submit(&mut self, qos: Qos, packet_id: Option<NonZeroU16>, ticket: Option<Ticket>) {
        self.position = self.position.next();
        let position = self.position;
        let (Some(packet_id), Some(ticket)) = (packet_id, ticket) else { return };
        // Some are refused, and every input replays the same.
        if position.get().is_multiple_of(7) {
            self.session.reject(ticket, Reason::QuotaExceeded, &mut self.out);
            return;
        }
        self.lane.push(position, ticket);
        if qos == Qos::ExactlyOnce {
            let before = self.taken.insert(packet_id, Taken { position, committed: false });
            assert!(before.is_none(), "a message with QoS 2 reaches the hub once");
        } else {
            self.once.entry(packet_id).or_default().push(position);
        }
    }

    fn commit(&mut self) {
        self.durable.advance(self.position);
        let committed = self.horizon.committed();
        for taken in self.taken.values_mut() {
            taken.committed |= taken.position <= committed.position();
        }
        self.settled.extend(self.lane.settle(committed));
        self.acknowledge();
        let (bytes, id_at) = frame(self.session.version(), Qos::ExactlyOnce);
        for (_, generation, packet_id) in std::mem::take(&mut self.reserved) {
            if generation == self.generation {
                let frame = Frame::new(&bytes, id_at);
                self.session.send_reserved(packet_id, frame, &mut self.out);
            }
        }
    }

    fn acknowledge(&mut self) {
        if !self.session.is_connected() {
            return;
        }
        for ticket in self.settled.drain(..) {
            self.session.acknowledge(ticket, &mut self.out);
        }
        let committed = self.horizon.committed().position();
        for (_, packet_id) in self.freed.extract_if(.., |(position, _)| *position <= committed) {
            self.taken.remove(&packet_id);
        }
    }

    fn released(&mut self, packet_id: NonZeroU16) {
        if self.session.is_connected()
            && !self.session.is_kept()
            && self.taken.get(&packet_id).is_some_and(|taken| taken.committed)
        {
            self.taken.remove(&packet_id);
            self.freed.retain(|(_, freed)| *freed != packet_id);
        }
    }

    fn deliver(&mut self, bits: u8) {
        let qos = Qos::from_bits(bits % 3).unwrap_or_default();
        self.tokens += 1;
        if self.session.is_kept() && qos == Qos::ExactlyOnce {
            if let Some(packet_id) = self.session.reserve(self.tokens) {
                self.position = self.position.next();
                self.reserved.push((self.position, self.generation, packet_id));
            }
            return;
        }
        let (bytes, id_at) = frame(self.session.version(), qos);
        let frame = Frame::new(&bytes, id_at);
        let delivered = self.session.deliver(frame, self.tokens, &mut self.out);
        assert!(delivered != Delivered::Gone || !self.session.is_connected());
    }

    fn resend(&mut self, bits: u8) {
        let Some((packet_id, _)) = self.session.next_to_resend() else { return };
        if bits.is_multiple_of(4) {
            self.session.forget(packet_id);
            return;
        }
        let step = self.session.outbound().find(|it| it.packet_id == packet_id).map(|it| it.step);
        let qos = if step == Some(Step::PubAck) { Qos::AtLeastOnce } else { Qos::ExactlyOnce };
        let (bytes, id_at) = frame(self.session.version(), qos);
        self.session.redeliver(packet_id, Frame::new(&bytes, id_at), &mut self.out);
    }

    /// The connection breaks. The lane of the session's tickets stays.
    fn reconnect(&mut self) {
        self.generation += 1;
        let next = Session::new(LIMITS, Generation::new(self.generation), self.now);
        let finished = std::mem::replace(&mut self.session, next).finish();
        if !finished.inflight.is_empty() {
            self.stored = finished.inflight;
        }
        self.once.clear();
        self.reserved.clear();
        self.out.clear();
    }

    /// What was sent is well formed and promises nothing that is not so.
    fn check(&mut self) {
        let out = std::mem::take(&mut self.out);
        let mut rest = out.as_slice();
        let version = self.session.version();
        while let Some((packet, used)) = decode_ours(rest, version) {
            if let Packet::PubAck(ack) = packet
                && ack.reason == Reason::Success
            {
                let waiting = self.once.get_mut(&ack.packet_id).expect("a message");
                let position = waiting.remove(0);
                assert!(position <= self.horizon.committed().position(), "no commit, no PUBACK");
            } else if let Packet::PubRec(ack) = packet
                && ack.reason == Reason::Success
            {
                let taken = self.taken.get(&ack.packet_id).expect("a message");
                assert!(taken.committed, "no commit, no PUBREC");
            }
            rest = rest.get(used..).unwrap_or_default();
        }
        let sent = self.session.outbound().filter(|message| message.sent).count();
        assert!(sent <= usize::from(LIMITS.window_max), "the window is kept");
        let ids: BTreeSet<_> = self.session.outbound().map(|message| message.packet_id).collect();
        assert_eq!(ids.len(), self.session.outbound().count(), "an id is in flight once");
    }
}

fn decode_ours(bytes: &[u8], version: Version) -> Option<(Packet<'_>, usize)> {
    // The refusal of another protocol level may be in a version that the session has not.
    if bytes.is_empty() {
        return None;
    }
    let read = decode(bytes, version, u32::MAX);
    let other = if version == Version::V5 { Version::V311 } else { Version::V5 };
    read.or_else(|_| decode(bytes, other, u32::MAX)).expect("what we send is well formed")
}

fn frame(version: Version, qos: Qos) -> (Vec<u8>, Option<usize>) {
    let message = Outgoing {
        qos,
        retain: false,
        topic: "pump/set",
        subscription_ids: &[],
        properties: &[],
        expiry_left: None,
        payload: b"on",
    };
    let mut bytes = Vec::new();
    let id_at = message.encode(version, &mut bytes).expect("short");
    (bytes, id_at)
}
