//! What ingest asks history to keep beside its tables: everything else that the records up to a
//! position have taught the site. Version 2, as in docs/formats/ingest-state.md.

use std::sync::Arc;

use hub::{Book, Publication, Retained};
use model::record::{Record, RecordFault, encode_message};
use model::session::encode_session;
use model::{Format, Message};

const MAGIC: &[u8; 4] = b"ALST";
const VERSION: u16 = 2;
/// The same without sessions.
const VERSION_1: u16 = 1;

const CHECKSUM_BYTES: usize = 4;

/// Why a kept state cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    #[error("the state beside the history is of format {found}, this version reads {VERSION}")]
    Newer { found: u16 },
    #[error("the state beside the history is damaged: {part}")]
    Damaged { part: &'static str },
    #[error("a record in the state beside the history is damaged")]
    Record(#[from] RecordFault),
    #[error("what the dialects had learned cannot be read back")]
    Learned(#[from] dialect::StateFault),
}

/// The formats of a kept state, and of what the dialects had learned in it; none of no bytes.
#[must_use]
pub fn formats(bytes: &[u8]) -> Vec<Format> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let head = bytes.strip_prefix(MAGIC).and_then(|rest| rest.split_first_chunk::<2>());
    let found = head.map(|(version, _)| u64::from(u16::from_le_bytes(*version)));
    let (oldest, newest) = (u64::from(VERSION_1), u64::from(VERSION));
    let state = Format { what: "ingest state", found, oldest, newest };
    let mut body = head.and_then(|(_, rest)| rest.get(CHECKSUM_BYTES..)).unwrap_or_default();
    let learned = if state.fit().opens() { take_block(&mut body) } else { None };
    [state].into_iter().chain(learned.map(dialect::state_format)).collect()
}

/// The learned state of the dialects, the retained messages, and the records that make the book.
pub(crate) fn encode(learned: &[u8], retained: &Retained, book: &Book) -> Vec<u8> {
    let mut body = Vec::new();
    push_block(learned, &mut body);
    let mut record = Vec::new();
    for publication in retained.all() {
        record.clear();
        encode_message(&message_of(&publication), &mut record);
        push_block(&record, &mut body);
    }
    book.records(|session| {
        record.clear();
        encode_session(session, &mut record);
        push_block(&record, &mut body);
    });
    let mut out = Vec::with_capacity(body.len() + 10);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
    out.extend_from_slice(&body);
    out
}

/// Gives the learned state back and puts the retained messages into `retained` and the sessions into
/// `book`. No bytes at all are a site that has learned nothing.
pub(crate) fn decode(
    bytes: &[u8],
    retained: &Retained,
    book: &mut Book,
) -> Result<Option<Vec<u8>>, SnapshotFault> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let damaged = |part| SnapshotFault::Damaged { part };
    let (magic, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| damaged("its head"))?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(|| damaged("its head"))?;
    let (sum, mut body) = rest.split_first_chunk::<4>().ok_or_else(|| damaged("its head"))?;
    let version = u16::from_le_bytes(*version);
    if magic != MAGIC {
        return Err(damaged("its first bytes"));
    }
    if ![VERSION_1, VERSION].contains(&version) {
        return Err(SnapshotFault::Newer { found: version });
    }
    if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
        return Err(damaged("its checksum"));
    }
    let learned = take_block(&mut body).ok_or_else(|| damaged("the learned state"))?.to_vec();
    while !body.is_empty() {
        let record = take_block(&mut body).ok_or_else(|| damaged("its records"))?;
        match Record::decode(record)? {
            Record::Message(message) => keep(retained, &message),
            Record::Session(session) => book.apply(&session),
            Record::Erasure(_) | _ => return Err(damaged("a record of another kind")),
        }
    }
    Ok(Some(learned))
}

/// Retains `message`; what does not fit is delivered and kept in the journal all the same.
pub(crate) fn keep(retained: &Retained, message: &Message<'_>) {
    if let Err(full) = retained.keep(Arc::new(Publication::of(message))) {
        tracing::warn!(?full, "a retained message was not kept");
    }
}

fn message_of(publication: &Publication) -> Message<'_> {
    Message {
        received_at: publication.received_at,
        client: "",
        credential: None,
        topic: publication.topic(),
        payload: &publication.payload,
        properties: &publication.properties,
        qos: publication.qos,
        retain: publication.retain,
    }
}

fn push_block(block: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(block.len());
    assert!(length.is_ok(), "a block of {} bytes is beyond every limit", block.len());
    out.extend_from_slice(&length.unwrap_or_default().to_le_bytes());
    out.extend_from_slice(block);
}

fn take_block<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, tail) = rest.split_first_chunk::<4>()?;
    let (block, tail) = tail.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *rest = tail;
    Some(block)
}

#[cfg(test)]
mod tests {
    use model::{Qos, SessionEvent, SessionRecord, Timestamp, TopicName};

    use super::*;

    fn publication() -> Publication {
        Publication {
            topic: TopicName::parse("a/b").unwrap().to_buf(),
            payload: b"21.5".as_slice().into(),
            properties: [1, 1].into(),
            qos: Qos::AtLeastOnce,
            retain: true,
            received_at: Timestamp::from_millis(5),
        }
    }

    fn sample() -> Vec<u8> {
        let retained = Retained::default();
        retained.keep(Arc::new(publication())).unwrap();
        let mut book = Book::default();
        let event = SessionEvent::Opened { expiry: 60 };
        book.apply(&SessionRecord { at: Timestamp::from_millis(5), client: "anna", event });
        encode(b"learned", &retained, &book)
    }

    #[test]
    fn what_was_kept_comes_back() {
        let (retained, mut book) = (Retained::default(), Book::default());
        assert_eq!(decode(&sample(), &retained, &mut book).unwrap().unwrap(), b"learned");
        assert_eq!(retained.all(), [Arc::new(publication())]);
        assert_eq!(book.sessions().map(|it| &*it.client).collect::<Vec<_>>(), ["anna"]);
    }

    #[test]
    fn the_versions_of_a_state_are_told_without_reading_it() {
        let found = |bytes: &[u8]| -> Vec<Option<u64>> {
            formats(bytes).iter().map(|format| format.found).collect()
        };
        let learned = dialect::Recognizer::new().snapshot();
        let mut bytes = encode(&learned, &Retained::default(), &Book::default());
        assert_eq!(found(&bytes), [Some(2), Some(1)]);
        bytes[4] = 1;
        assert_eq!(formats(&bytes).first().unwrap().fit(), model::Fit::Older);
        bytes[4] = 3;
        assert_eq!(found(&bytes), [Some(3)], "what is in a newer one is not known");
        assert_eq!(found(&sample()), [Some(2), None], "nothing of a dialect");
        assert_eq!(found(b"AL"), [None]);
        assert!(formats(b"").is_empty());
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let bytes = sample();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let fault = decode(&flipped, &Retained::default(), &mut Book::default());
            assert!(fault.is_err(), "bit {bit} went unnoticed");
        }
        assert!(decode(&[], &Retained::default(), &mut Book::default()).unwrap().is_none());
    }
}
