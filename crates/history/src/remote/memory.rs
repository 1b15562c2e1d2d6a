//! An object store in memory that fails where it is told to. For tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::objects::{Created, ObjectFault, Objects, Stat};

#[derive(Clone, Debug, Default)]
pub struct Bucket {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Bytes>,
    calls: u64,
    fails_at: Option<(u64, Lost)>,
    is_away: bool,
    is_careless: bool,
    tells_checksums: bool,
}

/// What becomes of a request that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    Request,
    /// It was done, and nobody hears of it.
    Answer,
}

impl Bucket {
    /// Requests so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Lets the request with this number fail, and all that follow until `mend`.
    pub fn fail_at(&self, call: u64, lost: Lost) {
        self.state().fails_at = Some((call, lost));
    }

    /// Nothing answers until `mend`.
    pub fn go_away(&self) {
        self.state().is_away = true;
    }

    pub fn mend(&self) {
        let mut state = self.state();
        (state.is_away, state.fails_at) = (false, None);
    }

    /// Writes over what is there, whatever it is asked.
    pub fn be_careless(&self) {
        self.state().is_careless = true;
    }

    /// Computes checksums of its own.
    pub fn tell_checksums(&self) {
        self.state().tells_checksums = true;
    }

    /// All objects, for a look from outside.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        self.state().objects.clone()
    }

    /// Puts an object there from outside.
    pub fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        self.state().objects.insert(key.to_owned(), bytes.into());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request<T>(&self, act: impl FnOnce(&mut State) -> T) -> Result<T, ObjectFault> {
        let mut state = self.state();
        let call = state.calls;
        state.calls += 1;
        let fails = state.fails_at.filter(|(at, _)| *at == call);
        let done = (!state.is_away && fails.is_none_or(|(_, lost)| lost == Lost::Answer))
            .then(|| act(&mut state));
        state.is_away |= fails.is_some();
        done.filter(|_| fails.is_none()).ok_or_else(|| ObjectFault::Away {
            store: self.name().into(),
            source: "injected fault".into(),
        })
    }
}

impl Objects for Bucket {
    fn name(&self) -> &str {
        "memory://bucket"
    }

    fn create(&self, key: &str, bytes: &Bytes, _crc32c: u32) -> Result<Created, ObjectFault> {
        self.request(|state| {
            if state.objects.contains_key(key) && !state.is_careless {
                return Created::Exists;
            }
            state.objects.insert(key.to_owned(), bytes.clone());
            Created::New
        })
    }

    fn replace(&self, key: &str, bytes: &Bytes) -> Result<(), ObjectFault> {
        self.request(|state| drop(state.objects.insert(key.to_owned(), bytes.clone())))
    }

    fn read(&self, key: &str, limit: u64) -> Result<Option<Bytes>, ObjectFault> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let part = |bytes: &Bytes| bytes.slice(..limit.min(bytes.len()));
        self.request(|state| state.objects.get(key).map(part))
    }

    fn read_at(&self, key: &str, offset: u64, length: u64) -> Result<Bytes, ObjectFault> {
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let part = |bytes: &Bytes| {
            let end = index(offset.saturating_add(length)).min(bytes.len());
            bytes.slice(index(offset).min(end)..end)
        };
        let found = self.request(|state| state.objects.get(key).map(part))?;
        found.ok_or_else(|| ObjectFault::Missing { store: self.name().into(), key: key.into() })
    }

    fn stat(&self, key: &str) -> Result<Option<Stat>, ObjectFault> {
        self.request(|state| {
            let bytes = state.objects.get(key)?;
            let crc32c = state.tells_checksums.then(|| crc32c::crc32c(bytes));
            Some(Stat { bytes: bytes.len() as u64, crc32c })
        })
    }

    fn remove(&self, key: &str) -> Result<(), ObjectFault> {
        self.request(|state| drop(state.objects.remove(key)))
    }
}
