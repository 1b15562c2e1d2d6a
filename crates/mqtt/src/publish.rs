//! PUBLISH: a message on its way, either way.

use std::num::{NonZeroU16, NonZeroU32};

use model::Qos;

use crate::fixed_header::Kind;
use crate::property::TOPIC_ALIAS;
use crate::publish_properties::{PublishProperties, patch_expiry};
use crate::reader::Reader;
use crate::{Malformed, TooLong, Version, varint, writer};

const RETAIN: u8 = 0b0001;
const DUP: u8 = 0b1000;

/// A topic alias among the properties.
const ALIAS_BYTES: usize = 3;

/// A PUBLISH as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    pub dup: bool,
    pub qos: Qos,
    pub retain: bool,
    /// Empty when an alias stands for it. Not checked for wildcards: that is `TopicName`'s.
    pub topic: &'a str,
    /// There exactly when `qos` is above 0.
    pub packet_id: Option<NonZeroU16>,
    pub properties: PublishProperties<'a>,
    pub payload: &'a [u8],
}

impl<'a> Publish<'a> {
    pub(crate) fn decode(
        flags: u8,
        mut reader: Reader<'a>,
        version: Version,
    ) -> Result<Self, Malformed> {
        //= mqtt-v5 MQTT-3.3.1-4
        //= mqtt-v311 MQTT-3.3.1-4
        let qos = Qos::from_bits(flags >> 1 & 0b11).ok_or(Malformed::Qos)?;
        let dup = flags & DUP != 0;
        //= mqtt-v5 MQTT-3.3.1-2
        //= mqtt-v311 MQTT-3.3.1-2
        if dup && qos == Qos::AtMostOnce {
            return Err(Malformed::DupWithoutQos);
        }
        //= mqtt-v5 MQTT-3.3.2-1
        //= mqtt-v311 MQTT-3.3.2-1
        let topic = reader.text()?;
        //= mqtt-v5 MQTT-2.2.1-2
        //= mqtt-v311 MQTT-2.3.1-5
        let packet_id = match qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce | Qos::ExactlyOnce => Some(reader.packet_id()?),
        };
        let properties = match version {
            Version::V311 => PublishProperties::NONE,
            Version::V5 => PublishProperties::read(&mut reader)?,
        };
        if topic.is_empty() && properties.alias().is_none() {
            return Err(Malformed::TopicMissing);
        }
        let retain = flags & RETAIN != 0;
        let payload = reader.remainder();
        Ok(Self { dup, qos, retain, topic, packet_id, properties, payload })
    }

    /// # Errors
    /// When the topic or the whole is too long; nothing was appended then.
    ///
    /// # Panics
    /// When a message above QoS 0 has no packet id.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let id = self.packet_id;
        assert_eq!(id.is_some(), self.qos != Qos::AtMostOnce, "ids belong to QoS 1 and 2");
        let parts = Parts {
            first: first_byte(self.qos, self.retain) | if self.dup { DUP } else { 0 },
            topic: self.topic,
            packet_id: id.map(NonZeroU16::get),
            properties: [&[], self.properties.all().as_bytes()],
            payload: self.payload,
        };
        parts.write(version, out).map(|_id_at| ())
    }
}

/// A message for subscribers, before it has the packet id of one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing<'a> {
    pub qos: Qos,
    pub retain: bool,
    pub topic: &'a str,
    /// The ids under which this subscriber asked for it. Empty for what many subscribers share.
    pub subscription_ids: &'a [NonZeroU32],
    /// The block that travels, from `PublishProperties::travelling`.
    pub properties: &'a [u8],
    /// What is left of the expiry in `properties`, once the message has waited.
    pub expiry_left: Option<u32>,
    pub payload: &'a [u8],
}

impl Outgoing<'_> {
    /// Appends the packet with a packet id of 0 that `Frame` fills in later. Returns the place of
    /// the id, counted from the first byte of the packet; `None` for QoS 0.
    ///
    /// # Errors
    /// When the topic or the whole is too long; nothing was appended then.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<Option<usize>, TooLong> {
        let start = out.len();
        let mut own = Vec::new();
        for id in self.subscription_ids {
            own.push(0x0B);
            varint::encode(id.get() as usize, &mut own)?;
        }
        let parts = Parts {
            first: first_byte(self.qos, self.retain),
            topic: self.topic,
            packet_id: (self.qos != Qos::AtMostOnce).then_some(0),
            properties: [&own, self.properties],
            payload: self.payload,
        };
        let id_at = parts.write(version, out)?;
        if let (Version::V5, Some(left)) = (version, self.expiry_left) {
            let end = out.len() - self.payload.len();
            let block = out.get_mut(end - self.properties.len()..end).unwrap_or_default();
            patch_expiry(block, left);
        }
        Ok(id_at.map(|at| at - start))
    }
}

/// A whole PUBLISH in wire form that many subscribers of one version and QoS share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    bytes: &'a [u8],
    id_at: Option<usize>,
}

impl<'a> Frame<'a> {
    /// What `Outgoing::encode` appended and what it returned.
    ///
    /// # Panics
    /// When the place of the packet id lies outside of the bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8], id_at: Option<usize>) -> Self {
        let inside = id_at.is_none_or(|at| at > 0 && at + 2 <= bytes.len());
        assert!(inside, "the packet id lies within its packet");
        Self { bytes, id_at }
    }

    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether the receiver has to acknowledge it.
    #[must_use]
    pub const fn wants_id(&self) -> bool {
        self.id_at.is_some()
    }

    #[must_use]
    pub fn qos(&self) -> Qos {
        let bits = self.bytes.first().map_or(0, |first| first >> 1 & 0b11);
        Qos::from_bits(bits).unwrap_or_default()
    }

    //= mqtt-v5 MQTT-4.3.1-1
    //= mqtt-v311 MQTT-4.3.1-1
    /// Appends the packet with `packet_id` in its place; QoS 0 has neither id nor DUP.
    pub fn write(&self, packet_id: u16, dup: bool, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(self.bytes);
        let Some(id_at) = self.id_at else { return };
        if let Some(place) = out.get_mut(start + id_at..start + id_at + 2) {
            place.copy_from_slice(&packet_id.to_be_bytes());
        }
        if let Some(first) = out.get_mut(start).filter(|_| dup) {
            *first |= DUP;
        }
    }
}

/// How the topic of a PUBLISH travels when an alias stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alias {
    /// The topic is sent, and the client shall know it by this number from now on.
    New(NonZeroU16),
    /// The client knows it: the topic is left out.
    Known(NonZeroU16),
}

impl<'a> Frame<'a> {
    /// Empty in a frame that is none.
    pub(crate) fn topic(&self) -> &'a [u8] {
        self.split().map_or(&[], |split| split.topic)
    }

    /// The length of the packet with an alias besides its topic.
    pub(crate) fn len_defining(&self) -> usize {
        self.split().map_or(self.len(), |split| split.len_with(split.topic))
    }

    /// As `write`, with an alias. Of MQTT 5 only.
    //= mqtt-v5 MQTT-3.3.2-8
    pub(crate) fn write_aliased(&self, packet_id: u16, alias: Alias, out: &mut Vec<u8>) {
        let Some(split) = self.split() else { return };
        let (number, topic): (_, &[u8]) = match alias {
            Alias::New(number) => (number, split.topic),
            Alias::Known(number) => (number, &[]),
        };
        let sizes = split.sizes_with(topic);
        out.reserve(5 + sizes.remaining);
        out.push(split.first);
        let written = varint::encode(sizes.remaining, out).and_then(|()| {
            writer::binary(topic, out)?;
            if self.id_at.is_some() {
                writer::u16(packet_id, out);
            }
            varint::encode(sizes.block, out)
        });
        assert_eq!(written, Ok(()), "a packet that was written before, or one measured");
        out.push(TOPIC_ALIAS);
        writer::u16(number.get(), out);
        out.extend_from_slice(split.rest);
    }

    /// The parts of a PUBLISH of MQTT 5. `None` when it is none.
    fn split(&self) -> Option<Split<'a>> {
        let (first, rest) = self.bytes.split_first()?;
        let header = varint::decode(rest).ok()??;
        let (length, rest) = rest.get(header.bytes..)?.split_first_chunk::<2>()?;
        let (topic, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let rest = rest.get(if self.id_at.is_some() { 2 } else { 0 }..)?;
        let block = varint::decode(rest).ok()??;
        let rest = rest.get(block.bytes..)?;
        Some(Split { first: *first, topic, has_id: self.id_at.is_some(), block: block.value, rest })
    }
}

struct Split<'a> {
    first: u8,
    topic: &'a [u8],
    has_id: bool,
    /// The length of the properties.
    block: u32,
    /// The properties and what is behind them.
    rest: &'a [u8],
}

struct Sizes {
    block: usize,
    remaining: usize,
}

impl Split<'_> {
    /// With an alias, and `topic` in front of it.
    fn sizes_with(&self, topic: &[u8]) -> Sizes {
        let block = self.block as usize + ALIAS_BYTES;
        let id_bytes = if self.has_id { 2 } else { 0 };
        let properties = varint::len(block) + ALIAS_BYTES + self.rest.len();
        Sizes { block, remaining: 2 + topic.len() + id_bytes + properties }
    }

    fn len_with(&self, topic: &[u8]) -> usize {
        let remaining = self.sizes_with(topic).remaining;
        1 + varint::len(remaining) + remaining
    }
}

struct Parts<'a> {
    first: u8,
    topic: &'a str,
    packet_id: Option<u16>,
    properties: [&'a [u8]; 2],
    payload: &'a [u8],
}

impl Parts<'_> {
    /// The sizes are added up first, so that nothing moves. Returns where the packet id stands.
    fn write(&self, version: Version, out: &mut Vec<u8>) -> Result<Option<usize>, TooLong> {
        let topic_len = u16::try_from(self.topic.len()).map_err(|_over| TooLong)?;
        let block = self.properties.iter().map(|part| part.len()).sum::<usize>();
        let block_field = match version {
            Version::V311 => 0,
            Version::V5 => varint::len(block) + block,
        };
        let id_bytes = if self.packet_id.is_some() { 2 } else { 0 };
        let remaining = 2 + self.topic.len() + id_bytes + block_field + self.payload.len();
        if remaining > varint::VARINT_MAX as usize {
            return Err(TooLong);
        }
        out.reserve(5 + remaining);
        out.push(self.first);
        varint::encode(remaining, out)?;
        writer::u16(topic_len, out);
        out.extend_from_slice(self.topic.as_bytes());
        let id_at = self.packet_id.map(|id| {
            let at = out.len();
            writer::u16(id, out);
            at
        });
        if version == Version::V5 {
            varint::encode(block, out)?;
            out.extend_from_slice(self.properties[0]);
            out.extend_from_slice(self.properties[1]);
        }
        out.extend_from_slice(self.payload);
        Ok(id_at)
    }
}

const fn first_byte(qos: Qos, retain: bool) -> u8 {
    Kind::Publish.first_byte() | qos.bits() << 1 | if retain { RETAIN } else { 0 }
}
