//! One property of an MQTT 5 packet, from the wire and onto it.

use std::num::{NonZeroU16, NonZeroU32};

use crate::reader::Reader;
use crate::{Malformed, TooLong, varint, writer};

pub(crate) const MESSAGE_EXPIRY: u8 = 0x02;
pub(crate) const SUBSCRIPTION_ID: u8 = 0x0B;
pub(crate) const TOPIC_ALIAS: u8 = 0x23;
pub(crate) const USER: u8 = 0x26;

#[cfg(test)]
thread_local! {
    /// Properties read by this thread: the cost of a packet, counted instead of timed.
    pub(crate) static READS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

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

impl<'a> Property<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<(u8, Self), Malformed> {
        #[cfg(test)]
        READS.set(READS.get() + 1);
        let wide = reader.varint()?;
        let id = u8::try_from(wide).map_err(|_over| Malformed::PropertyUnknown(wide))?;
        let property = match id {
            0x01 => Self::PayloadIsText(flag(id, reader)?),
            MESSAGE_EXPIRY => Self::MessageExpiry(reader.u32()?),
            //= mqtt-v5 MQTT-3.3.2-19
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
            //= mqtt-v5 MQTT-1.5.7-1
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

    pub(crate) fn write(self, out: &mut Vec<u8>) -> Result<(), TooLong> {
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
            Self::MessageExpiry(_) => MESSAGE_EXPIRY,
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

//= mqtt-v5 MQTT-3.3.2-13, MQTT-3.3.2-14
fn response_topic<'a>(id: u8, reader: &mut Reader<'a>) -> Result<&'a str, Malformed> {
    let topic = reader.text()?;
    if memchr::memchr2(b'+', b'#', topic.as_bytes()).is_some() {
        return Err(Malformed::PropertyValue(id));
    }
    Ok(topic)
}
