//! Old days in an object store: hot data here, cold data there, one table.
//!
//! A day that is closed and old enough is *moved*: its files are copied to the store, a version of
//! the table there names them, a version of the table here says where they are, and the copies
//! here go after a while. What the table here says holds: the one in the store is for other
//! programs, and follows. A file is known by its path, wherever it lies, so that one which both
//! tables name is one file.

mod cache;
mod intents;
mod job;
mod ledger;
pub mod memory;
mod mover;
mod name;
mod objects;
mod plan;
mod store;
mod tiered;

use std::sync::Arc;
use std::time::Duration;

use model::Meter;

pub use job::Moved;
pub use objects::{Created, ObjectFault, Objects, Stat};

use crate::fault::{FlushFault, OpenFault};

pub(crate) use job::Step;
pub(crate) use mover::Mover;
pub(crate) use store::{AWAY, Store};
pub(crate) use tiered::Tiered;

/// What a site can choose about its store.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    pub objects: Arc<dyn Objects>,
    /// Days that ended so long ago are moved.
    pub after: Duration,
    /// Memory for what was read from the store.
    pub cache_bytes: usize,
    /// What this site calls itself in the store from its first day on; kept in the folder of the
    /// space. Random, so that no other site has it.
    pub name: String,
    /// The site whose table in the store this one goes on with, because it is gone for good.
    pub take_over: Option<String>,
    pub meter: Arc<Meter>,
}

/// Why nothing is moved for now. What is here stays here.
#[derive(Debug, thiserror::Error)]
pub enum MoveFault {
    #[error(transparent)]
    Store(#[from] ObjectFault),
    #[error(
        "the table in {store} belongs to another site, {owner:?}: name another remote.prefix, or, \
         if that site is gone for good, set remote.take-over to its name"
    )]
    Owned { store: Box<str>, owner: Box<str> },
    #[error(
        "version {version} of the table in {store} was written by somebody else: only one site \
         may use a prefix; nothing is moved until a restart"
    )]
    Overtaken { store: Box<str>, version: u64 },
    #[error("{store} does not keep what is there when it is asked to (If-None-Match)")]
    Careless { store: Box<str> },
    #[error("{store} has another {key} than this site: name another remote.prefix")]
    Different { store: Box<str>, key: Box<str> },
    #[error("{store} does not give back {key} as it was sent")]
    Unverified { store: Box<str>, key: Box<str> },
    #[error("{key} in {store} is damaged: {what}")]
    Damaged { store: Box<str>, key: Box<str>, what: &'static str },
    #[error("{name} is damaged on this disk and stays here")]
    DamagedHere { name: Box<str> },
    #[error("the log of the table here")]
    Log(#[from] OpenFault),
    #[error(transparent)]
    Write(#[from] FlushFault),
}

impl MoveFault {
    /// Whether the process must end, so that a restart recovers.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Write(fault) if fault.is_final())
    }
}
