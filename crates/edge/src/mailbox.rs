//! What one shard sends another: messages for its sessions, and connections that belong to it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hub::SessionKey;
use mio::Waker;

use crate::Limits;
use crate::shard::{Asked, Claim, Found, Remote, Verdict};
use crate::transport::Wire;

/// Letters in a mailbox. A shard that finds one full keeps its letters and reads no socket until
/// they are gone: 65,536 of about 300 bytes are 20 MB.
const LETTERS_MAX: usize = 65_536;

/// Between two looks at a mailbox that is full.
const PAUSE: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(crate) enum Letter {
    Deliver(Remote),
    Adopt(Wire, Adopted),
    /// Messages that a session needed from the journal.
    Fetched(SessionKey, Vec<Found>),
    /// The password of a CONNECT was checked.
    Judged(Claim, Verdict),
    /// A question or an order of an operator.
    Asked(Box<Asked>),
    /// Other limits: of the site, and of each listener.
    Limits(Limits, Arc<[Limits]>),
}

/// A connection whose client lives on another shard, with everything it has said so far.
#[derive(Debug)]
pub struct Adopted {
    pub bytes: Vec<u8>,
    pub peer: std::net::SocketAddr,
}

/// The mailbox of one shard.
#[derive(Debug)]
pub(crate) struct Mailbox {
    letters: Mutex<Vec<Letter>>,
    waker: Waker,
}

impl Mailbox {
    pub(crate) fn new(waker: Waker) -> Self {
        Self { letters: Mutex::new(Vec::new()), waker }
    }

    /// Takes as many letters as fit, in order, and wakes the owner once.
    pub(crate) fn post(&self, outgoing: &mut Vec<Letter>) -> io::Result<()> {
        if outgoing.is_empty() {
            return Ok(());
        }
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LETTERS_MAX.saturating_sub(letters.len()).min(outgoing.len());
        let was_empty = letters.is_empty();
        letters.extend(outgoing.drain(..room));
        drop(letters);
        if was_empty && room > 0 { self.waker.wake() } else { Ok(()) }
    }

    /// Waits for room. For threads that shards ask, not for shards.
    pub(crate) fn deliver(&self, letter: Letter) {
        let mut letters = vec![letter];
        while !letters.is_empty() {
            if let Err(fault) = self.post(&mut letters) {
                tracing::error!(%fault, "a shard cannot be woken");
                return;
            }
            if !letters.is_empty() {
                std::thread::park_timeout(PAUSE);
            }
        }
    }

    /// All letters, in the order in which they came.
    pub(crate) fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.letters.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the owner look up: the horizon moved, or it shall stop.
    pub(crate) fn wake(&self) -> io::Result<()> {
        self.waker.wake()
    }
}
