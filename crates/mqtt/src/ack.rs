//! PUBACK, PUBREC, PUBREL and PUBCOMP: a packet id, and in MQTT 5 a reason.

use std::num::NonZeroU16;

use crate::fixed_header::Kind;
use crate::properties::{Allowed, Properties};
use crate::reader::Reader;
use crate::{Malformed, Reason, TooLong, Version, writer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    pub packet_id: NonZeroU16,
    /// Always `Success` in MQTT 3.1.1.
    pub reason: Reason,
    pub properties: Properties<'a>,
}

impl<'a> Ack<'a> {
    #[must_use]
    pub const fn new(packet_id: NonZeroU16, reason: Reason) -> Self {
        Self { packet_id, reason, properties: Properties::NONE }
    }

    pub(crate) fn decode(
        kind: Kind,
        mut reader: Reader<'a>,
        version: Version,
    ) -> Result<Self, Malformed> {
        let packet_id = reader.packet_id()?;
        let mut ack = Self::new(packet_id, Reason::Success);
        if version == Version::V5 && !reader.is_empty() {
            ack.reason = read_reason(kind, &mut reader)?;
            if !reader.is_empty() {
                ack.properties = Properties::read(&mut reader, Allowed::ACK)?;
            }
        }
        reader.end()?;
        Ok(ack)
    }

    /// As the packet of `kind`: one of the four this file is about.
    ///
    /// # Errors
    /// When the whole is too long; nothing was appended then.
    pub fn encode(&self, kind: Kind, version: Version, out: &mut Vec<u8>) -> Result<(), TooLong> {
        if version == Version::V311 || self.properties.is_empty() {
            encode_short(kind, self.packet_id, self.reason_in(version), out);
            return Ok(());
        }
        writer::packet(kind.first_byte(), out, |out| {
            writer::u16(self.packet_id.get(), out);
            out.push(self.reason.code());
            self.properties.write(out)
        })
    }

    fn reason_in(&self, version: Version) -> Reason {
        if version == Version::V5 { self.reason } else { Reason::Success }
    }
}

/// An acknowledgement without properties; without the reason too when it is `Success`.
//= mqtt-v5 MQTT-3.1.2-29, MQTT-3.4.2-2, MQTT-3.4.2-3, MQTT-3.5.2-2, MQTT-3.5.2-3
//= mqtt-v5 MQTT-3.6.2-2, MQTT-3.6.2-3, MQTT-3.7.2-2, MQTT-3.7.2-3
pub(crate) fn encode_short(kind: Kind, packet_id: NonZeroU16, reason: Reason, out: &mut Vec<u8>) {
    let [high, low] = packet_id.get().to_be_bytes();
    if reason == Reason::Success {
        out.extend_from_slice(&[kind.first_byte(), 2, high, low]);
    } else {
        out.extend_from_slice(&[kind.first_byte(), 3, high, low, reason.code()]);
    }
}

pub(crate) fn read_reason(kind: Kind, reader: &mut Reader<'_>) -> Result<Reason, Malformed> {
    let code = reader.u8()?;
    Reason::from_code(code)
        .filter(|reason| reason.belongs_to(kind))
        .ok_or(Malformed::ReasonCode(code))
}
