//! What was read from a store, in memory: blocks of files that never change.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Bytes of a block. A request costs some 30 ms before its first byte, and a block 10 ms at
/// 100 MB/s: reading a little more than was asked for costs less than asking again.
pub(crate) const BLOCK_BYTES: u64 = 1 << 20;

type Key = (Arc<str>, u64);

/// The blocks that were used last.
#[derive(Debug)]
pub(crate) struct Cache {
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    blocks: BTreeMap<Key, (Bytes, u64)>,
    /// By use, the longest ago first.
    order: BTreeMap<u64, Key>,
    uses: u64,
    bytes: usize,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The blocks of a file that are here, of those asked for.
    pub(crate) fn find(&self, name: &Arc<str>, blocks: Range<u64>) -> BTreeMap<u64, Bytes> {
        let mut state = self.state();
        blocks.filter_map(|block| Some((block, state.find(&(Arc::clone(name), block))?))).collect()
    }

    pub(crate) fn keep(&self, name: &Arc<str>, block: u64, bytes: Bytes) {
        let mut state = self.state();
        state.insert((Arc::clone(name), block), bytes);
        while state.bytes > self.bytes_max && state.drop_oldest() {}
    }
}

impl State {
    fn find(&mut self, key: &Key) -> Option<Bytes> {
        let (bytes, used) = self.blocks.get_mut(key)?;
        self.uses += 1;
        self.order.remove(used);
        *used = self.uses;
        self.order.insert(self.uses, (Arc::clone(&key.0), key.1));
        Some(bytes.clone())
    }

    fn insert(&mut self, key: Key, bytes: Bytes) {
        self.uses += 1;
        self.bytes += bytes.len();
        self.order.insert(self.uses, (Arc::clone(&key.0), key.1));
        if let Some((before, used)) = self.blocks.insert(key, (bytes, self.uses)) {
            self.bytes -= before.len();
            self.order.remove(&used);
        }
    }

    fn drop_oldest(&mut self) -> bool {
        let Some((_, key)) = self.order.pop_first() else { return false };
        if let Some((bytes, _)) = self.blocks.remove(&key) {
            self.bytes -= bytes.len();
        }
        true
    }
}

#[cfg(test)]
mod tests;
