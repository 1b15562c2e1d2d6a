//! Messages to the client: the window, packet ids, and what the client says of them.

use std::num::NonZeroU16;

use model::Qos;

use super::{Action, Reason, Session, State, Violation};
use crate::Kind;
use crate::ack::{Ack, encode_short};
use crate::inflight::{Outbound, Step};
use crate::publish::Frame;

/// What became of a message for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Appended. With a packet id above QoS 0; `Action::Delivered` follows some day.
    Sent(Option<NonZeroU16>),
    /// As many are under way as the client takes, or older ones have to be sent again first. Try
    /// again after the next `Action::Delivered`.
    WindowFull,
    /// The client takes no packet of this size. To be dropped, as if it were delivered.
    TooLarge,
    /// There is no client any more, or no such message.
    Gone,
}

impl Session {
    /// Sends a message. `token` names it until `Action::Delivered`; for QoS 0 it is not kept.
    //= mqtt-v5 MQTT-2.2.1-4, MQTT-3.3.1-3, MQTT-3.3.4-9, MQTT-4.3.2-1, MQTT-4.3.2-2, MQTT-4.3.3-1
    //= mqtt-v5 MQTT-4.3.3-2, MQTT-4.9.0-2
    //= mqtt-v311 MQTT-2.3.1-4, MQTT-3.3.1-3, MQTT-4.3.2-1, MQTT-4.3.3-1
    pub fn deliver(&mut self, frame: Frame<'_>, token: u64, out: &mut Vec<u8>) -> Delivered {
        if self.state != State::Connected {
            return Delivered::Gone;
        }
        //= mqtt-v5 MQTT-3.1.2-24, MQTT-3.1.2-25
        if frame.len() > self.client_packet_max as usize {
            return Delivered::TooLarge;
        }
        //= mqtt-v5 MQTT-4.3.1-1
        //= mqtt-v311 MQTT-4.3.1-1
        let Some(step) = first_step(frame) else {
            self.write(0, frame, out);
            return Delivered::Sent(None);
        };
        //= mqtt-v5 MQTT-4.6.0-5, MQTT-4.6.0-6
        //= mqtt-v311 MQTT-4.6.0-5, MQTT-4.6.0-6
        if self.in_window >= self.window || self.inflight_is_full() {
            return Delivered::WindowFull;
        }
        let packet_id = self.inflight.push(step, token);
        self.in_window += 1;
        self.write(packet_id.get(), frame, out);
        Delivered::Sent(Some(packet_id))
    }

    /// Appends a message that is sent for the first time, with an alias if the client takes some.
    #[inline]
    fn write(&mut self, packet_id: u16, frame: Frame<'_>, out: &mut Vec<u8>) {
        if self.limits.aliases_to_client == 0 {
            frame.write(packet_id, false, out);
        } else {
            self.write_aliased(packet_id, frame, out);
        }
    }

    // Apart, so that it costs those nothing who take no aliases: 0.9 ns a message otherwise.
    #[inline(never)]
    fn write_aliased(&mut self, packet_id: u16, frame: Frame<'_>, out: &mut Vec<u8>) {
        //= mqtt-v5 MQTT-3.3.2-11
        let most = self.limits.aliases_to_client;
        let topics = &mut self.extras.get_or_insert_default().aliases.to_client;
        match topics.alias_for(frame, most, self.client_packet_max as usize) {
            Some(alias) => frame.write_aliased(packet_id, alias, out),
            None => frame.write(packet_id, false, out),
        }
    }

    /// Takes a packet id and a place in the window for a QoS 2 message of a kept session, which goes
    /// by `send_reserved` once the id is written down. `None` while there is no place.
    pub fn reserve(&mut self, token: u64) -> Option<NonZeroU16> {
        let room = self.in_window < self.window && !self.inflight_is_full();
        if self.state != State::Connected || !room {
            return None;
        }
        self.in_window += 1;
        Some(self.inflight.push(Step::PubRec, token))
    }

    /// # Panics
    /// When the frame is not one of QoS 2.
    pub fn send_reserved(
        &mut self,
        packet_id: NonZeroU16,
        frame: Frame<'_>,
        out: &mut Vec<u8>,
    ) -> Delivered {
        assert_eq!(first_step(frame), Some(Step::PubRec), "only QoS 2 reserves an id");
        let reserved = |message: &Outbound| message.sent && message.step == Step::PubRec;
        let found = self.inflight.find(packet_id).filter(|(_, message)| reserved(message));
        let Some((index, _)) = found.filter(|_| self.state == State::Connected) else {
            return Delivered::Gone;
        };
        if frame.len() > self.client_packet_max as usize {
            self.inflight.remove(index);
            self.in_window -= 1;
            return Delivered::TooLarge;
        }
        self.write(packet_id.get(), frame, out);
        Delivered::Sent(Some(packet_id))
    }

    /// Sends a message of a resumed session again, marked as such and with its topic in full. The
    /// caller goes through `outbound` in its order.
    ///
    /// # Panics
    /// When the frame has another QoS than the message had.
    //= mqtt-v5 MQTT-3.3.1-1, MQTT-4.4.0-1, MQTT-4.6.0-1
    //= mqtt-v311 MQTT-3.3.1-1, MQTT-4.4.0-1, MQTT-4.6.0-1
    pub fn redeliver(
        &mut self,
        packet_id: NonZeroU16,
        frame: Frame<'_>,
        out: &mut Vec<u8>,
    ) -> Delivered {
        let Some((index, message)) = self.inflight.find(packet_id) else { return Delivered::Gone };
        if message.sent || message.step == Step::PubComp || self.state != State::Connected {
            return Delivered::Gone;
        }
        assert_eq!(Some(message.step), first_step(frame), "a message keeps its QoS");
        if frame.len() > self.client_packet_max as usize {
            self.inflight.remove(index);
            return Delivered::TooLarge;
        }
        if self.in_window >= self.window {
            return Delivered::WindowFull;
        }
        message.sent = true;
        self.in_window += 1;
        frame.write(packet_id.get(), true, out);
        Delivered::Sent(Some(packet_id))
    }

    /// Drops a message of a resumed session that cannot be sent again: it expired, or it is gone.
    /// One that was sent on this connection, or that the client has, stays.
    pub fn forget(&mut self, packet_id: NonZeroU16) {
        if let Some((index, message)) = self.inflight.find(packet_id)
            && !message.sent
            && message.step != Step::PubComp
        {
            self.inflight.remove(index);
        }
    }

    /// The first message that has to be sent again by `redeliver`, or given up by `forget`,
    /// before new ones may go: its packet id and its token.
    pub fn next_to_resend(&mut self) -> Option<(NonZeroU16, u64)> {
        self.inflight.next_to_resend().map(|message| (message.packet_id, message.token))
    }

    /// How many messages above QoS 0 the client takes now.
    #[must_use]
    pub const fn window_left(&self) -> u16 {
        self.window.saturating_sub(self.in_window)
    }

    //= mqtt-v5 MQTT-4.3.2-3, MQTT-4.4.0-2, MQTT-4.8.2-6
    pub(super) fn on_puback(
        &mut self,
        ack: &Ack<'_>,
    ) -> Result<Option<Action<'static>>, Violation> {
        self.complete(Kind::PubAck, Step::PubAck, ack)
    }

    //= mqtt-v5 MQTT-4.3.3-5, MQTT-4.3.3-6
    pub(super) fn on_pubcomp(
        &mut self,
        ack: &Ack<'_>,
    ) -> Result<Option<Action<'static>>, Violation> {
        self.complete(Kind::PubComp, Step::PubComp, ack)
    }

    //= mqtt-v5 MQTT-2.2.1-5, MQTT-4.3.3-3, MQTT-4.3.3-4, MQTT-4.3.3-13
    //= mqtt-v311 MQTT-4.3.3-1
    pub(super) fn on_pubrec(
        &mut self,
        ack: &Ack<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Action<'static>>, Violation> {
        let unknown = self.unknown_id();
        let Some((_, message)) = self.inflight.find(ack.packet_id) else {
            encode_short(Kind::PubRel, ack.packet_id, unknown, out);
            return Ok(None);
        };
        match message.step {
            Step::PubAck => Err(wrong_step(Kind::PubRec, ack)),
            //= mqtt-v5 MQTT-4.4.0-2
            Step::PubRec if ack.reason.is_failure() => {
                self.complete(Kind::PubRec, Step::PubRec, ack)
            }
            Step::PubRec => {
                message.step = Step::PubComp;
                // It may know the message from a connection before.
                self.in_window += u16::from(!std::mem::replace(&mut message.sent, true));
                let (packet_id, token) = (ack.packet_id, message.token);
                let ticket = self.kept.then(|| self.ticket_to_release(packet_id));
                if ticket.is_none() {
                    encode_short(Kind::PubRel, packet_id, Reason::Success, out);
                }
                Ok(Some(Action::Received { packet_id, token, ticket }))
            }
            // Its PUBREL is under way, or waits until it is written down.
            Step::PubComp if self.kept => Ok(None),
            Step::PubComp => {
                encode_short(Kind::PubRel, ack.packet_id, Reason::Success, out);
                Ok(None)
            }
        }
    }

    /// The client is done with a message. An id that is not in flight is left alone: it belongs
    /// to a connection before.
    fn complete(
        &mut self,
        kind: Kind,
        expected: Step,
        ack: &Ack<'_>,
    ) -> Result<Option<Action<'static>>, Violation> {
        let Some((index, message)) = self.inflight.find(ack.packet_id) else { return Ok(None) };
        if message.step != expected {
            return Err(wrong_step(kind, ack));
        }
        let token = message.token;
        self.in_window -= u16::from(message.sent);
        self.inflight.remove(index);
        Ok(Some(Action::Delivered { token, reason: ack.reason }))
    }

    /// Messages of earlier connections go first, and what is left of them counts: so no client
    /// can pile up half finished handshakes from one connection to the next.
    fn inflight_is_full(&mut self) -> bool {
        let in_flight = self.inflight.outbound_len();
        let from_before = in_flight > usize::from(self.in_window);
        from_before
            && (in_flight >= usize::from(self.limits.window_max) || self.next_to_resend().is_some())
    }
}

fn first_step(frame: Frame<'_>) -> Option<Step> {
    match frame.qos() {
        Qos::AtMostOnce => None,
        Qos::AtLeastOnce => Some(Step::PubAck),
        Qos::ExactlyOnce => Some(Step::PubRec),
    }
}

fn wrong_step(kind: Kind, ack: &Ack<'_>) -> Violation {
    Violation::HandshakeStep { kind, packet_id: ack.packet_id.get() }
}
