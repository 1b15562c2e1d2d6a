//! One MQTT connection of a client, seen from the server. Owns: the state of the connection,
//! keep-alive, packet ids and windows both ways, topic aliases, the will.
//! Never: sockets, clocks, storage, who hears what.
//!
//! Contract with the shell:
//! - decode with `version` and `packet_max`, give each packet to `on_packet`, do the one `Action`
//!   it may return, send what was appended to `out`;
//! - answer `Action::Connect` with `accept`, `refuse` or, if it names a method of authentication,
//!   `challenge` before the next packet; and `Action::Authenticate` likewise, in an open session with
//!   `confirm` in the place of `accept` and `close` in that of `refuse`;
//! - in a kept session (`Accept::kept`), write down what an `Action` tells before its ticket is used,
//!   `reserve` QoS 2 messages, and call `release_received` once its past is durable;
//! - on a `Violation`, send what was appended, close the socket, and call `finish`;
//! - keep the `Lane` of the session's tickets together with its `Inflight` while it is away.

use std::time::Duration;

use model::Moment;

use crate::connack::ConnAck;
use crate::disconnect::Disconnect;
use crate::inflight::{Generation, Inflight, Outbound};
use crate::properties::{Properties, PropertiesBuf};
use crate::property::Property;
use crate::publish::Publish;
use crate::will::StoredWill;
use crate::{Kind, Malformed, Packet, Reason, TooLong, VARINT_MAX, Version, Violation};

mod aliases;
mod answers;
mod authenticating;
mod extras;
mod inbound;
mod opening;
mod outbound;
mod terms;

use authenticating::Method;
use extras::Extras;
pub use inbound::Ticket;
pub use outbound::Delivered;
pub use terms::{Accept, Action, AuthData, EXPIRY_NEVER, Finished, Limits, Topic};

/// QoS 2 messages of a client between PUBLISH and PUBREL, those of its earlier connections
/// included, unless `Limits::receive_maximum` is more. 1,024 of 12 bytes are 12 KB for a client
/// that never releases.
const HELD_MAX: u16 = 1_024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitConnect,
    /// CONNECT was handed out and is not answered.
    AwaitAnswer,
    /// CONNECT is not answered because the client has to say more about who it is.
    Authenticating,
    Connected,
    Closed,
}

#[derive(Debug)]
pub struct Session {
    state: State,
    version: Version,
    /// Of the CONNECT: a resumed session would contradict it.
    clean_start: bool,
    generation: Generation,
    limits: Limits,
    /// Seconds; 0 for none.
    keep_alive: u16,
    last_heard: Moment,
    /// Seconds, as in `Finished`.
    expiry: u32,
    /// Its steps are written down, as in `Accept`.
    kept: bool,
    /// The largest packet the client takes.
    client_packet_max: u32,
    /// Messages above QoS 0 that may be under way to the client.
    window: u16,
    /// Those that are.
    in_window: u16,
    /// Messages of the client on this connection whose last acknowledgement is owed.
    owed: u16,
    inflight: Inflight,
    extras: Option<Box<Extras>>,
    will: Option<Box<StoredWill>>,
}

impl Session {
    /// A connection that was opened at `now`.
    ///
    /// # Panics
    /// When the limits contradict the standard, which forbids a receive maximum of 0.
    #[must_use]
    pub fn new(limits: Limits, generation: Generation, now: Moment) -> Self {
        assert!(limits.receive_maximum > 0 && limits.window_max > 0, "a window has room for one");
        Self {
            state: State::AwaitConnect,
            version: Version::default(),
            clean_start: true,
            generation,
            limits,
            keep_alive: 0,
            last_heard: now,
            expiry: 0,
            kept: false,
            client_packet_max: VARINT_MAX,
            window: limits.window_max,
            in_window: 0,
            owed: 0,
            inflight: Inflight::default(),
            extras: None,
            will: None,
        }
    }

    /// Takes one packet. What has to be sent is appended to `out`, also before a `Violation`.
    ///
    /// # Errors
    /// The client broke the protocol; the connection is over.
    ///
    /// # Panics
    /// When a CONNECT was not answered before the next packet.
    pub fn on_packet<'p>(
        &mut self,
        packet: Packet<'p>,
        now: Moment,
        out: &mut Vec<u8>,
    ) -> Result<Option<Action<'p>>, Violation> {
        let before = std::mem::replace(&mut self.last_heard, now);
        let handled = match self.state {
            State::AwaitConnect => self.on_first(packet, before).map(Some),
            State::AwaitAnswer => Err(unanswered()),
            State::Authenticating => self.on_unauthenticated(packet).map(Some),
            State::Connected => self.on_next(packet, out),
            //= mqtt-v5 MQTT-3.14.4-1
            //= mqtt-v311 MQTT-3.14.4-1
            State::Closed => Ok(None),
        };
        handled.map_err(|violation| self.violated(violation, out))
    }

    /// Takes bytes that are no packet.
    pub fn on_malformed(&mut self, malformed: Malformed, out: &mut Vec<u8>) -> Violation {
        self.violated(Violation::Malformed(malformed), out)
    }

    /// To be called at `poll_timeout`; earlier is harmless.
    ///
    /// # Errors
    /// The client was silent for too long; the connection is over.
    pub fn on_timeout(&mut self, now: Moment, out: &mut Vec<u8>) -> Result<(), Violation> {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return Ok(());
        }
        let violation = match self.state {
            State::AwaitConnect | State::Authenticating => Violation::ConnectTimeout,
            State::AwaitAnswer | State::Connected | State::Closed => Violation::KeepAlive,
        };
        Err(self.violated(violation, out))
    }

    /// `None` while the client may be silent for ever.
    //= mqtt-v5 MQTT-3.1.2-22, MQTT-3.2.2-22
    //= mqtt-v311 MQTT-3.1.2-24
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        let to_connect = Duration::from_secs(u64::from(self.limits.connect_timeout));
        let patience = match self.state {
            State::AwaitConnect => to_connect,
            State::Authenticating => {
                let opened = self.method().map_or(self.last_heard, Method::opened);
                return Some(opened.saturating_add(to_connect));
            }
            State::Connected if self.keep_alive > 0 => {
                Duration::from_millis(u64::from(self.keep_alive) * 1_500)
            }
            State::AwaitAnswer | State::Connected | State::Closed => return None,
        };
        Some(self.last_heard.saturating_add(patience))
    }

    /// Ends the connection from our side: shutdown, takeover, an act of an operator.
    pub fn close(&mut self, reason: Reason, out: &mut Vec<u8>) {
        //= mqtt-v5 MQTT-3.14.0-1, MQTT-3.14.2-2, MQTT-3.14.2-3, MQTT-3.14.2-4
        if self.state == State::Connected && self.version == Version::V5 {
            let told = reason.told_in(Kind::Disconnect);
            let written = Disconnect::new(told).encode(Version::V5, out);
            assert_eq!(written, Ok(()), "three or four bytes");
        } else if self.state == State::Authenticating {
            self.turn_away(reason, out);
        }
        self.state = State::Closed;
    }

    /// Ends the connection from our side and names the server where the client is to go (MQTT 5,
    /// 4.11 and 4.13). One that cannot take that is told that this one is shutting down.
    pub fn refer(&mut self, server: &str, out: &mut Vec<u8>) {
        let mut block = PropertiesBuf::default();
        let named = block.push(Property::ServerReference(server)).is_ok();
        let reason = Reason::UseAnotherServer;
        let told = Disconnect { reason, properties: block.as_properties() };
        let mut packet = Vec::new();
        let fits = named
            && told.encode(Version::V5, &mut packet).is_ok()
            && packet.len() <= self.client_packet_max as usize;
        if fits && self.state == State::Connected && self.version == Version::V5 {
            out.extend_from_slice(&packet);
            self.state = State::Closed;
        } else {
            self.close(Reason::ServerShuttingDown, out);
        }
    }

    /// The connection is gone, for whatever reason.
    #[must_use]
    pub fn finish(mut self) -> Finished {
        if matches!(self.state, State::AwaitAnswer | State::Authenticating) {
            self.forget_client();
        }
        self.inflight.rest();
        Finished { inflight: self.inflight, will: self.will, expiry: self.expiry }
    }

    /// Of the client, once it has sent CONNECT. What `decode` wants to know.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// What `decode` wants to know.
    #[must_use]
    pub const fn packet_max(&self) -> u32 {
        self.limits.packet_max
    }

    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Seconds; 0 when the client may be silent for ever.
    #[must_use]
    pub const fn keep_alive(&self) -> u16 {
        self.keep_alive
    }

    /// When its last packet came.
    #[must_use]
    pub const fn last_heard(&self) -> Moment {
        self.last_heard
    }

    /// Seconds for which the session outlives the connection, as in `Finished`.
    #[must_use]
    pub const fn expiry(&self) -> u32 {
        self.expiry
    }

    /// Its steps are written down, as in `Accept`.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.kept
    }

    /// What the client leaves if it is lost.
    #[must_use]
    pub fn will(&self) -> Option<&StoredWill> {
        self.will.as_deref()
    }

    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Messages of the client whose last acknowledgement is owed on this connection.
    #[must_use]
    pub const fn owed(&self) -> u16 {
        self.owed
    }

    /// Messages to the client that are not confirmed, in the order of sending.
    pub fn outbound(&self) -> impl Iterator<Item = &Outbound> {
        self.inflight.outbound()
    }

    /// Gives back memory of a session that has become quiet.
    pub fn shrink(&mut self) {
        self.inflight.shrink();
    }

    //= mqtt-v5 MQTT-3.3.4-10, MQTT-4.9.0-3
    fn on_next<'p>(
        &mut self,
        packet: Packet<'p>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Action<'p>>, Violation> {
        match packet {
            Packet::Publish(publish) => self.on_publish(publish, out),
            Packet::PubAck(ack) => self.on_puback(&ack),
            Packet::PubRec(ack) => self.on_pubrec(&ack, out),
            Packet::PubRel(ack) => self.on_pubrel(&ack, out),
            Packet::PubComp(ack) => self.on_pubcomp(&ack),
            Packet::Subscribe(subscribe) => Ok(Some(Action::Subscribe(subscribe))),
            Packet::Unsubscribe(unsubscribe) => Ok(Some(Action::Unsubscribe(unsubscribe))),
            //= mqtt-v5 MQTT-3.12.4-1
            //= mqtt-v311 MQTT-3.12.4-1
            Packet::PingReq => {
                out.extend_from_slice(&[Kind::PingResp.first_byte(), 0]);
                Ok(None)
            }
            Packet::Disconnect(disconnect) => self.on_disconnect(&disconnect).map(Some),
            //= mqtt-v5 MQTT-3.1.0-2
            //= mqtt-v311 MQTT-3.1.0-2
            Packet::Connect(_) => Err(Violation::SecondConnect),
            Packet::Auth(auth) => self.on_auth_again(&auth).map(Some),
            Packet::ConnAck(_) | Packet::SubAck(_) | Packet::UnsubAck(_) | Packet::PingResp => {
                Err(Violation::Direction(packet.kind()))
            }
        }
    }

    //= mqtt-v5 MQTT-3.14.4-3
    //= mqtt-v311 MQTT-3.14.4-3
    fn on_disconnect(&mut self, disconnect: &Disconnect<'_>) -> Result<Action<'static>, Violation> {
        for property in disconnect.properties.iter() {
            if let Property::SessionExpiry(seconds) = property {
                if self.expiry == 0 && seconds > 0 {
                    return Err(Violation::SessionExpiryRaised);
                }
                self.expiry = seconds;
            }
        }
        //= mqtt-v5 MQTT-3.1.2-10
        //= mqtt-v311 MQTT-3.1.2-10
        if disconnect.reason == Reason::Success {
            self.will = None;
        }
        self.state = State::Closed;
        Ok(Action::Disconnect { reason: disconnect.reason })
    }

    /// Who was never let in leaves no will and no session.
    fn forget_client(&mut self) {
        self.will = None;
        self.expiry = 0;
    }

    /// Says why, where the protocol has words for it, and closes.
    fn violated(&mut self, violation: Violation, out: &mut Vec<u8>) -> Violation {
        match self.state {
            State::AwaitConnect => self.refuse_opening(violation, out),
            //= mqtt-v5 MQTT-4.13.1-1, MQTT-4.13.2-1
            //= mqtt-v311 MQTT-4.8.0-1
            State::Connected => {
                let reason = violation.reason();
                let fits = reason.belongs_to(Kind::Disconnect);
                self.close(if fits { reason } else { Reason::ProtocolError }, out);
            }
            State::Authenticating => self.refuse_authentication(violation, out),
            State::AwaitAnswer => self.forget_client(),
            State::Closed => {}
        }
        self.state = State::Closed;
        violation
    }
}

#[expect(clippy::panic, reason = "a broken shell stops before it mixes up two clients")]
fn unanswered() -> Violation {
    panic!("CONNECT is answered before the next packet")
}

#[cfg(test)]
mod tests;
