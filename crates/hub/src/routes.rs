//! What each topic matched, kept per shard: the publish path takes no lock while nothing changes.

use std::sync::Arc;

use hashbrown::HashMap;
use model::TopicName;

use crate::{Matches, Subscriptions};

/// Topics whose matches a shard keeps: about 65,536 of 200 bytes, 13 MB. A shard that meets more
/// forgets them all and starts again, which costs one walk of the tree per topic.
const TOPICS_MAX: usize = 65_536;

#[derive(Debug)]
pub struct Routes {
    subscriptions: Arc<Subscriptions>,
    known: HashMap<Box<str>, Known, foldhash::fast::RandomState>,
}

#[derive(Debug)]
struct Known {
    matches: Arc<Matches>,
    epoch: u64,
}

impl Routes {
    #[must_use]
    pub fn new(subscriptions: Arc<Subscriptions>) -> Self {
        Self { subscriptions, known: HashMap::default() }
    }

    /// Everyone who hears `topic`.
    pub fn of(&mut self, topic: TopicName<'_>) -> Arc<Matches> {
        let epoch = self.subscriptions.epoch();
        if let Some(known) = self.known.get_mut(topic.as_str()) {
            if known.epoch == epoch {
                return Arc::clone(&known.matches);
            }
            if let Some(epoch) = self.subscriptions.unchanged(topic, known.epoch) {
                known.epoch = epoch;
                return Arc::clone(&known.matches);
            }
        }
        self.learn(topic)
    }

    fn learn(&mut self, topic: TopicName<'_>) -> Arc<Matches> {
        if self.known.len() >= TOPICS_MAX {
            self.known.clear();
        }
        let (matches, epoch) = self.subscriptions.matches(topic);
        let matches = Arc::new(matches);
        let known = Known { matches: Arc::clone(&matches), epoch };
        self.known.insert(topic.as_str().into(), known);
        matches
    }
}
