//! What the journal remembers of sessions that outlive their connections, version 1, as in
//! docs/formats/record.md. Messages themselves are not in it: a session is owed what its
//! subscriptions match, from the record of the subscription on.

use crate::record::{self, Cursor, RecordFault, decode_message, encode_message, message_len};
use crate::{Message, Position, Qos, Timestamp};

pub(crate) const KIND_SESSION: u8 = 2;

/// kind, what, client length, time
const HEAD_BYTES: usize = 1 + 1 + 2 + 8;

/// A session expiry that never comes.
pub const EXPIRY_NEVER: u32 = u32::MAX;

/// One fact about the session of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRecord<'a> {
    /// When it happened.
    pub at: Timestamp,
    pub client: &'a str,
    pub event: SessionEvent<'a>,
}

/// What happened to a session. Ids are MQTT packet ids, `position` that of a message's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEvent<'a> {
    /// A fresh session; whatever the client had before is gone. Seconds it outlives a connection.
    Opened {
        expiry: u32,
    },
    /// The client is back. It has no will but one that follows.
    Resumed {
        expiry: u32,
    },
    /// The client is gone; the session stays for so many seconds.
    Closed {
        expiry: u32,
    },
    Ended,
    Subscribed {
        filter: &'a str,
        options: Options,
    },
    Unsubscribed {
        filter: &'a str,
    },
    /// What no subscription tells: this member of a shared group was chosen for a message.
    Queued {
        position: Position,
        qos: Qos,
        retain: bool,
        identifiers: Identifiers<'a>,
    },
    /// A QoS 2 message to the client has a packet id. Written before the message is sent. Position 0
    /// is a message without a record of its own: a retained one.
    Sent {
        position: Position,
        packet_id: u16,
    },
    /// The client has the QoS 2 message; it must never be sent again.
    Received {
        packet_id: u16,
    },
    /// The client is done with these messages.
    Delivered {
        positions: Positions<'a>,
    },
    /// The client is done with a QoS 2 message that has no record of its own: a retained one.
    Completed {
        packet_id: u16,
    },
    /// The record that follows is a QoS 2 message of the client with this id.
    Held {
        packet_id: u16,
    },
    /// The client may use the id again.
    Released {
        packet_id: u16,
    },
    /// To be published so many seconds after the client was lost.
    Will {
        delay: u32,
        message: Message<'a>,
    },
    /// It was published, or is not to be.
    WillGone,
}

/// How a client subscribed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub qos: Qos,
    pub no_local: bool,
    pub retain_as_published: bool,
    /// 0 for none.
    pub identifier: u32,
}

/// Positions in the bytes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positions<'a>(&'a [[u8; 8]]);

impl<'a> Positions<'a> {
    /// What `Positions::bytes_of` made.
    #[must_use]
    pub const fn new(raw: &'a [[u8; 8]]) -> Self {
        Self(raw)
    }

    #[must_use]
    pub const fn bytes_of(position: Position) -> [u8; 8] {
        position.get().to_le_bytes()
    }

    pub fn iter(&self) -> impl Iterator<Item = Position> + 'a {
        self.0.iter().map(|raw| Position::new(u64::from_le_bytes(*raw)))
    }
}

/// Subscription identifiers in the bytes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identifiers<'a>(&'a [[u8; 4]]);

impl<'a> Identifiers<'a> {
    /// What `Identifiers::bytes_of` made.
    #[must_use]
    pub const fn new(raw: &'a [[u8; 4]]) -> Self {
        Self(raw)
    }

    #[must_use]
    pub const fn bytes_of(identifier: u32) -> [u8; 4] {
        identifier.to_le_bytes()
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> + 'a {
        self.0.iter().map(|raw| u32::from_le_bytes(*raw))
    }
}

mod what {
    pub(super) const OPENED: u8 = 1;
    pub(super) const RESUMED: u8 = 2;
    pub(super) const CLOSED: u8 = 3;
    pub(super) const ENDED: u8 = 4;
    pub(super) const SUBSCRIBED: u8 = 5;
    pub(super) const UNSUBSCRIBED: u8 = 6;
    pub(super) const QUEUED: u8 = 7;
    pub(super) const SENT: u8 = 8;
    pub(super) const RECEIVED: u8 = 9;
    pub(super) const DELIVERED: u8 = 10;
    pub(super) const HELD: u8 = 11;
    pub(super) const RELEASED: u8 = 12;
    pub(super) const WILL: u8 = 13;
    pub(super) const WILL_GONE: u8 = 14;
    pub(super) const COMPLETED: u8 = 15;
}

const FLAG_RETAIN: u8 = 0b0000_0100;
const FLAG_NO_LOCAL: u8 = 0b0000_0100;
const FLAG_RETAIN_AS_PUBLISHED: u8 = 0b0000_1000;
const QOS_BITS: u8 = 0b0000_0011;

/// Appends the record form.
///
/// # Panics
/// When a text is longer than 65,535 bytes: every transport limits them to that.
pub fn encode_session(record: &SessionRecord<'_>, out: &mut Vec<u8>) {
    out.reserve(HEAD_BYTES + record.client.len() + 16);
    out.extend_from_slice(&[KIND_SESSION, what_of(&record.event)]);
    out.extend_from_slice(&record::length_u16(record.client).to_le_bytes());
    out.extend_from_slice(&record.at.micros().to_le_bytes());
    out.extend_from_slice(record.client.as_bytes());
    encode_event(&record.event, out);
}

const fn what_of(event: &SessionEvent<'_>) -> u8 {
    match event {
        SessionEvent::Opened { .. } => what::OPENED,
        SessionEvent::Resumed { .. } => what::RESUMED,
        SessionEvent::Closed { .. } => what::CLOSED,
        SessionEvent::Ended => what::ENDED,
        SessionEvent::Subscribed { .. } => what::SUBSCRIBED,
        SessionEvent::Unsubscribed { .. } => what::UNSUBSCRIBED,
        SessionEvent::Queued { .. } => what::QUEUED,
        SessionEvent::Sent { .. } => what::SENT,
        SessionEvent::Received { .. } => what::RECEIVED,
        SessionEvent::Delivered { .. } => what::DELIVERED,
        SessionEvent::Held { .. } => what::HELD,
        SessionEvent::Released { .. } => what::RELEASED,
        SessionEvent::Will { .. } => what::WILL,
        SessionEvent::WillGone => what::WILL_GONE,
        SessionEvent::Completed { .. } => what::COMPLETED,
    }
}

fn encode_event(event: &SessionEvent<'_>, out: &mut Vec<u8>) {
    match event {
        SessionEvent::Opened { expiry }
        | SessionEvent::Resumed { expiry }
        | SessionEvent::Closed { expiry } => out.extend_from_slice(&expiry.to_le_bytes()),
        SessionEvent::Ended | SessionEvent::WillGone => {}
        SessionEvent::Subscribed { filter, options } => {
            out.push(options.bits());
            out.extend_from_slice(&options.identifier.to_le_bytes());
            out.extend_from_slice(filter.as_bytes());
        }
        SessionEvent::Unsubscribed { filter } => out.extend_from_slice(filter.as_bytes()),
        SessionEvent::Queued { position, qos, retain, identifiers } => {
            out.extend_from_slice(&position.get().to_le_bytes());
            out.push(qos.bits() | if *retain { FLAG_RETAIN } else { 0 });
            out.extend_from_slice(identifiers.0.as_flattened());
        }
        SessionEvent::Sent { position, packet_id } => {
            out.extend_from_slice(&position.get().to_le_bytes());
            out.extend_from_slice(&packet_id.to_le_bytes());
        }
        SessionEvent::Received { packet_id }
        | SessionEvent::Completed { packet_id }
        | SessionEvent::Held { packet_id }
        | SessionEvent::Released { packet_id } => out.extend_from_slice(&packet_id.to_le_bytes()),
        SessionEvent::Delivered { positions } => out.extend_from_slice(positions.0.as_flattened()),
        SessionEvent::Will { delay, message } => {
            out.reserve(4 + message_len(message));
            out.extend_from_slice(&delay.to_le_bytes());
            encode_message(message, out);
        }
    }
}

pub(crate) fn decode_session(bytes: &[u8]) -> Result<SessionRecord<'_>, RecordFault> {
    let mut rest = Cursor(bytes);
    let [_kind, what] = rest.take::<2>()?;
    let client_len = usize::from(u16::from_le_bytes(rest.take()?));
    let at = Timestamp::from_micros(i64::from_le_bytes(rest.take()?));
    let client = rest.text(client_len)?;
    let event = decode_event(what, &mut rest)?;
    if rest.0.is_empty() {
        Ok(SessionRecord { at, client, event })
    } else {
        Err(RecordFault::Malformed)
    }
}

fn decode_event<'a>(what: u8, rest: &mut Cursor<'a>) -> Result<SessionEvent<'a>, RecordFault> {
    Ok(match what {
        what::OPENED => SessionEvent::Opened { expiry: rest.u32()? },
        what::RESUMED => SessionEvent::Resumed { expiry: rest.u32()? },
        what::CLOSED => SessionEvent::Closed { expiry: rest.u32()? },
        what::ENDED => SessionEvent::Ended,
        what::SUBSCRIBED => {
            let options = Options::from_bits(rest.take::<1>()?[0], rest.u32()?)?;
            SessionEvent::Subscribed { options, filter: rest.remaining_text()? }
        }
        what::UNSUBSCRIBED => SessionEvent::Unsubscribed { filter: rest.remaining_text()? },
        what::QUEUED => decode_queued(rest)?,
        what::SENT => SessionEvent::Sent { position: rest.position()?, packet_id: rest.u16()? },
        what::RECEIVED => SessionEvent::Received { packet_id: rest.u16()? },
        what::DELIVERED => SessionEvent::Delivered { positions: Positions(rest.chunks()?) },
        what::HELD => SessionEvent::Held { packet_id: rest.u16()? },
        what::RELEASED => SessionEvent::Released { packet_id: rest.u16()? },
        what::WILL => {
            let delay = rest.u32()?;
            let message = decode_message(std::mem::take(&mut rest.0))?;
            SessionEvent::Will { delay, message }
        }
        what::WILL_GONE => SessionEvent::WillGone,
        what::COMPLETED => SessionEvent::Completed { packet_id: rest.u16()? },
        unknown => return Err(RecordFault::SessionEvent(unknown)),
    })
}

fn decode_queued<'a>(rest: &mut Cursor<'a>) -> Result<SessionEvent<'a>, RecordFault> {
    let position = rest.position()?;
    let [flags] = rest.take()?;
    Ok(SessionEvent::Queued {
        position,
        qos: Qos::from_bits(flags & QOS_BITS).ok_or(RecordFault::Malformed)?,
        retain: flags & FLAG_RETAIN != 0,
        identifiers: Identifiers(rest.chunks()?),
    })
}

impl Options {
    /// QoS and flags as one byte; the identifier stands apart.
    #[must_use]
    pub const fn bits(self) -> u8 {
        let mut bits = self.qos.bits();
        if self.no_local {
            bits |= FLAG_NO_LOCAL;
        }
        if self.retain_as_published {
            bits |= FLAG_RETAIN_AS_PUBLISHED;
        }
        bits
    }

    /// # Errors
    /// When the QoS is none.
    pub fn from_bits(bits: u8, identifier: u32) -> Result<Self, RecordFault> {
        Ok(Self {
            qos: Qos::from_bits(bits & QOS_BITS).ok_or(RecordFault::Malformed)?,
            no_local: bits & FLAG_NO_LOCAL != 0,
            retain_as_published: bits & FLAG_RETAIN_AS_PUBLISHED != 0,
            identifier,
        })
    }
}

#[cfg(test)]
mod tests;
