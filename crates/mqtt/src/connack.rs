//! CONNACK: the answer to CONNECT.

use crate::fixed_header::Kind;
use crate::properties::{Allowed, Properties};
use crate::reader::Reader;
use crate::{Malformed, Reason, TooLong, Version, writer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnAck<'a> {
    pub session_present: bool,
    pub reason: Reason,
    pub properties: Properties<'a>,
}

impl<'a> ConnAck<'a> {
    pub(crate) fn decode(mut reader: Reader<'a>, version: Version) -> Result<Self, Malformed> {
        let flags = reader.u8()?;
        let code = reader.u8()?;
        let reason = match version {
            Version::V311 => Reason::from_return_code(code),
            Version::V5 => {
                Reason::from_code(code).filter(|reason| reason.belongs_to(Kind::ConnAck))
            }
        };
        let reason = reason.ok_or(Malformed::ReasonCode(code))?;
        //= mqtt-v5 MQTT-3.2.2-1, MQTT-3.2.2-6
        //= mqtt-v311 MQTT-3.2.2-4
        if flags > 1 || flags == 1 && reason != Reason::Success {
            return Err(Malformed::AcknowledgeFlags(flags));
        }
        let properties = match version {
            Version::V311 => Properties::NONE,
            Version::V5 => Properties::read(&mut reader, Allowed::CONNACK)?,
        };
        reader.end()?;
        Ok(Self { session_present: flags == 1, reason, properties })
    }

    /// In MQTT 3.1.1 a reason that it has no code for becomes "server unavailable".
    ///
    /// # Errors
    /// When the whole is too long; nothing was appended then.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), TooLong> {
        writer::packet(Kind::ConnAck.first_byte(), out, |out| {
            out.push(u8::from(self.session_present));
            match version {
                Version::V311 => out.push(self.reason.return_code().unwrap_or(3)),
                Version::V5 => {
                    out.push(self.reason.code());
                    self.properties.write(out)?;
                }
            }
            Ok(())
        })
    }
}
