//! SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};

use model::Qos;

use crate::fixed_header::Kind;
use crate::properties::{Allowed, Properties};
use crate::property::Property;
use crate::reader::Reader;
use crate::{Malformed, Reason, TooLong, Version, writer};

const NO_LOCAL: u8 = 1 << 2;
const RETAIN_AS_PUBLISHED: u8 = 1 << 3;
const SHARED_PREFIX: &str = "$share/";

/// Which retained messages a new subscription gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RetainHandling {
    #[default]
    Send = 0,
    SendIfNew = 1,
    DoNotSend = 2,
}

/// How a subscriber wants what it asks for. MQTT 3.1.1 has the QoS only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionOptions {
    pub qos: Qos,
    pub no_local: bool,
    pub retain_as_published: bool,
    pub retain_handling: RetainHandling,
}

impl SubscriptionOptions {
    #[must_use]
    pub const fn with_qos(qos: Qos) -> Self {
        Self {
            qos,
            no_local: false,
            retain_as_published: false,
            retain_handling: RetainHandling::Send,
        }
    }

    //= mqtt-v5 MQTT-3.8.3-5
    //= mqtt-v311 MQTT-3-8.3-4
    fn from_bits(bits: u8, version: Version) -> Result<Self, Malformed> {
        let wrong = Malformed::SubscriptionOptions(bits);
        let qos = Qos::from_bits(bits & 0b11).ok_or(Malformed::Qos)?;
        let reserved = if version == Version::V5 { 0b1100_0000 } else { 0b1111_1100 };
        if bits & reserved != 0 {
            return Err(wrong);
        }
        let retain_handling = match bits >> 4 & 0b11 {
            0 => RetainHandling::Send,
            1 => RetainHandling::SendIfNew,
            2 => RetainHandling::DoNotSend,
            _ => return Err(wrong),
        };
        let no_local = bits & NO_LOCAL != 0;
        let retain_as_published = bits & RETAIN_AS_PUBLISHED != 0;
        Ok(Self { qos, no_local, retain_as_published, retain_handling })
    }

    const fn bits(self, version: Version) -> u8 {
        let qos = self.qos.bits();
        match version {
            Version::V311 => qos,
            Version::V5 => {
                qos | if self.no_local { NO_LOCAL } else { 0 }
                    | if self.retain_as_published { RETAIN_AS_PUBLISHED } else { 0 }
                    | (self.retain_handling as u8) << 4
            }
        }
    }
}

/// One line of a SUBSCRIBE. The filter is text: whether it is one is `TopicFilter`'s to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription<'a> {
    pub filter: &'a str,
    pub options: SubscriptionOptions,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Subscribe<'a> {
    packet_id: NonZeroU16,
    properties: Properties<'a>,
    version: Version,
    lines: Reader<'a>,
}

impl<'a> Subscribe<'a> {
    //= mqtt-v5 MQTT-3.8.3-1, MQTT-3.8.3-2
    //= mqtt-v311 MQTT-3.8.3-1, MQTT-3.8.3-3
    pub(crate) fn decode(mut reader: Reader<'a>, version: Version) -> Result<Self, Malformed> {
        let packet_id = reader.packet_id()?;
        let properties = read_properties(&mut reader, version, Allowed::SUBSCRIBE)?;
        let lines = reader;
        if reader.is_empty() {
            return Err(Malformed::NoFilters);
        }
        while !reader.is_empty() {
            let line = read_line(&mut reader, version)?;
            //= mqtt-v5 MQTT-3.8.3-4
            if line.options.no_local && line.filter.starts_with(SHARED_PREFIX) {
                return Err(Malformed::SharedNoLocal);
            }
        }
        Ok(Self { packet_id, properties, version, lines })
    }

    #[must_use]
    pub const fn packet_id(&self) -> NonZeroU16 {
        self.packet_id
    }

    #[must_use]
    pub const fn properties(&self) -> Properties<'a> {
        self.properties
    }

    /// In the order of the packet, which is the order of the answer.
    pub fn subscriptions(&self) -> impl Iterator<Item = Subscription<'a>> + use<'a> {
        let (mut rest, version) = (self.lines, self.version);
        std::iter::from_fn(
            move || {
                if rest.is_empty() { None } else { read_line(&mut rest, version).ok() }
            },
        )
    }

    /// The number that the client wants to see with each message of these subscriptions.
    #[must_use]
    pub fn subscription_id(&self) -> Option<NonZeroU32> {
        self.properties.iter().find_map(|property| {
            if let Property::SubscriptionId(id) = property { Some(id) } else { None }
        })
    }
}

impl fmt::Debug for Subscribe<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Subscribe {} {:?} ", self.packet_id, self.properties)?;
        out.debug_list().entries(self.subscriptions()).finish()
    }
}

fn read_line<'a>(reader: &mut Reader<'a>, version: Version) -> Result<Subscription<'a>, Malformed> {
    let filter = reader.text()?;
    let options = SubscriptionOptions::from_bits(reader.u8()?, version)?;
    Ok(Subscription { filter, options })
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    packet_id: NonZeroU16,
    properties: Properties<'a>,
    lines: Reader<'a>,
}

impl<'a> Unsubscribe<'a> {
    //= mqtt-v5 MQTT-3.10.3-1, MQTT-3.10.3-2
    //= mqtt-v311 MQTT-3.10.3-1, MQTT-3.10.3-2
    pub(crate) fn decode(mut reader: Reader<'a>, version: Version) -> Result<Self, Malformed> {
        let packet_id = reader.packet_id()?;
        let properties = read_properties(&mut reader, version, Allowed::UNSUBSCRIBE)?;
        let lines = reader;
        if reader.is_empty() {
            return Err(Malformed::NoFilters);
        }
        while !reader.is_empty() {
            reader.text()?;
        }
        Ok(Self { packet_id, properties, lines })
    }

    #[must_use]
    pub const fn packet_id(&self) -> NonZeroU16 {
        self.packet_id
    }

    #[must_use]
    pub const fn properties(&self) -> Properties<'a> {
        self.properties
    }

    /// In the order of the packet, which is the order of the answer.
    pub fn filters(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut rest = self.lines;
        std::iter::from_fn(move || if rest.is_empty() { None } else { rest.text().ok() })
    }
}

impl fmt::Debug for Unsubscribe<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Unsubscribe {} {:?} ", self.packet_id, self.properties)?;
        out.debug_list().entries(self.filters()).finish()
    }
}

/// SUBACK or UNSUBACK: one reason for each filter of the packet it answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FilterAck<'a> {
    packet_id: NonZeroU16,
    properties: Properties<'a>,
    codes: &'a [u8],
}

impl<'a> FilterAck<'a> {
    pub(crate) fn decode(
        kind: Kind,
        mut reader: Reader<'a>,
        version: Version,
    ) -> Result<Self, Malformed> {
        let packet_id = reader.packet_id()?;
        let properties = read_properties(&mut reader, version, Allowed::ACK)?;
        let codes = reader.remainder();
        if version == Version::V311 && kind == Kind::UnsubAck {
            reader.end()?;
            return Ok(Self { packet_id, properties, codes });
        }
        if codes.is_empty() {
            return Err(Malformed::NoFilters);
        }
        match codes.iter().find(|code| !is_answer(**code, kind, version)) {
            Some(code) => Err(Malformed::ReasonCode(*code)),
            None => Ok(Self { packet_id, properties, codes }),
        }
    }

    #[must_use]
    pub const fn packet_id(&self) -> NonZeroU16 {
        self.packet_id
    }

    #[must_use]
    pub const fn properties(&self) -> Properties<'a> {
        self.properties
    }

    /// Empty for an UNSUBACK of MQTT 3.1.1.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> + use<'a> {
        self.codes.iter().filter_map(|code| Reason::from_code(*code))
    }
}

impl fmt::Debug for FilterAck<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "FilterAck {} {:?} ", self.packet_id, self.properties)?;
        out.debug_list().entries(self.reasons()).finish()
    }
}

//= mqtt-v311 MQTT-3.9.3-2
fn is_answer(code: u8, kind: Kind, version: Version) -> bool {
    match version {
        Version::V311 => matches!(code, 0..=2 | 0x80),
        Version::V5 => Reason::from_code(code).is_some_and(|reason| reason.belongs_to(kind)),
    }
}

fn read_properties<'a>(
    reader: &mut Reader<'a>,
    version: Version,
    allowed: Allowed,
) -> Result<Properties<'a>, Malformed> {
    match version {
        Version::V311 => Ok(Properties::NONE),
        Version::V5 => Properties::read(reader, allowed),
    }
}

fn write_head(
    packet_id: NonZeroU16,
    properties: Properties<'_>,
    version: Version,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    writer::u16(packet_id.get(), out);
    match version {
        Version::V311 => Ok(()),
        Version::V5 => properties.write(out),
    }
}

/// Appends a SUBSCRIBE.
///
/// # Errors
/// When a filter or the whole is too long; nothing was appended then.
pub fn encode_subscribe<'a>(
    version: Version,
    packet_id: NonZeroU16,
    properties: Properties<'_>,
    subscriptions: impl IntoIterator<Item = Subscription<'a>>,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    writer::packet(Kind::Subscribe.first_byte(), out, |out| {
        write_head(packet_id, properties, version, out)?;
        for line in subscriptions {
            writer::text(line.filter, out)?;
            out.push(line.options.bits(version));
        }
        Ok(())
    })
}

/// Appends an UNSUBSCRIBE.
///
/// # Errors
/// When a filter or the whole is too long; nothing was appended then.
pub fn encode_unsubscribe<'a>(
    version: Version,
    packet_id: NonZeroU16,
    properties: Properties<'_>,
    filters: impl IntoIterator<Item = &'a str>,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    writer::packet(Kind::Unsubscribe.first_byte(), out, |out| {
        write_head(packet_id, properties, version, out)?;
        filters.into_iter().try_for_each(|filter| writer::text(filter, out))
    })
}

/// Appends a SUBACK. MQTT 3.1.1 knows one failure, 0x80.
///
/// # Errors
/// When the whole is too long; nothing was appended then.
pub fn encode_suback(
    version: Version,
    packet_id: NonZeroU16,
    properties: Properties<'_>,
    reasons: impl IntoIterator<Item = Reason>,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    writer::packet(Kind::SubAck.first_byte(), out, |out| {
        write_head(packet_id, properties, version, out)?;
        //= mqtt-v5 MQTT-3.9.3-1
        //= mqtt-v311 MQTT-3.9.3-1, MQTT-3.9.3-2
        out.extend(reasons.into_iter().map(|reason| match version {
            Version::V311 if reason.is_failure() => Reason::Unspecified.code(),
            Version::V311 | Version::V5 => reason.code(),
        }));
        Ok(())
    })
}

/// Appends an UNSUBACK. In MQTT 3.1.1 it has no reasons.
///
/// # Errors
/// When the whole is too long; nothing was appended then.
pub fn encode_unsuback(
    version: Version,
    packet_id: NonZeroU16,
    properties: Properties<'_>,
    reasons: impl IntoIterator<Item = Reason>,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    writer::packet(Kind::UnsubAck.first_byte(), out, |out| {
        write_head(packet_id, properties, version, out)?;
        if version == Version::V5 {
            out.extend(reasons.into_iter().map(Reason::code));
        }
        Ok(())
    })
}
