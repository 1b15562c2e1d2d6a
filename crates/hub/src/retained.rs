//! The last retained message of each topic.
//!
//! Sorted by topic, so that a filter reads only the topics that begin like it.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use model::{TopicBuf, TopicFilter};

use crate::Publication;

/// A million retained topics, the most that one site was asked to hold.
const RETAINED_MAX: usize = 1_000_000;

/// 1 GiB for all of them, so that a stranger cannot fill the memory with large ones.
const RETAINED_BYTES_MAX: usize = 1 << 30;

/// The store is at its limit; the message is delivered and kept in the journal, but not retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetainedFull;

#[derive(Debug, Default)]
pub struct Retained {
    store: RwLock<Store>,
}

#[derive(Debug, Default)]
//= mqtt-v311 MQTT-3.1.2-7
struct Store {
    by_topic: BTreeMap<TopicBuf, Arc<Publication>>,
    bytes: usize,
    /// How far it was looked through for what is over.
    swept: Option<TopicBuf>,
}

impl Retained {
    /// Keeps `publication` for its topic, or forgets the topic when the payload is empty.
    ///
    /// # Errors
    /// When the store is at its limit and the topic is not in it.
    //= mqtt-v5 MQTT-3.3.1-5, MQTT-3.3.1-6, MQTT-3.3.1-7
    //= mqtt-v311 MQTT-3.3.1-5, MQTT-3.3.1-7, MQTT-3.3.1-10, MQTT-3.3.1-11
    pub fn keep(&self, publication: Arc<Publication>) -> Result<(), RetainedFull> {
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        let before = store.by_topic.remove(&publication.topic);
        store.bytes -= before.map_or(0, |old| old.cost());
        if publication.payload.is_empty() {
            return Ok(());
        }
        let bytes = store.bytes + publication.cost();
        if store.by_topic.len() >= RETAINED_MAX || bytes > RETAINED_BYTES_MAX {
            return Err(RetainedFull);
        }
        store.bytes = bytes;
        store.by_topic.insert(publication.topic.clone(), publication);
        Ok(())
    }

    /// Retained messages that `filter` matches, in the order of their topics: the first `most` of
    /// those behind `after`.
    #[must_use]
    pub fn matching(
        &self,
        filter: &TopicFilter,
        after: Option<&TopicBuf>,
        most: usize,
    ) -> Vec<Arc<Publication>> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let prefix = literal_prefix(filter.as_str());
        let from = match after {
            Some(topic) => Bound::Excluded(topic.as_str()),
            None => Bound::Included(prefix),
        };
        store
            .by_topic
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(topic, _)| topic.as_str().starts_with(prefix))
            .filter(|(topic, _)| filter.matches(topic.as_name()))
            .map(|(_, publication)| Arc::clone(publication))
            .take(most)
            .collect()
    }

    /// Looks at the next `most` topics, one round after the other, and forgets those whose message
    /// is over. Says how many that were.
    pub fn sweep(&self, most: usize, is_over: impl Fn(&Publication) -> bool) -> usize {
        let (over, last) = self.next_over(most, is_over);
        if over.is_empty() && last.is_none() {
            return 0;
        }
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        store.swept = last;
        over.iter().filter(|publication| store.forget(publication)).count()
    }

    /// And the last topic that was looked at, unless that was the last of all.
    fn next_over(
        &self,
        most: usize,
        is_over: impl Fn(&Publication) -> bool,
    ) -> (Vec<Arc<Publication>>, Option<TopicBuf>) {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let from = store.swept.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let next = || store.by_topic.range::<TopicBuf, _>((from, Bound::Unbounded)).take(most);
        let over = next().map(|(_, publication)| publication).filter(|found| is_over(found));
        let last = next().nth(most.saturating_sub(1)).map(|(topic, _)| topic.clone());
        (over.map(Arc::clone).collect(), last)
    }

    /// All of them, for a snapshot.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Publication>> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        store.by_topic.values().map(Arc::clone).collect()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.store.read().unwrap_or_else(PoisonError::into_inner).by_topic.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Store {
    /// Unless the topic has another message by now.
    fn forget(&mut self, publication: &Arc<Publication>) -> bool {
        let found = self.by_topic.get(&publication.topic);
        let same = found.is_some_and(|kept| Arc::ptr_eq(kept, publication));
        if same {
            self.by_topic.remove(&publication.topic);
            self.bytes -= publication.cost();
        }
        same
    }
}

/// The part of a filter before its first wildcard level. `sport/#` also matches `sport`, so the
/// `/` in front of the wildcard is left out.
fn literal_prefix(filter: &str) -> &str {
    match filter.find(['+', '#']) {
        Some(at) => filter.get(..at.saturating_sub(1)).unwrap_or_default(),
        None => filter,
    }
}

#[cfg(test)]
mod tests;
