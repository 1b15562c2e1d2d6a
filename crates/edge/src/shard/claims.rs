//! Passwords in a CONNECT: somebody else checks them, since it takes milliseconds. Until then the
//! connection is not read, and counts as one whose CONNECT is unfinished.

use std::fmt;

use hub::ConnectionKey;
use model::Event;
use mqtt::{Connect, Reason};

use super::Shard;
use super::connection::Phase;
use super::lifecycle::Newcomer;
use crate::clock::Now;

/// Longer ones are those of nobody.
const NAME_BYTES_MAX: usize = 256;
const PASSWORD_BYTES_MAX: usize = 1_024;

/// A client says that it has a password.
pub struct Claim {
    key: ConnectionKey,
    opened: u32,
    client_id: Box<str>,
    clean_start: bool,
    pub(crate) name: Box<str>,
    pub(crate) password: Box<[u8]>,
}

impl fmt::Debug for Claim {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Claim").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Claim {
    pub(crate) fn key(&self) -> ConnectionKey {
        self.key
    }
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    Fails,
    /// Too many wait for one.
    Busy,
}

impl Shard {
    /// A client that has to prove who it is names no method: it may have a password.
    pub(super) fn claim(&mut self, key: ConnectionKey, connect: &Connect<'_>, now: Now) {
        let said = connect.user_name.zip(connect.password);
        let Some((name, password)) = said.filter(|_| self.common.methods.passwords().is_some())
        else {
            return self.refuse(key, Reason::NotAuthorized, now);
        };
        if name.len() > NAME_BYTES_MAX || password.len() > PASSWORD_BYTES_MAX {
            self.common.meter.count(Event::AuthenticationRefused);
            return self.refuse(key, Reason::BadCredentials, now);
        }
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        connection.phase = Phase::Claiming;
        self.claims.push(Claim {
            key,
            opened: connection.opened,
            client_id: connect.client_id.into(),
            clean_start: connect.clean_start,
            name: name.into(),
            password: password.into(),
        });
    }

    /// A claim to be judged: `judged` says how that went.
    pub fn next_claim(&mut self) -> Option<Claim> {
        self.claims.pop()
    }

    /// A claim was judged. What the client said behind its CONNECT is taken up.
    pub fn judged(&mut self, claim: &Claim, verdict: Verdict, now: Now) {
        let key = claim.key;
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        if connection.opened != claim.opened || connection.phase != Phase::Claiming {
            return;
        }
        connection.phase = Phase::Greeting;
        match verdict {
            Verdict::Holds => {
                let (client_id, clean_start) = (&*claim.client_id, claim.clean_start);
                self.admit(key, &Newcomer { client_id, clean_start, auth_data: None }, now);
            }
            Verdict::Fails => {
                self.common.meter.count(Event::AuthenticationRefused);
                self.refuse(key, Reason::BadCredentials, now);
            }
            Verdict::Busy => self.refuse(key, Reason::ServerBusy, now),
        }
        self.receive(key, &[], now);
    }
}
