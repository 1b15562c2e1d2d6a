//! One of the two MQTT connections of a bridge, as its client: how it greets, what it asks for, how
//! it stays alive. Which messages it carries is `bridge`'s.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use model::Moment;
use mqtt::{
    Ack, ConnAck, Connect, Disconnect, Packet, Properties, PropertiesBuf, Property, Reason,
    Subscription, SubscriptionOptions, Version, encode_subscribe,
};

use crate::Cause;
use crate::backoff::Backoff;

/// From the CONNECT to its answer.
const GREETING: Duration = Duration::from_secs(10);
/// Where the bridge bit of Mosquitto stands in a CONNECT: the highest of the protocol level, which
/// follows the length and the name of the protocol.
const BRIDGE_BIT: u8 = 0x80;
const NAME_BYTES: usize = 6;
/// Sessions that never end: what a bridge was too far away to fetch waits for it.
const EXPIRY_NEVER: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// This site.
    Site,
    /// The other broker.
    Remote,
}

impl Side {
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Site => Self::Remote,
            Self::Remote => Self::Site,
        }
    }

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Site => "this site",
            Self::Remote => "the other broker",
        }
    }
}

/// How this end presents itself.
#[derive(Clone)]
pub(crate) struct Hello {
    pub(crate) version: Version,
    pub(crate) bridge_bit: bool,
    pub(crate) client_id: Box<str>,
    pub(crate) user: Option<Box<str>>,
    pub(crate) password: Option<Box<str>>,
    pub(crate) clean: bool,
    pub(crate) keep_alive: Duration,
    /// Messages above QoS 0 that may be on their way to us.
    pub(crate) window: NonZeroU16,
    pub(crate) packet_bytes_max: NonZeroU32,
    pub(crate) subscriptions: Vec<(Box<str>, SubscriptionOptions)>,
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Hello").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Until then.
    Down(Moment),
    Dialing,
    /// CONNECT is said since then.
    Greeting(Moment),
    Up(Moment),
}

#[derive(Debug)]
pub(crate) struct End {
    pub(crate) hello: Hello,
    pub(crate) state: State,
    /// Counts connections, so that what belongs to an earlier one is known.
    pub(crate) epoch: u64,
    /// Received and not decoded: at most one incomplete packet between two reads.
    pub(crate) inbox: Vec<u8>,
    /// Bytes of a packet that is too large; they go nowhere.
    pub(crate) skip: usize,
    outbox: Vec<u8>,
    written: usize,
    /// Messages above QoS 0 that may be on their way to the broker, as it says.
    pub(crate) window: u16,
    /// The largest packet that the broker takes.
    pub(crate) packet_bytes_max: u32,
    /// What was asked for is known there, unless the broker forgets the session.
    subscribed: bool,
    /// SUBSCRIBEs without an answer, by packet id; the filters' numbers.
    pub(crate) asking: BTreeMap<NonZeroU16, usize>,
    keep_alive: Duration,
    heard: Moment,
    said: Moment,
    asked: Moment,
    last_id: u16,
    backoff: Backoff,
    /// Why it is down, as it was told.
    told: Option<Cause>,
}

impl End {
    pub(crate) fn new(hello: Hello, seed: u64) -> Self {
        Self {
            state: State::Down(Moment::START),
            epoch: 0,
            inbox: Vec::new(),
            skip: 0,
            outbox: Vec::new(),
            written: 0,
            window: 0,
            packet_bytes_max: 0,
            subscribed: false,
            asking: BTreeMap::new(),
            keep_alive: hello.keep_alive,
            heard: Moment::START,
            said: Moment::START,
            asked: Moment::START,
            last_id: 0,
            backoff: Backoff::new(seed),
            told: None,
            hello,
        }
    }

    pub(crate) const fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    pub(crate) fn outbox(&self) -> &[u8] {
        self.outbox.get(self.written..).unwrap_or_default()
    }

    pub(crate) fn wrote(&mut self, bytes: usize, now: Moment) {
        self.said = now;
        self.written += bytes;
        if self.written >= self.outbox.len() {
            self.outbox.clear();
            self.written = 0;
        } else if self.written > self.outbox.len() / 2 {
            self.outbox.drain(..self.written);
            self.written = 0;
        }
    }

    pub(crate) const fn out(&mut self) -> &mut Vec<u8> {
        &mut self.outbox
    }

    pub(crate) fn heard(&mut self, now: Moment) {
        self.heard = now;
    }

    /// The line is there: says CONNECT.
    pub(crate) fn greet(&mut self, now: Moment) {
        self.state = State::Greeting(now);
        self.epoch += 1;
        (self.heard, self.said, self.asked) = (now, now, now);
        let properties = self.offer();
        let connect = Connect {
            version: self.hello.version,
            clean_start: self.hello.clean,
            keep_alive: u16::try_from(self.hello.keep_alive.as_secs()).unwrap_or(u16::MAX),
            client_id: &self.hello.client_id,
            will: None,
            user_name: self.hello.user.as_deref(),
            password: self.hello.password.as_deref().map(str::as_bytes),
            properties: properties.as_properties(),
        };
        let written = connect.encode(&mut self.outbox);
        assert_eq!(written, Ok(()), "the plan holds no text over 65,535 bytes");
        if self.hello.bridge_bit {
            self.mark_as_bridge();
        }
    }

    fn mark_as_bridge(&mut self) {
        // Behind the first byte and up to four of the length.
        let head = self.outbox.iter().skip(1).take_while(|byte| **byte & 0x80 != 0).count() + 2;
        if let Some(level) = self.outbox.get_mut(head + NAME_BYTES) {
            *level |= BRIDGE_BIT;
        }
    }

    fn offer(&self) -> PropertiesBuf {
        let mut offer = PropertiesBuf::default();
        if self.hello.version == Version::V311 {
            return offer;
        }
        let expiry = if self.hello.clean { 0 } else { EXPIRY_NEVER };
        for property in [
            Property::SessionExpiry(expiry),
            Property::ReceiveMaximum(self.hello.window),
            Property::MaximumPacketSize(self.hello.packet_bytes_max),
        ] {
            let pushed = offer.push(property).map(|_| ());
            assert_eq!(pushed, Ok(()), "a number always fits");
        }
        offer
    }

    /// # Errors
    /// When the broker refuses.
    pub(crate) fn welcome(&mut self, answer: &ConnAck<'_>, now: Moment) -> Result<(), Cause> {
        if answer.reason.is_failure() {
            return Err(Cause::Refused(answer.reason));
        }
        self.state = State::Up(now);
        self.told = None;
        self.window = self.hello.window.get();
        self.packet_bytes_max = self.hello.packet_bytes_max.get();
        self.keep_alive = self.hello.keep_alive;
        for property in answer.properties.iter() {
            if let Property::ReceiveMaximum(most) = property {
                self.window = self.window.min(most.get());
            } else if let Property::MaximumPacketSize(most) = property {
                self.packet_bytes_max = self.packet_bytes_max.min(most.get());
            } else if let Property::ServerKeepAlive(seconds) = property {
                self.keep_alive = Duration::from_secs(seconds.into());
            }
        }
        Ok(())
    }

    /// Asks for what this end is to hear, unless the broker still knows. Each filter by itself:
    /// some brokers take eight in one packet.
    pub(crate) fn subscribe(&mut self, known: bool, mut free: impl FnMut(&mut Self) -> NonZeroU16) {
        if known && self.subscribed {
            return;
        }
        self.subscribed = false;
        let subscriptions = std::mem::take(&mut self.hello.subscriptions);
        for (index, (filter, options)) in subscriptions.iter().enumerate() {
            let packet_id = free(self);
            self.asking.insert(packet_id, index);
            let line = Subscription { filter, options: *options };
            let version = self.hello.version;
            let written =
                encode_subscribe(version, packet_id, Properties::NONE, [line], &mut self.outbox);
            assert_eq!(written, Ok(()), "a filter has at most 65,535 bytes");
        }
        self.hello.subscriptions = subscriptions;
    }

    /// The filter that was asked for, now that there is an answer.
    pub(crate) fn subscribed(&mut self, packet_id: NonZeroU16) -> Option<&str> {
        let index = self.asking.remove(&packet_id)?;
        self.subscribed = self.asking.is_empty();
        self.hello.subscriptions.get(index).map(|(filter, _)| &**filter)
    }

    /// The next packet id that is not `used` and not that of a SUBSCRIBE.
    pub(crate) fn free_id(&mut self, used: impl Fn(NonZeroU16) -> bool) -> NonZeroU16 {
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            match NonZeroU16::new(self.last_id) {
                Some(id) if !used(id) && !self.asking.contains_key(&id) => return id,
                Some(_) | None => {}
            }
        }
    }

    pub(crate) fn acknowledge(&mut self, packet_id: NonZeroU16) {
        self.write(&Packet::PubAck(Ack::new(packet_id, Reason::Success)));
    }

    pub(crate) fn say_goodbye(&mut self) {
        if self.is_up() {
            self.write(&Packet::Disconnect(Disconnect::new(Reason::Success)));
        }
    }

    fn write(&mut self, packet: &Packet<'_>) {
        let written = packet.encode(self.hello.version, &mut self.outbox);
        assert_eq!(written, Ok(()), "a packet without texts always fits");
    }

    /// The connection is gone. Says whether anybody should be told: a broker that is away for the
    /// same reason as before is no news.
    pub(crate) fn lost(&mut self, cause: Cause, now: Moment) -> bool {
        let lasted = match self.state {
            State::Up(since) => Some(now.since(since)),
            State::Down(_) | State::Dialing | State::Greeting(_) => None,
        };
        self.state = State::Down(now.saturating_add(self.backoff.after(lasted)));
        self.epoch += 1;
        self.inbox.clear();
        self.skip = 0;
        self.outbox.clear();
        self.written = 0;
        self.asking.clear();
        self.told.replace(cause) != Some(cause)
    }

    /// When `handle_timeout` has something to do.
    pub(crate) fn timeout(&self) -> Option<Moment> {
        match self.state {
            State::Down(until) => Some(until),
            State::Dialing => None,
            State::Greeting(since) => Some(since.saturating_add(GREETING)),
            State::Up(_) if self.keep_alive.is_zero() => None,
            State::Up(_) => Some(self.ping_due().min(self.given_up())),
        }
    }

    fn ping_due(&self) -> Moment {
        self.heard.min(self.said).max(self.asked).saturating_add(self.keep_alive / 2)
    }

    fn given_up(&self) -> Moment {
        self.heard.saturating_add(self.keep_alive + self.keep_alive / 2)
    }

    /// Asks the broker for a sign of life at half of the keep-alive time, and gives it up after one
    /// and a half.
    ///
    /// # Errors
    /// When the broker has to be given up.
    //= mqtt-v5 MQTT-3.1.2-20
    //= mqtt-v311 MQTT-3.1.2-23
    pub(crate) fn handle_timeout(&mut self, now: Moment) -> Result<(), Cause> {
        match self.state {
            State::Greeting(since) if since.saturating_add(GREETING) <= now => Err(Cause::Silent),
            State::Up(_) if self.keep_alive.is_zero() => Ok(()),
            State::Up(_) if self.given_up() <= now => Err(Cause::Silent),
            State::Up(_) => {
                if self.ping_due() <= now {
                    self.asked = now;
                    self.write(&Packet::PingReq);
                }
                Ok(())
            }
            State::Down(_) | State::Dialing | State::Greeting(_) => Ok(()),
        }
    }
}
