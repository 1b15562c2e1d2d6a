//! What a journal record holds, version 1, as in docs/formats/record.md. The journal itself sees
//! bytes only and guards them with a checksum; this is what the bytes mean.

use crate::erasure::{Erasure, KIND_ERASURE, decode_erasure};
use crate::session::{KIND_SESSION, SessionRecord, decode_session};
use crate::{Message, Position, Qos, Timestamp, TopicName};

const KIND_MESSAGE: u8 = 1;
const FLAG_RETAIN: u8 = 0b0000_0100;
const FLAG_CREDENTIAL: u8 = 0b0000_1000;
const QOS_BITS: u8 = 0b0000_0011;

/// kind, flags, client length, topic length, credential length, properties length, time received
const HEAD_BYTES: usize = 1 + 1 + 2 + 2 + 2 + 4 + 8;

/// Why bytes are no record. The journal's checksum held, so a newer program wrote them, or a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    #[error("record kind {0} is not known to this version")]
    Kind(u8),
    #[error("session event {0} is not known to this version")]
    SessionEvent(u8),
    #[error("deed {0} on a device is not known to this version")]
    Deed(u8),
    #[error("the record ends too early")]
    Truncated,
    #[error("the record holds text that is not UTF-8, or no topic, or an unknown QoS")]
    Malformed,
}

/// One fact of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record<'a> {
    Message(Message<'a>),
    Session(SessionRecord<'a>),
    Erasure(Erasure<'a>),
}

impl<'a> Record<'a> {
    /// # Errors
    /// Bytes that none of `encode_message`, `encode_session` and `encode_erasure` wrote.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, RecordFault> {
        match bytes.first() {
            Some(&KIND_MESSAGE) => decode_message(bytes).map(Record::Message),
            Some(&KIND_SESSION) => decode_session(bytes).map(Record::Session),
            Some(&KIND_ERASURE) => decode_erasure(bytes).map(Record::Erasure),
            Some(&kind) => Err(RecordFault::Kind(kind)),
            None => Err(RecordFault::Truncated),
        }
    }
}

/// The length that `encode_message` will append.
#[must_use]
pub fn message_len(message: &Message<'_>) -> usize {
    HEAD_BYTES
        + message.client.len()
        + message.credential.map_or(0, str::len)
        + message.topic.as_str().len()
        + message.properties.len()
        + message.payload.len()
}

/// Appends the record form of `message`.
///
/// # Panics
/// When a text is longer than 65,535 bytes: every transport limits them to that.
pub fn encode_message(message: &Message<'_>, out: &mut Vec<u8>) {
    let credential = message.credential.unwrap_or_default();
    let mut flags = message.qos.bits();
    if message.retain {
        flags |= FLAG_RETAIN;
    }
    if message.credential.is_some() {
        flags |= FLAG_CREDENTIAL;
    }
    out.reserve(message_len(message));
    out.extend_from_slice(&[KIND_MESSAGE, flags]);
    for text in [message.client, message.topic.as_str(), credential] {
        out.extend_from_slice(&length_u16(text).to_le_bytes());
    }
    out.extend_from_slice(&length_u32(message.properties).to_le_bytes());
    out.extend_from_slice(&message.received_at.micros().to_le_bytes());
    out.extend_from_slice(message.client.as_bytes());
    out.extend_from_slice(message.topic.as_str().as_bytes());
    out.extend_from_slice(credential.as_bytes());
    out.extend_from_slice(message.properties);
    out.extend_from_slice(message.payload);
}

pub(crate) fn length_u16(text: &str) -> u16 {
    let length = u16::try_from(text.len());
    assert!(length.is_ok(), "a transport let a text of {} bytes through", text.len());
    length.unwrap_or_default()
}

fn length_u32(bytes: &[u8]) -> u32 {
    let length = u32::try_from(bytes.len());
    assert!(length.is_ok(), "a transport let {} bytes of properties through", bytes.len());
    length.unwrap_or_default()
}

pub(crate) fn decode_message(bytes: &[u8]) -> Result<Message<'_>, RecordFault> {
    let mut rest = Cursor(bytes);
    let [_kind, flags] = rest.take::<2>()?;
    let client_len = usize::from(u16::from_le_bytes(rest.take()?));
    let topic_len = usize::from(u16::from_le_bytes(rest.take()?));
    let credential_len = usize::from(u16::from_le_bytes(rest.take()?));
    let properties_len = u32::from_le_bytes(rest.take()?) as usize;
    let received_at = Timestamp::from_micros(i64::from_le_bytes(rest.take()?));
    let client = rest.text(client_len)?;
    let topic = rest.text(topic_len)?;
    let credential = rest.text(credential_len)?;
    let properties = rest.slice(properties_len)?;
    Ok(Message {
        received_at,
        client,
        credential: (flags & FLAG_CREDENTIAL != 0).then_some(credential),
        topic: TopicName::parse(topic).map_err(|_fault| RecordFault::Malformed)?,
        payload: rest.0,
        properties,
        qos: Qos::from_bits(flags & QOS_BITS).ok_or(RecordFault::Malformed)?,
        retain: flags & FLAG_RETAIN != 0,
    })
}

/// The little of a message that says whether the rest is worth reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance<'a> {
    /// Above QoS 0: a session may be owed it.
    pub is_promised: bool,
    pub retain: bool,
    /// Not looked at otherwise.
    pub topic: &'a [u8],
}

/// What `decode` would look at first. `None` for what is no message.
#[must_use]
pub fn glance(bytes: &[u8]) -> Option<Glance<'_>> {
    let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    let [KIND_MESSAGE, flags, c0, c1, t0, t1, ..] = *head else { return None };
    let client_len = usize::from(u16::from_le_bytes([c0, c1]));
    let topic_len = usize::from(u16::from_le_bytes([t0, t1]));
    let topic = rest.get(client_len..client_len + topic_len)?;
    let (is_promised, retain) = (flags & QOS_BITS != 0, flags & FLAG_RETAIN != 0);
    Some(Glance { is_promised, retain, topic })
}

/// Bytes of a record that are still to be read.
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    fn slice(&mut self, len: usize) -> Result<&'a [u8], RecordFault> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(RecordFault::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], RecordFault> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(RecordFault::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    pub(crate) fn text(&mut self, len: usize) -> Result<&'a str, RecordFault> {
        std::str::from_utf8(self.slice(len)?).map_err(|_fault| RecordFault::Malformed)
    }

    pub(crate) fn remaining_text(&mut self) -> Result<&'a str, RecordFault> {
        self.text(self.0.len())
    }

    pub(crate) fn u16(&mut self) -> Result<u16, RecordFault> {
        self.take().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, RecordFault> {
        self.take().map(u32::from_le_bytes)
    }

    pub(crate) fn position(&mut self) -> Result<Position, RecordFault> {
        self.take().map(u64::from_le_bytes).map(Position::new)
    }

    /// All that is left, in pieces of `N` bytes.
    pub(crate) fn chunks<const N: usize>(&mut self) -> Result<&'a [[u8; N]], RecordFault> {
        let (chunks, odd) = std::mem::take(&mut self.0).as_chunks::<N>();
        if odd.is_empty() { Ok(chunks) } else { Err(RecordFault::Truncated) }
    }
}

#[cfg(test)]
mod tests;
