//! A bridge, two brokers and two lines, on one thread and from one seed.

use std::collections::BTreeSet;

use super::*;

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// Of the other broker.
    pub(super) version: Version,
    /// Messages that the other broker lets be on their way to it.
    pub(super) window: u16,
    /// The other broker forgets its sessions sometimes.
    pub(super) forgetful: bool,
    /// The other broker answers so many messages with "quota exceeded" first.
    pub(super) busy: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { version: Version::V5, window: 8, forgetful: false, busy: 0 }
    }
}

/// A broker with one client: the bridge.
#[derive(Debug)]
struct Broker {
    version: Version,
    window: u16,
    busy: u32,
    connected: bool,
    has_session: bool,
    /// What the bridge is to get, and not sent.
    queue: VecDeque<u32>,
    /// Sent, by packet id, and whether on this connection.
    in_flight: Vec<(u16, u32, bool)>,
    /// What came from the bridge, in order.
    taken: Vec<u32>,
    /// Acknowledgements that are not said yet.
    owed: VecDeque<Ack<'static>>,
    /// On the wire, each way.
    to_bridge: Vec<u8>,
    from_bridge: Vec<u8>,
}

pub(super) struct World {
    seed: u64,
    dice: u64,
    settings: Settings,
    bridge: Bridge,
    pub(super) meter: Arc<Meter>,
    now: Moment,
    site: Broker,
    remote: Broker,
    published: [Vec<u32>; 2],
    /// Messages that may come twice: a line broke between delivery and acknowledgement.
    excused: BTreeSet<u32>,
    /// Messages that the other broker forgot before it had sent them.
    forgotten: BTreeSet<u32>,
    pub(super) cuts: u32,
    pub(super) worst_in_flight: usize,
}

impl Broker {
    fn new(version: Version, window: u16, busy: u32) -> Self {
        Self {
            version,
            window,
            busy,
            connected: false,
            has_session: false,
            queue: VecDeque::new(),
            in_flight: Vec::new(),
            taken: Vec::new(),
            owed: VecDeque::new(),
            to_bridge: Vec::new(),
            from_bridge: Vec::new(),
        }
    }

    fn say(&mut self, packet: &Packet<'_>) {
        packet.encode(self.version, &mut self.to_bridge).unwrap();
    }

    fn cut(&mut self) {
        self.connected = false;
        self.to_bridge.clear();
        self.from_bridge.clear();
        self.owed.clear();
        self.in_flight.iter_mut().for_each(|(.., sent)| *sent = false);
    }

    /// Reads everything that has come.
    fn read(&mut self) {
        let bytes = std::mem::take(&mut self.from_bridge);
        let mut at = 0;
        while let Some((packet, length)) =
            mqtt::decode(&bytes[at..], self.version, u32::MAX).unwrap()
        {
            self.on_packet(packet);
            at += length;
        }
        self.from_bridge = bytes[at..].to_vec();
    }

    fn on_packet(&mut self, packet: Packet<'_>) {
        match packet {
            Packet::Connect(connect) => {
                assert!(!connect.clean_start);
                let mut properties = PropertiesBuf::default();
                if self.version == Version::V5 {
                    let most = NonZeroU16::new(self.window).unwrap();
                    properties.push(Property::ReceiveMaximum(most)).unwrap();
                }
                let session_present = std::mem::replace(&mut self.has_session, true);
                self.connected = true;
                let properties = properties.as_properties();
                let reason = Reason::Success;
                self.say(&Packet::ConnAck(ConnAck { session_present, reason, properties }));
            }
            Packet::Publish(publish) => {
                let number = String::from_utf8(publish.payload.to_vec()).unwrap().parse().unwrap();
                let id = publish.packet_id.unwrap();
                if self.busy > 0 {
                    self.busy -= 1;
                    self.owed.push_back(Ack::new(id, Reason::QuotaExceeded));
                } else {
                    self.taken.push(number);
                    self.owed.push_back(Ack::new(id, Reason::Success));
                }
            }
            Packet::PubAck(ack) => {
                let id = ack.packet_id.get();
                let known =
                    self.in_flight.iter().position(|(known, _, sent)| *known == id && *sent);
                self.in_flight.remove(known.expect("what is acknowledged is in flight"));
            }
            Packet::Subscribe(ask) => {
                let (id, reasons) = (ask.packet_id(), [Reason::GrantedQos1]);
                encode_suback(self.version, id, Properties::NONE, reasons, &mut self.to_bridge)
                    .unwrap();
            }
            Packet::PingReq => self.say(&Packet::PingResp),
            Packet::ConnAck(_)
            | Packet::PubRec(_)
            | Packet::PubRel(_)
            | Packet::PubComp(_)
            | Packet::SubAck(_)
            | Packet::Unsubscribe(_)
            | Packet::UnsubAck(_)
            | Packet::PingResp
            | Packet::Disconnect(_)
            | Packet::Auth(_) => panic!("a broker does not expect {packet:?}"),
        }
    }

    fn acknowledge(&mut self) {
        if let Some(ack) = self.owed.pop_front() {
            self.say(&Packet::PubAck(ack));
        }
    }

    /// The next message, repeated ones first.
    fn send(&mut self) {
        if !self.connected {
            return;
        }
        let again = self.in_flight.iter().position(|(.., sent)| !sent);
        let dup = again.is_some();
        let at = again.or_else(|| {
            if self.in_flight.len() >= 8 {
                return None;
            }
            let number = self.queue.pop_front()?;
            // The smallest free id, so that ids are used again soon.
            let used = |id| self.in_flight.iter().any(|(known, ..)| *known == id);
            let id = (1..).find(|id| !used(*id)).unwrap();
            self.in_flight.push((id, number, false));
            Some(self.in_flight.len() - 1)
        });
        let Some(at) = at else { return };
        self.in_flight[at].2 = true;
        let (id, number, _) = self.in_flight[at];
        let payload = number.to_string();
        self.say(&Packet::Publish(Publish {
            dup,
            packet_id: NonZeroU16::new(id),
            payload: payload.as_bytes(),
            ..message("a/b", Qos::AtLeastOnce)
        }));
    }
}

impl World {
    pub(super) fn new(seed: u64, settings: Settings) -> Self {
        let mapping = |filter, add| {
            let route = Route::new(filter, ("", add), Qos::AtLeastOnce).unwrap();
            Mapping::new(vec![route]).unwrap()
        };
        let plan = Plan {
            outward: mapping("a/#", "out/"),
            inward: mapping("a/#", "in/"),
            ..plan(settings.version)
        };
        let meter = Arc::new(Meter::default());
        Self {
            seed,
            dice: seed,
            bridge: Bridge::new(&plan, None, (1, seed), Arc::clone(&meter)),
            meter,
            now: Moment::START,
            site: Broker::new(Version::V5, 8, 0),
            remote: Broker::new(settings.version, settings.window, settings.busy),
            settings,
            published: [Vec::new(), Vec::new()],
            excused: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            cuts: 0,
            worst_in_flight: 0,
        }
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.dice >> 33) % sides
    }

    fn broker(&mut self, side: Side) -> &mut Broker {
        match side {
            Side::Site => &mut self.site,
            Side::Remote => &mut self.remote,
        }
    }

    pub(super) fn taken(&self, side: Side) -> &[u32] {
        match side {
            Side::Site => &self.site.taken,
            Side::Remote => &self.remote.taken,
        }
    }

    pub(super) fn publish(&mut self, side: Side) {
        let number = u32::try_from(self.published.iter().map(Vec::len).sum::<usize>()).unwrap();
        self.published[side as usize].push(number);
        self.broker(side).queue.push_back(number);
    }

    pub(super) fn play(&mut self, steps: u32) {
        for _ in 0..steps {
            let side = if self.roll(2) == 0 { Side::Site } else { Side::Remote };
            match self.roll(40) {
                0 => self.cut(side),
                1 if self.settings.forgetful && self.roll(4) == 0 => self.forget(),
                2..=6 => self.publish(side),
                7..=14 => self.carry_in(side),
                15..=22 => self.carry_out(side),
                23..=28 => self.broker(side).send(),
                29..=34 => self.broker(side).acknowledge(),
                _ => self.pass_time(Duration::from_millis(200), false),
            }
            self.worst_in_flight = self.worst_in_flight.max(self.remote.owed.len());
        }
    }

    /// Lets everything come to its end, with lines that hold.
    pub(super) fn calm_down(&mut self) {
        for _ in 0..20_000 {
            self.pass_time(Duration::from_millis(50), true);
            for side in [Side::Site, Side::Remote] {
                self.carry_out(side);
                self.broker(side).send();
                self.broker(side).acknowledge();
                self.carry_in(side);
            }
            let done = |broker: &Broker| broker.queue.is_empty() && broker.in_flight.is_empty();
            if done(&self.site) && done(&self.remote) {
                return;
            }
        }
        panic!("seed {}: it does not come to an end: {:?} {:?}", self.seed, self.site, self.remote);
    }

    pub(super) fn must_be_whole(&self) {
        let seed = self.seed;
        for (from, to) in [(Side::Site, Side::Remote), (Side::Remote, Side::Site)] {
            let mut seen = BTreeSet::new();
            let first: Vec<u32> =
                self.taken(to).iter().copied().filter(|it| seen.insert(*it)).collect();
            let lost = |it: &&u32| !self.forgotten.contains(it) || seen.contains(it);
            let expected: Vec<u32> =
                self.published[from as usize].iter().filter(lost).copied().collect();
            assert_eq!(first, expected, "seed {seed}: lost or out of order from {from:?}");
            // Nobody knows of a forgotten message whether it was acknowledged.
            let excused = |it| self.excused.contains(it) || self.forgotten.contains(it);
            let mut once = BTreeSet::new();
            for number in self.taken(to) {
                let twice = !once.insert(*number);
                assert!(!twice || excused(number), "seed {seed}: {number} is twice");
            }
        }
    }

    /// A part of what is on the wire reaches the bridge.
    fn carry_in(&mut self, side: Side) {
        let most = u64::try_from(self.broker(side).to_bridge.len()).unwrap();
        let part = usize::try_from(self.roll(most + 1)).unwrap();
        let bytes: Vec<u8> = self.broker(side).to_bridge.drain(..part).collect();
        if !bytes.is_empty() {
            self.bridge.handle_bytes(side, &bytes, self.now);
            self.grant(true);
        }
    }

    /// A part of what the bridge says reaches the broker.
    fn carry_out(&mut self, side: Side) {
        let most = u64::try_from(self.bridge.outbox(side).len()).unwrap();
        let part = usize::try_from(self.roll(most + 1)).unwrap();
        let bytes = self.bridge.outbox(side)[..part].to_vec();
        self.bridge.wrote(side, part, self.now);
        let broker = self.broker(side);
        broker.from_bridge.extend_from_slice(&bytes);
        broker.read();
    }

    fn pass_time(&mut self, span: Duration, friendly: bool) {
        self.now = self.now.saturating_add(span);
        self.bridge.handle_timeout(self.now);
        self.grant(friendly);
    }

    fn grant(&mut self, friendly: bool) {
        while let Some(wish) = self.bridge.poll_wish() {
            match wish {
                Wish::Dial(side) if friendly || self.roll(3) > 0 => {
                    self.bridge.handle_connected(side, self.now);
                }
                Wish::Dial(side) => self.bridge.handle_lost(side, Cause::Line, self.now),
                Wish::Hang(side) => self.excuse_and_cut(side),
            }
        }
    }

    fn cut(&mut self, side: Side) {
        self.excuse_and_cut(side);
        if !matches!(self.bridge.end(side).state, State::Down(_)) {
            self.cuts += 1;
            self.bridge.handle_lost(side, Cause::Closed, self.now);
        }
    }

    fn excuse_and_cut(&mut self, side: Side) {
        for (from, to) in [(&self.site, &self.remote), (&self.remote, &self.site)] {
            let delivered =
                from.in_flight.iter().filter(|(_, number, _)| to.taken.contains(number));
            self.excused.extend(delivered.map(|(_, number, _)| *number));
        }
        self.broker(side).cut();
    }

    /// The other broker restarts and kept nothing.
    fn forget(&mut self) {
        self.cut(Side::Remote);
        let remote = &mut self.remote;
        remote.has_session = false;
        self.forgotten.extend(remote.queue.drain(..));
        self.forgotten.extend(remote.in_flight.drain(..).map(|(_, number, _)| number));
    }
}
