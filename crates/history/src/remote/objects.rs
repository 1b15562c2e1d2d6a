//! What history asks of an object store. Keys are paths below the site's prefix, with `/` between
//! their parts. Small on purpose, as `storage::Storage` is.

use std::error::Error;
use std::fmt::Debug;

use bytes::Bytes;

/// Every call may fail although it was done: the answer got lost.
pub trait Objects: Debug + Send + Sync {
    /// What people call it: `s3://bucket/prefix`.
    fn name(&self) -> &str;
    /// Makes an object unless there is one of this key. `crc32c` is that of the bytes.
    ///
    /// # Errors
    /// When it is not known whether the object is there.
    fn create(&self, key: &str, bytes: &Bytes, crc32c: u32) -> Result<Created, ObjectFault>;
    /// Makes or replaces an object.
    ///
    /// # Errors
    /// When it is not known whether the object is there.
    fn replace(&self, key: &str, bytes: &Bytes) -> Result<(), ObjectFault>;
    /// All bytes of an object, at most `limit` of them; `None` where there is none.
    ///
    /// # Errors
    /// When the store does not say.
    fn read(&self, key: &str, limit: u64) -> Result<Option<Bytes>, ObjectFault>;
    /// The bytes from `offset` on: `length` of them, or up to the end of the object.
    ///
    /// # Errors
    /// Also when there is no such object.
    fn read_at(&self, key: &str, offset: u64, length: u64) -> Result<Bytes, ObjectFault>;
    /// `None` where there is no such object.
    ///
    /// # Errors
    /// When the store does not say.
    fn stat(&self, key: &str) -> Result<Option<Stat>, ObjectFault>;
    /// There may be no such object.
    ///
    /// # Errors
    /// When it is not known whether the object is gone.
    fn remove(&self, key: &str) -> Result<(), ObjectFault>;
}

/// What became of an object that was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    New,
    /// One of this key is there, and stays as it is.
    Exists,
}

/// What a store says of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    pub bytes: u64,
    /// As the store computed it, where it does.
    pub crc32c: Option<u32>,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ObjectFault {
    #[error("{store} does not answer")]
    Away {
        store: Box<str>,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{store} answers {status} {code}")]
    Refused { store: Box<str>, status: u16, code: Box<str> },
    #[error("{store} has no {key}")]
    Missing { store: Box<str>, key: Box<str> },
}
