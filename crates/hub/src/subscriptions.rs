//! All subscriptions of the site: a tree of topic levels, and how one topic finds its subscribers.
//!
//! Shards keep what a topic matched (`Routes`) and ask here only when that may have changed: every
//! change has a number, the `epoch`, and the last few changed filters are remembered, so that a
//! shard can tell that a change elsewhere does not concern its topic. The tree is therefore read
//! once per topic, not once per message, and a lock is enough
//! (docs/decisions/0003-subscription-tree.md).

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use model::session::Options;
use model::{Qos, TopicFilter, TopicName};
use smallvec::SmallVec;

use crate::SessionKey;

mod children;

use children::Children;

/// 2 million filters of about 200 bytes are 400 MB: the most a site may be made to hold.
const SUBSCRIPTIONS_MAX: usize = 2_000_000;

/// Changed filters that are remembered. A shard that is further behind asks the tree again.
const CHANGES_MAX: usize = 256;

/// What a session asked for with one filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub session: SessionKey,
    pub qos: Qos,
    pub no_local: bool,
    pub retain_as_published: bool,
    pub identifier: Option<u32>,
}

impl Grant {
    /// What a record says of a subscription.
    #[must_use]
    pub fn of(session: SessionKey, options: Options) -> Self {
        Self {
            session,
            qos: options.qos,
            no_local: options.no_local,
            retain_as_published: options.retain_as_published,
            identifier: (options.identifier != 0).then_some(options.identifier),
        }
    }

    /// As a record says it.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            qos: self.qos,
            no_local: self.no_local,
            retain_as_published: self.retain_as_published,
            identifier: self.identifier.unwrap_or_default(),
        }
    }
}

/// One session that hears a topic. Overlapping filters of a session are merged into one route with
/// the highest QoS and all identifiers: one copy arrives.
//= mqtt-v5 MQTT-3.3.4-2, MQTT-3.3.4-3, MQTT-3.3.4-4
//= mqtt-v311 MQTT-3.3.5-1
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub session: SessionKey,
    pub qos: Qos,
    /// Every filter that matches leaves out the client's own messages.
    pub no_local: bool,
    /// For the client's own messages, when some of its filters leave them out and some do not.
    pub own: Option<Box<Route>>,
    pub retain_as_published: bool,
    /// As the member of a shared group that was chosen.
    pub shared: bool,
    pub identifiers: SmallVec<[u32; 1]>,
}

/// Everyone who hears a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    pub routes: Vec<Route>,
    /// Of each shared group one member gets the message.
    pub groups: Vec<Vec<Route>>,
}

/// Why a subscription was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeFault {
    #[error("the site holds {SUBSCRIPTIONS_MAX} subscriptions, which is its limit")]
    TooMany,
}

#[derive(Debug, Default)]
pub struct Subscriptions {
    epoch: AtomicU64,
    tree: RwLock<Tree>,
}

#[derive(Debug, Default)]
struct Tree {
    root: Node,
    count: usize,
    changes: VecDeque<TopicFilter>,
    epoch: u64,
}

#[derive(Debug, Default)]
struct Node {
    children: Children<Node>,
    plus: Option<Box<Node>>,
    /// Filters that end here.
    here: Vec<Entry>,
    /// Filters that end here with `#`.
    below: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    group: Option<Arc<str>>,
    grant: Grant,
}

impl Subscriptions {
    /// Adds a subscription or replaces the one of the same session and filter. Says whether it was
    /// there before (which decides whether retained messages are sent).
    ///
    /// # Errors
    /// When the site is at its limit.
    pub fn subscribe(&self, filter: &TopicFilter, grant: Grant) -> Result<bool, SubscribeFault> {
        let mut tree = self.tree.write().unwrap_or_else(PoisonError::into_inner);
        if tree.count >= SUBSCRIPTIONS_MAX {
            return Err(SubscribeFault::TooMany);
        }
        let replaced = tree.root.insert(filter, grant);
        tree.count += usize::from(!replaced);
        self.changed(&mut tree, filter);
        Ok(replaced)
    }

    /// Says whether there was such a subscription.
    pub fn unsubscribe(&self, filter: &TopicFilter, session: SessionKey) -> bool {
        let mut tree = self.tree.write().unwrap_or_else(PoisonError::into_inner);
        let levels: Vec<&str> = filter.levels().collect();
        let removed = tree.root.remove(&levels, filter.group(), session);
        if removed {
            tree.count -= 1;
            self.changed(&mut tree, filter);
        }
        removed
    }

    /// The members of a shared group, as routes to one of them.
    #[must_use]
    pub fn members(&self, filter: &TopicFilter) -> Vec<Route> {
        let Some(group) = filter.group() else { return Vec::new() };
        let levels: Vec<&str> = filter.levels().collect();
        let tree = self.read();
        let entries = tree.root.entries(&levels).unwrap_or_default();
        let members = entries.iter().filter(|entry| entry.group.as_deref() == Some(group));
        members.map(|entry| Route { shared: true, ..Route::of(&entry.grant) }).collect()
    }

    /// With which QoS a session hears a filter.
    #[must_use]
    pub fn qos_of(&self, filter: &TopicFilter, session: SessionKey) -> Option<Qos> {
        let tree = self.read();
        let levels: Vec<&str> = filter.levels().collect();
        tree.root.find(&levels, filter.group(), session).map(|entry| entry.grant.qos)
    }

    /// The number of the last change.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Everyone who hears `topic`, and the epoch at which that is true.
    #[must_use]
    pub fn matches(&self, topic: TopicName<'_>) -> (Matches, u64) {
        let tree = self.read();
        let mut found = Collector::default();
        tree.root.collect(topic, &mut found);
        (found.matches, tree.epoch)
    }

    /// The current epoch, if no change after `since` concerns `topic`.
    #[must_use]
    pub fn unchanged(&self, topic: TopicName<'_>, since: u64) -> Option<u64> {
        let tree = self.read();
        let behind = usize::try_from(tree.epoch - since).unwrap_or(usize::MAX);
        if behind > tree.changes.len() {
            return None;
        }
        let concerned = tree.changes.iter().rev().take(behind).any(|filter| filter.matches(topic));
        (!concerned).then_some(tree.epoch)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.read().count
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn changed(&self, tree: &mut Tree, filter: &TopicFilter) {
        if tree.changes.len() == CHANGES_MAX {
            tree.changes.pop_front();
        }
        tree.changes.push_back(filter.clone());
        tree.epoch += 1;
        self.epoch.store(tree.epoch, Ordering::Release);
    }

    fn read(&self) -> RwLockReadGuard<'_, Tree> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    fn insert(&mut self, filter: &TopicFilter, grant: Grant) -> bool {
        let mut node = self;
        let mut ends_below = false;
        for level in filter.levels() {
            node = match level {
                "#" => {
                    ends_below = true;
                    break;
                }
                "+" => &mut **node.plus.get_or_insert_default(),
                level => node.children.get_or_insert(level),
            };
        }
        let entries = if ends_below { &mut node.below } else { &mut node.here };
        let group = filter.group();
        let same = |entry: &&mut Entry| entry.is_of(group, grant.session);
        //= mqtt-v5 MQTT-3.8.4-3
        //= mqtt-v311 MQTT-3.8.4-3
        if let Some(entry) = entries.iter_mut().find(same) {
            entry.grant = grant;
            return true;
        }
        // Most filters have one subscriber.
        if entries.is_empty() {
            entries.reserve_exact(1);
        }
        entries.push(Entry { group: group.map(Arc::from), grant });
        false
    }

    /// Removes the entry and every node that is empty without it.
    fn remove(&mut self, levels: &[&str], group: Option<&str>, session: SessionKey) -> bool {
        match levels {
            [] => remove_entry(&mut self.here, group, session),
            ["#", ..] => remove_entry(&mut self.below, group, session),
            ["+", rest @ ..] => {
                let Some(child) = &mut self.plus else { return false };
                let removed = child.remove(rest, group, session);
                if child.is_empty() {
                    self.plus = None;
                }
                removed
            }
            [level, rest @ ..] => {
                let Some(child) = self.children.get_mut(level) else { return false };
                let removed = child.remove(rest, group, session);
                if child.is_empty() {
                    self.children.remove(level);
                }
                removed
            }
        }
    }

    fn find(&self, levels: &[&str], group: Option<&str>, session: SessionKey) -> Option<&Entry> {
        self.entries(levels)?.iter().find(|entry| entry.is_of(group, session))
    }

    /// Those of one filter.
    fn entries(&self, levels: &[&str]) -> Option<&[Entry]> {
        match levels {
            [] => Some(&self.here),
            ["#", ..] => Some(&self.below),
            ["+", rest @ ..] => self.plus.as_ref()?.entries(rest),
            [level, rest @ ..] => self.children.get(level)?.entries(rest),
        }
    }

    fn is_empty(&self) -> bool {
        self.children.is_empty()
            && self.plus.is_none()
            && self.here.is_empty()
            && self.below.is_empty()
    }

    //= mqtt-v5 MQTT-3.3.2-3, MQTT-4.7.2-1, MQTT-4.7.3-4
    //= mqtt-v311 MQTT-3.3.2-3, MQTT-4.7.2-1, MQTT-4.7.3-4
    fn collect(&self, topic: TopicName<'_>, found: &mut Collector) {
        let (first, rest) = match topic.as_str().split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (topic.as_str(), None),
        };
        if topic.is_reserved() {
            if let Some(child) = self.children.get(first) {
                child.collect_rest(rest, found);
            }
        } else {
            self.collect_rest(Some(topic.as_str()), found);
        }
    }

    fn collect_rest(&self, rest: Option<&str>, found: &mut Collector) {
        found.add_all(&self.below);
        let Some(rest) = rest else { return found.add_all(&self.here) };
        let (level, rest) = match rest.split_once('/') {
            Some((level, rest)) => (level, Some(rest)),
            None => (rest, None),
        };
        if let Some(child) = self.children.get(level) {
            child.collect_rest(rest, found);
        }
        if let Some(child) = &self.plus {
            child.collect_rest(rest, found);
        }
    }
}

impl Entry {
    fn is_of(&self, group: Option<&str>, session: SessionKey) -> bool {
        self.grant.session == session && self.group.as_deref() == group
    }
}

fn remove_entry(entries: &mut Vec<Entry>, group: Option<&str>, session: SessionKey) -> bool {
    let found = entries.iter().position(|entry| entry.is_of(group, session));
    found.map(|index| entries.swap_remove(index)).is_some()
}

#[derive(Default)]
struct Collector {
    matches: Matches,
    /// Where the route of a session stands, so that overlapping filters merge in one step each.
    at: BTreeMap<SessionKey, usize>,
    /// Groups are told apart by their name here: the same name under two filters is two groups.
    group_names: Vec<Arc<str>>,
}

impl Collector {
    fn add_all(&mut self, entries: &[Entry]) {
        let groups_before = self.group_names.len();
        for entry in entries {
            match &entry.group {
                None => self.add(&entry.grant),
                Some(group) => self.add_member(group, &entry.grant, groups_before),
            }
        }
    }

    fn add(&mut self, grant: &Grant) {
        let at = *self.at.entry(grant.session).or_insert(self.matches.routes.len());
        match self.matches.routes.get_mut(at) {
            Some(route) => route.merge(grant),
            None => self.matches.routes.push(Route::of(grant)),
        }
    }

    fn add_member(&mut self, group: &Arc<str>, grant: &Grant, groups_before: usize) {
        let same = |known: &Arc<str>| known == group;
        let found = self.group_names.iter().skip(groups_before).position(same);
        let at = found.map_or(self.group_names.len(), |offset| groups_before + offset);
        if at == self.group_names.len() {
            self.group_names.push(Arc::clone(group));
            self.matches.groups.push(Vec::new());
        }
        if let Some(members) = self.matches.groups.get_mut(at) {
            members.push(Route { shared: true, ..Route::of(grant) });
        }
    }
}

impl Route {
    /// As the session hears a message, its own one or another's; `None` if it does not.
    //= mqtt-v5 MQTT-3.8.3-3
    #[must_use]
    pub fn hears(&self, own: bool) -> Option<&Self> {
        match &self.own {
            Some(route) if own => Some(route),
            _ if own && self.no_local => None,
            _ => Some(self),
        }
    }

    fn of(grant: &Grant) -> Self {
        Self {
            session: grant.session,
            qos: grant.qos,
            no_local: grant.no_local,
            own: None,
            retain_as_published: grant.retain_as_published,
            shared: false,
            identifiers: grant.identifier.into_iter().collect(),
        }
    }

    fn merge(&mut self, grant: &Grant) {
        match &mut self.own {
            Some(own) if !grant.no_local => own.merge(grant),
            None if self.no_local && !grant.no_local => self.own = Some(Box::new(Self::of(grant))),
            None if !self.no_local && grant.no_local => self.own = Some(Box::new(self.clone())),
            Some(_) | None => {}
        }
        self.qos = self.qos.max(grant.qos);
        self.no_local &= grant.no_local;
        self.retain_as_published |= grant.retain_as_published;
        self.identifiers.extend(grant.identifier);
    }
}

#[cfg(test)]
mod tests;
