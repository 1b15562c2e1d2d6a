//! The properties of MQTT 5 packets: a block of bytes that was checked once and is read in place.

use std::num::{NonZeroU16, NonZeroU32};

use crate::reader::Reader;
use crate::{Malformed, TooLong, varint, writer};

/// One property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property<'a> {
    /// Whether the payload says of itself that it is UTF-8.
    PayloadIsText(bool),
    MessageExpiry(u32),
    ContentType(&'a str),
    ResponseTopic(&'a str),
    CorrelationData(&'a [u8]),
    SubscriptionId(NonZeroU32),
    SessionExpiry(u32),
    AssignedClientId(&'a str),
    ServerKeepAlive(u16),
    AuthMethod(&'a str),
    AuthData(&'a [u8]),
    RequestProblemInfo(bool),
    WillDelay(u32),
    RequestResponseInfo(bool),
    ResponseInfo(&'a str),
    ServerReference(&'a str),
    ReasonString(&'a str),
    ReceiveMaximum(NonZeroU16),
    TopicAliasMaximum(u16),
    TopicAlias(NonZeroU16),
    /// Whether QoS 1 is the most that is served; otherwise it is QoS 0.
    MaximumQosIsOne(bool),
    RetainAvailable(bool),
    User(&'a str, &'a str),
    MaximumPacketSize(NonZeroU32),
    WildcardAvailable(bool),
    SubscriptionIdsAvailable(bool),
    SharedAvailable(bool),
}

/// Which properties a packet may have: bit n stands for the property with the id n.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed(u64);

impl Allowed {
    pub(crate) const CONNECT: Self =
        Self::of(&[0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27]);
    pub(crate) const WILL: Self = Self::of(&[0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26]);
    pub(crate) const CONNACK: Self = Self::of(&[
        0x11, 0x12, 0x13, 0x15, 0x16, 0x1A, 0x1C, 0x1F, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x28,
        0x29, 0x2A,
    ]);
    pub(crate) const PUBLISH: Self = Self::of(&[0x01, 0x02, 0x03, 0x08, 0x09, 0x0B, 0x23, 0x26]);
    pub(crate) const ACK: Self = Self::of(&[0x1F, 0x26]);
    pub(crate) const SUBSCRIBE: Self = Self::of(&[0x0B, 0x26]);
    pub(crate) const UNSUBSCRIBE: Self = Self::of(&[0x26]);
    pub(crate) const DISCONNECT: Self = Self::of(&[0x11, 0x1C, 0x1F, 0x26]);
    pub(crate) const AUTH: Self = Self::of(&[0x15, 0x16, 0x1F, 0x26]);

    const fn of(ids: &[u8]) -> Self {
        let mut rest = ids;
        let mut bits = 0;
        while let [id, tail @ ..] = rest {
            bits |= 1 << *id;
            rest = tail;
        }
        Self(bits)
    }

    const fn holds(self, id: u8) -> bool {
        id < 64 && self.0 & (1 << id) != 0
    }
}

const SUBSCRIPTION_ID: u8 = 0x0B;
const TOPIC_ALIAS: u8 = 0x23;
const USER: u8 = 0x26;

/// A checked block of properties, in wire form without the length in front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Properties<'a> {
    block: &'a [u8],
}

impl<'a> Properties<'a> {
    pub const NONE: Self = Self { block: &[] };

    /// The length, the block, and the check of the block: one pass over it, whatever is in it.
    pub(crate) fn read(reader: &mut Reader<'a>, allowed: Allowed) -> Result<Self, Malformed> {
        let block = read_block(reader)?;
        let mut checked = Checked::new(block, allowed);
        while checked.next_property()?.is_some() {}
        Ok(Self { block })
    }

    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.block
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.block.is_empty()
    }

    /// The properties in the order in which they came.
    pub fn iter(self) -> impl Iterator<Item = Property<'a>> {
        let mut rest = Reader::new(self.block);
        std::iter::from_fn(move || {
            if rest.is_empty() { None } else { Property::read(&mut rest).ok().map(|(_, it)| it) }
        })
    }

    /// The user properties, which may repeat.
    pub fn user(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.iter().filter_map(|property| {
            if let Property::User(name, value) = property { Some((name, value)) } else { None }
        })
    }

    pub(crate) fn write(self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        varint::encode(self.block.len(), out)?;
        out.extend_from_slice(self.block);
        Ok(())
    }
}

/// Properties to be sent, collected one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertiesBuf {
    block: Vec<u8>,
}

impl PropertiesBuf {
    /// # Errors
    /// When a text or binary value has more than 65,535 bytes.
    pub fn push(&mut self, property: Property<'_>) -> Result<&mut Self, TooLong> {
        let before = self.block.len();
        let written = property.write(&mut self.block);
        if written.is_err() {
            self.block.truncate(before);
        }
        written.map(|()| self)
    }

    #[must_use]
    pub fn as_properties(&self) -> Properties<'_> {
        Properties { block: &self.block }
    }
}

/// What a PUBLISH carries besides topic and payload, looked at once while it is decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishProperties<'a> {
    all: Properties<'a>,
    /// `all` without what belongs to one connection, when that stands at its ends only.
    travelling: &'a [u8],
    /// What belongs to one connection stands between properties that travel.
    interleaved: bool,
    alias: Option<NonZeroU16>,
    expiry: Option<u32>,
    has_subscription_ids: bool,
}

impl<'a> PublishProperties<'a> {
    pub const NONE: Self = Self {
        all: Properties::NONE,
        travelling: &[],
        interleaved: false,
        alias: None,
        expiry: None,
        has_subscription_ids: false,
    };

    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Self::parse(read_block(reader)?)
    }

    /// # Errors
    /// When `block` is not what may stand in a PUBLISH.
    pub fn parse(block: &'a [u8]) -> Result<Self, Malformed> {
        let mut seen = Self { all: Properties { block }, ..Self::NONE };
        let mut checked = Checked::new(block, Allowed::PUBLISH);
        let mut travel = Span::default();
        loop {
            let start = checked.at();
            let Some((id, property)) = checked.next_property()? else { break };
            if let Property::TopicAlias(alias) = property {
                seen.alias = Some(alias);
            } else if let Property::MessageExpiry(seconds) = property {
                seen.expiry = Some(seconds);
            }
            seen.has_subscription_ids |= id == SUBSCRIPTION_ID;
            if id != TOPIC_ALIAS && id != SUBSCRIPTION_ID {
                travel.cover(start, checked.at());
            }
        }
        seen.travelling = block.get(travel.start..travel.end).unwrap_or_default();
        seen.interleaved = travel.holes;
        Ok(seen)
    }

    /// Everything, as it came.
    #[must_use]
    pub const fn all(&self) -> Properties<'a> {
        self.all
    }

    #[must_use]
    pub const fn alias(&self) -> Option<NonZeroU16> {
        self.alias
    }

    /// Seconds for which the message is worth delivering.
    #[must_use]
    pub const fn expiry(&self) -> Option<u32> {
        self.expiry
    }

    #[must_use]
    pub const fn has_subscription_ids(&self) -> bool {
        self.has_subscription_ids
    }

    /// The block that travels with the message to its receivers and into the journal. `scratch`
    /// is used only when the sender mixed its alias in between.
    //= mqtt-v5 MQTT-3.3.2-4, MQTT-3.3.2-15, MQTT-3.3.2-16, MQTT-3.3.2-17, MQTT-3.3.2-18, MQTT-3.3.2-20
    #[must_use]
    pub fn travelling<'s>(&self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        if !self.interleaved {
            return self.travelling;
        }
        scratch.clear();
        let mut rest = Reader::new(self.travelling);
        while !rest.is_empty() {
            let before = rest.remainder();
            let Ok((id, _)) = Property::read(&mut rest) else { break };
            if id != TOPIC_ALIAS && id != SUBSCRIPTION_ID {
                let bytes = before.len() - rest.len();
                scratch.extend_from_slice(before.get(..bytes).unwrap_or_default());
            }
        }
        scratch
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: usize,
    end: usize,
    holes: bool,
}

impl Span {
    fn cover(&mut self, start: usize, end: usize) {
        if self.end == 0 {
            self.start = start;
        } else if self.end != start {
            self.holes = true;
        }
        self.end = end;
    }
}

/// Where the property `id` begins in a block that was checked before.
pub(crate) fn place_of(id: u8, block: &[u8]) -> Option<usize> {
    let mut rest = Reader::new(block);
    loop {
        let at = block.len() - rest.len();
        let (found, _) = Property::read(&mut rest).ok()?;
        if found == id {
            return Some(at);
        }
    }
}

fn read_block<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let len = reader.varint()?;
    reader.slice(len as usize)
}

/// Reads a block and holds it to the rules: known, allowed here, not twice.
struct Checked<'a> {
    rest: Reader<'a>,
    total: usize,
    allowed: Allowed,
    seen: u64,
}

impl<'a> Checked<'a> {
    const fn new(block: &'a [u8], allowed: Allowed) -> Self {
        Self { rest: Reader::new(block), total: block.len(), allowed, seen: 0 }
    }

    const fn at(&self) -> usize {
        self.total - self.rest.len()
    }

    //= mqtt-v5 MQTT-3.3.4-6, MQTT-3.8.2-1
    fn next_property(&mut self) -> Result<Option<(u8, Property<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (id, property) = Property::read(&mut self.rest)?;
        if !self.allowed.holds(id) {
            return Err(Malformed::PropertyMisplaced(id));
        }
        let in_publish = self.allowed.holds(TOPIC_ALIAS);
        let may_repeat = id == USER || id == SUBSCRIPTION_ID && in_publish;
        let bit = 1 << id;
        if self.seen & bit != 0 && !may_repeat {
            return Err(Malformed::PropertyRepeated(id));
        }
        self.seen |= bit;
        Ok(Some((id, property)))
    }
}

impl<'a> Property<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<(u8, Self), Malformed> {
        let wide = reader.varint()?;
        let id = u8::try_from(wide).map_err(|_over| Malformed::PropertyUnknown(wide))?;
        let property = match id {
            0x01 => Self::PayloadIsText(flag(id, reader)?),
            0x02 => Self::MessageExpiry(reader.u32()?),
            0x03 => Self::ContentType(reader.text()?),
            0x08 => Self::ResponseTopic(response_topic(id, reader)?),
            0x09 => Self::CorrelationData(reader.binary()?),
            SUBSCRIPTION_ID => {
                let number = NonZeroU32::new(reader.varint()?);
                Self::SubscriptionId(number.ok_or(Malformed::PropertyValue(id))?)
            }
            0x11 => Self::SessionExpiry(reader.u32()?),
            0x12 => Self::AssignedClientId(reader.text()?),
            0x13 => Self::ServerKeepAlive(reader.u16()?),
            0x15 => Self::AuthMethod(reader.text()?),
            0x16 => Self::AuthData(reader.binary()?),
            0x17 => Self::RequestProblemInfo(flag(id, reader)?),
            0x18 => Self::WillDelay(reader.u32()?),
            0x19 => Self::RequestResponseInfo(flag(id, reader)?),
            0x1A => Self::ResponseInfo(reader.text()?),
            0x1C => Self::ServerReference(reader.text()?),
            0x1F => Self::ReasonString(reader.text()?),
            0x21 => {
                let number = NonZeroU16::new(reader.u16()?);
                Self::ReceiveMaximum(number.ok_or(Malformed::PropertyValue(id))?)
            }
            0x22 => Self::TopicAliasMaximum(reader.u16()?),
            TOPIC_ALIAS => {
                let number = NonZeroU16::new(reader.u16()?);
                Self::TopicAlias(number.ok_or(Malformed::TopicAliasZero)?)
            }
            0x24 => Self::MaximumQosIsOne(flag(id, reader)?),
            0x25 => Self::RetainAvailable(flag(id, reader)?),
            USER => Self::User(reader.text()?, reader.text()?),
            0x27 => {
                let number = NonZeroU32::new(reader.u32()?);
                Self::MaximumPacketSize(number.ok_or(Malformed::PropertyValue(id))?)
            }
            0x28 => Self::WildcardAvailable(flag(id, reader)?),
            0x29 => Self::SubscriptionIdsAvailable(flag(id, reader)?),
            0x2A => Self::SharedAvailable(flag(id, reader)?),
            _ => return Err(Malformed::PropertyUnknown(wide)),
        };
        Ok((id, property))
    }

    fn write(self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        out.push(self.id());
        match self {
            Self::PayloadIsText(set)
            | Self::RequestProblemInfo(set)
            | Self::RequestResponseInfo(set)
            | Self::MaximumQosIsOne(set)
            | Self::RetainAvailable(set)
            | Self::WildcardAvailable(set)
            | Self::SubscriptionIdsAvailable(set)
            | Self::SharedAvailable(set) => out.push(u8::from(set)),
            Self::MessageExpiry(number) | Self::SessionExpiry(number) | Self::WillDelay(number) => {
                writer::u32(number, out);
            }
            Self::MaximumPacketSize(number) => writer::u32(number.get(), out),
            Self::ServerKeepAlive(number) | Self::TopicAliasMaximum(number) => {
                writer::u16(number, out);
            }
            Self::ReceiveMaximum(number) | Self::TopicAlias(number) => {
                writer::u16(number.get(), out);
            }
            Self::SubscriptionId(number) => varint::encode(number.get() as usize, out)?,
            Self::ContentType(text)
            | Self::ResponseTopic(text)
            | Self::AssignedClientId(text)
            | Self::AuthMethod(text)
            | Self::ResponseInfo(text)
            | Self::ServerReference(text)
            | Self::ReasonString(text) => writer::text(text, out)?,
            Self::CorrelationData(bytes) | Self::AuthData(bytes) => writer::binary(bytes, out)?,
            Self::User(name, value) => {
                writer::text(name, out)?;
                writer::text(value, out)?;
            }
        }
        Ok(())
    }

    const fn id(self) -> u8 {
        match self {
            Self::PayloadIsText(_) => 0x01,
            Self::MessageExpiry(_) => 0x02,
            Self::ContentType(_) => 0x03,
            Self::ResponseTopic(_) => 0x08,
            Self::CorrelationData(_) => 0x09,
            Self::SubscriptionId(_) => SUBSCRIPTION_ID,
            Self::SessionExpiry(_) => 0x11,
            Self::AssignedClientId(_) => 0x12,
            Self::ServerKeepAlive(_) => 0x13,
            Self::AuthMethod(_) => 0x15,
            Self::AuthData(_) => 0x16,
            Self::RequestProblemInfo(_) => 0x17,
            Self::WillDelay(_) => 0x18,
            Self::RequestResponseInfo(_) => 0x19,
            Self::ResponseInfo(_) => 0x1A,
            Self::ServerReference(_) => 0x1C,
            Self::ReasonString(_) => 0x1F,
            Self::ReceiveMaximum(_) => 0x21,
            Self::TopicAliasMaximum(_) => 0x22,
            Self::TopicAlias(_) => TOPIC_ALIAS,
            Self::MaximumQosIsOne(_) => 0x24,
            Self::RetainAvailable(_) => 0x25,
            Self::User(..) => USER,
            Self::MaximumPacketSize(_) => 0x27,
            Self::WildcardAvailable(_) => 0x28,
            Self::SubscriptionIdsAvailable(_) => 0x29,
            Self::SharedAvailable(_) => 0x2A,
        }
    }
}

fn flag(id: u8, reader: &mut Reader<'_>) -> Result<bool, Malformed> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed::PropertyValue(id)),
    }
}

//= mqtt-v5 MQTT-3.3.2-14
fn response_topic<'a>(id: u8, reader: &mut Reader<'a>) -> Result<&'a str, Malformed> {
    let topic = reader.text()?;
    if memchr::memchr2(b'+', b'#', topic.as_bytes()).is_some() {
        return Err(Malformed::PropertyValue(id));
    }
    Ok(topic)
}
