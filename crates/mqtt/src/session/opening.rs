//! CONNECT and its answer.

use super::{
    Accept, Action, ConnAck, EXPIRY_NEVER, Kind, Malformed, Method, Moment, Packet, Properties,
    PropertiesBuf, Property, Reason, Session, State, StoredWill, TooLong, Version, Violation,
};
use crate::ack::encode_short;
use crate::inflight::{Outbound, Step};

impl Session {
    pub(super) fn on_first<'p>(
        &mut self,
        packet: Packet<'p>,
        opened: Moment,
    ) -> Result<Action<'p>, Violation> {
        //= mqtt-v5 MQTT-3.1.0-1
        //= mqtt-v311 MQTT-3.1.0-1
        let Packet::Connect(connect) = packet else {
            return Err(Violation::FirstPacket(packet.kind()));
        };
        self.version = connect.version;
        self.clean_start = connect.clean_start;
        self.keep_alive = connect.keep_alive;
        //= mqtt-v311 MQTT-3.1.3-8, MQTT-3.1.3-9
        if connect.version == Version::V311 && connect.client_id.is_empty() && !connect.clean_start
        {
            return Err(Violation::ClientIdMissing);
        }
        //= mqtt-v311 MQTT-3.1.2-4, MQTT-3.1.2-6
        self.expiry = match connect.version {
            Version::V311 if !connect.clean_start => EXPIRY_NEVER,
            Version::V311 | Version::V5 => 0,
        };
        self.take_terms(connect.properties);
        if let Some(method) = Method::of(&connect, opened)? {
            self.extras.get_or_insert_default().method = Some(method);
        }
        self.will = connect.will.as_ref().map(StoredWill::keep).transpose()?;
        self.state = State::AwaitAnswer;
        Ok(Action::Connect(connect))
    }

    fn take_terms(&mut self, properties: Properties<'_>) {
        //= mqtt-v5 MQTT-3.1.2-26, MQTT-3.1.2-27
        let aliases = std::mem::take(&mut self.limits.aliases_to_client);
        for property in properties.iter() {
            if let Property::SessionExpiry(seconds) = property {
                self.expiry = seconds;
            } else if let Property::ReceiveMaximum(most) = property {
                //= mqtt-v5 MQTT-4.9.0-1
                self.window = self.window.min(most.get());
            } else if let Property::MaximumPacketSize(bytes) = property {
                self.client_packet_max = bytes.get();
            } else if let Property::TopicAliasMaximum(most) = property {
                self.limits.aliases_to_client =
                    u8::try_from(most).map_or(aliases, |most| most.min(aliases));
            }
        }
    }

    /// Lets the client in. PUBRELs of a resumed session are appended behind the CONNACK, those of a
    /// kept one by `release_received`; its unconfirmed messages follow by `redeliver`.
    ///
    /// # Errors
    /// The client takes no packet as large as a CONNACK; the connection is over.
    ///
    /// # Panics
    /// Without a CONNECT to answer, or when a session is resumed that the client wants clean.
    //= mqtt-v5 MQTT-3.1.4-5, MQTT-3.2.0-1, MQTT-3.2.2-2, MQTT-3.2.2-3
    //= mqtt-v311 MQTT-3.1.4-4, MQTT-3.2.0-1, MQTT-3.2.2-1, MQTT-3.2.2-2, MQTT-3.2.2-3
    pub fn accept(&mut self, accept: Accept<'_>, out: &mut Vec<u8>) -> Result<(), Violation> {
        //= mqtt-v5 MQTT-3.2.0-2
        assert_eq!(self.state, State::AwaitAnswer, "an answer follows a question");
        let session_present = accept.resumed.is_some();
        //= mqtt-v5 MQTT-3.1.2-4
        assert!(!(session_present && self.clean_start), "a clean start resumes nothing");
        let properties = self.offer(&accept);
        self.inflight = accept.resumed.unwrap_or_default();
        self.kept = accept.kept;
        self.state = State::Connected;
        if self.version == Version::V5 {
            self.keep_alive = accept.keep_alive.unwrap_or(self.keep_alive);
        }
        self.expiry = accept.session_expiry.unwrap_or(self.expiry);
        let version = self.version;
        let written = properties.and_then(|properties| {
            let properties = properties.as_properties();
            let connack = ConnAck { session_present, reason: Reason::Success, properties };
            let start = out.len();
            connack.encode(version, out)?;
            if out.len() - start > self.client_packet_max as usize {
                out.truncate(start);
                return Err(TooLong);
            }
            Ok(())
        });
        if written.is_err() {
            // Without a CONNACK there is no DISCONNECT either, and nobody to publish a will for.
            self.state = State::Closed;
            self.will = None;
            return Err(Violation::ClientPacketMax { max: self.client_packet_max });
        }
        if !self.kept {
            self.release_received(out);
        }
        Ok(())
    }

    /// Appends the PUBRELs of a resumed session that no PUBREC on this connection asks for.
    //= mqtt-v5 MQTT-4.4.0-1, MQTT-4.6.0-4
    //= mqtt-v311 MQTT-4.4.0-1, MQTT-4.6.0-4
    pub fn release_received(&self, out: &mut Vec<u8>) {
        let due = |message: &&Outbound| message.step == Step::PubComp && !message.sent;
        for message in self.inflight.outbound().filter(due) {
            encode_short(Kind::PubRel, message.packet_id, Reason::Success, out);
        }
    }

    /// Turns the client away. In MQTT 3.1.1 without a word where it has none for `reason`.
    ///
    /// # Panics
    /// Without a CONNECT to answer.
    //= mqtt-v5 MQTT-3.1.3-8, MQTT-3.2.2-6, MQTT-3.2.2-7, MQTT-3.2.2-8
    //= mqtt-v311 MQTT-3.2.2-4, MQTT-3.2.2-5, MQTT-3.2.2-6
    pub fn refuse(&mut self, reason: Reason, out: &mut Vec<u8>) {
        assert_eq!(self.state, State::AwaitAnswer, "an answer follows a question");
        refusal(self.version, reason, out);
        self.forget_client();
        self.state = State::Closed;
    }

    /// The answer to a CONNECT that is none, as far as there is one.
    //= mqtt-v5 MQTT-3.1.4-1
    //= mqtt-v311 MQTT-3.1.2-2, MQTT-3.1.4-1
    pub(super) fn refuse_opening(&mut self, violation: Violation, out: &mut Vec<u8>) {
        self.forget_client();
        if let Violation::Malformed(Malformed::ProtocolLevel { level }) = violation {
            let version = if level > Version::V5.level() { Version::V5 } else { Version::V311 };
            refusal(version, Reason::UnsupportedVersion, out);
        } else if matches!(
            violation,
            Violation::ClientIdMissing | Violation::WillTopic(_) | Violation::AuthTooMuch
        ) {
            refusal(self.version, violation.reason(), out);
        }
    }

    /// What MQTT 5 tells the client of our terms.
    //= mqtt-v5 MQTT-3.1.2-28, MQTT-3.1.2-29, MQTT-3.2.2-19, MQTT-3.2.2-20
    fn offer(&self, accept: &Accept<'_>) -> Result<PropertiesBuf, TooLong> {
        let limits = &self.limits;
        let mut offer = PropertiesBuf::default();
        if self.version == Version::V311 {
            return Ok(offer);
        }
        if let Some(seconds) = accept.session_expiry.filter(|seconds| *seconds != self.expiry) {
            offer.push(Property::SessionExpiry(seconds))?;
        }
        if let Some(most) = std::num::NonZeroU16::new(limits.receive_maximum) {
            offer.push(Property::ReceiveMaximum(most))?;
        }
        if let Some(bytes) = std::num::NonZeroU32::new(limits.packet_max) {
            offer.push(Property::MaximumPacketSize(bytes))?;
        }
        //= mqtt-v5 MQTT-3.2.2-16
        if let Some(client_id) = accept.assigned_client_id {
            offer.push(Property::AssignedClientId(client_id))?;
        }
        if limits.topic_alias_maximum > 0 {
            offer.push(Property::TopicAliasMaximum(limits.topic_alias_maximum))?;
        }
        if !limits.shared_subscriptions {
            offer.push(Property::SharedAvailable(false))?;
        }
        //= mqtt-v5 MQTT-3.2.2-21
        if let Some(seconds) = accept.keep_alive {
            offer.push(Property::ServerKeepAlive(seconds))?;
        }
        self.offer_proof(accept.auth_data, &mut offer)?;
        Ok(offer)
    }
}

pub(super) fn refusal(version: Version, reason: Reason, out: &mut Vec<u8>) {
    if version == Version::V311 && reason.return_code().is_none() {
        return;
    }
    let reason = reason.told_in(Kind::ConnAck);
    let connack = ConnAck { session_present: false, reason, properties: Properties::NONE };
    let written = connack.encode(version, out);
    assert_eq!(written, Ok(()), "five bytes");
}
