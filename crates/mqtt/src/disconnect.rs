//! DISCONNECT and AUTH: a reason and properties, both of which may be left out.

use crate::ack::read_reason;
use crate::fixed_header::Kind;
use crate::properties::{Allowed, Properties};
use crate::reader::Reader;
use crate::{Malformed, Reason, TooLong, Version, writer};

/// The end of a connection, said by either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect<'a> {
    /// Always `Success` in MQTT 3.1.1.
    pub reason: Reason,
    pub properties: Properties<'a>,
}

impl<'a> Disconnect<'a> {
    #[must_use]
    pub const fn new(reason: Reason) -> Self {
        Self { reason, properties: Properties::NONE }
    }

    pub(crate) fn decode(reader: Reader<'a>, version: Version) -> Result<Self, Malformed> {
        if version == Version::V311 {
            reader.end()?;
            return Ok(Self::new(Reason::Success));
        }
        let (reason, properties) = read(Kind::Disconnect, reader, Allowed::DISCONNECT)?;
        Ok(Self { reason, properties })
    }

    /// # Errors
    /// When the whole is too long; nothing was appended then.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), TooLong> {
        match version {
            Version::V311 => {
                out.extend_from_slice(&[Kind::Disconnect.first_byte(), 0]);
                Ok(())
            }
            Version::V5 => write(Kind::Disconnect, self.reason, self.properties, out),
        }
    }
}

/// One step of an enhanced authentication. MQTT 5 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth<'a> {
    pub reason: Reason,
    pub properties: Properties<'a>,
}

impl<'a> Auth<'a> {
    pub(crate) fn decode(reader: Reader<'a>) -> Result<Self, Malformed> {
        let (reason, properties) = read(Kind::Auth, reader, Allowed::AUTH)?;
        Ok(Self { reason, properties })
    }

    /// # Errors
    /// When the whole is too long; nothing was appended then.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        write(Kind::Auth, self.reason, self.properties, out)
    }
}

fn read(
    kind: Kind,
    mut reader: Reader<'_>,
    allowed: Allowed,
) -> Result<(Reason, Properties<'_>), Malformed> {
    let mut found = (Reason::Success, Properties::NONE);
    if !reader.is_empty() {
        found.0 = read_reason(kind, &mut reader)?;
    }
    if !reader.is_empty() {
        found.1 = Properties::read(&mut reader, allowed)?;
    }
    reader.end()?;
    Ok(found)
}

fn write(
    kind: Kind,
    reason: Reason,
    properties: Properties<'_>,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    writer::packet(kind.first_byte(), out, |out| {
        if properties.is_empty() {
            if reason != Reason::Success {
                out.push(reason.code());
            }
            return Ok(());
        }
        out.push(reason.code());
        properties.write(out)
    })
}
