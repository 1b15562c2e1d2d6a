//! Who hears which topics. Filters are of two kinds: a topic by its name, or all topics below two
//! levels, as the generator makes them.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

#[derive(Debug, Default)]
struct Audience {
    members: Vec<usize>,
    /// One after the other gets a message.
    shared: bool,
    turn: usize,
    /// What came for them in this turn.
    passed: Vec<u8>,
}

#[derive(Debug, Default)]
pub(super) struct Audiences {
    all: Vec<Audience>,
    exact: HashMap<Vec<u8>, usize, FixedState>,
    /// By the first two levels.
    below: HashMap<Vec<u8>, usize, FixedState>,
    /// Audiences with something to deliver.
    touched: Vec<usize>,
    /// To members of shared subscriptions.
    single: Vec<(usize, Vec<u8>)>,
}

impl Audiences {
    pub(super) fn subscribe(&mut self, filter: &str, member: usize) {
        let share = filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/'));
        let filter = share.map_or(filter, |(_name, filter)| filter);
        let (map, key) = match filter.strip_suffix("/#") {
            Some(prefix) => (&mut self.below, prefix),
            None => (&mut self.exact, filter),
        };
        let place = *map.entry(key.as_bytes().to_vec()).or_insert(self.all.len());
        if place == self.all.len() {
            self.all.push(Audience { shared: share.is_some(), ..Audience::default() });
        }
        if let Some(audience) = self.all.get_mut(place) {
            audience.members.push(member);
        }
    }

    /// Takes a PUBLISH.
    pub(super) fn hear(&mut self, topic: &[u8], packet: &[u8]) {
        let exact = if self.exact.is_empty() { None } else { self.exact.get(topic) };
        let below = self.below.get(first_two_levels(topic));
        for place in exact.into_iter().chain(below).copied() {
            let Some(audience) = self.all.get_mut(place) else { continue };
            if audience.shared {
                audience.turn = (audience.turn + 1) % audience.members.len().max(1);
                let member = audience.members.get(audience.turn);
                self.single.extend(member.map(|member| (*member, packet.to_vec())));
                continue;
            }
            if audience.passed.is_empty() {
                self.touched.push(place);
            }
            audience.passed.extend_from_slice(packet);
        }
    }

    /// Shows `give` each member and what came for it.
    pub(super) fn deliver(&mut self, mut give: impl FnMut(usize, &[u8])) {
        for place in self.touched.drain(..) {
            let Some(audience) = self.all.get_mut(place) else { continue };
            audience.members.iter().for_each(|member| give(*member, &audience.passed));
            audience.passed.clear();
        }
        self.single.drain(..).for_each(|(member, packet)| give(member, &packet));
    }

    pub(super) fn forget(&mut self, member: usize) {
        for audience in &mut self.all {
            audience.members.retain(|it| *it != member);
        }
    }
}

fn first_two_levels(topic: &[u8]) -> &[u8] {
    let mut slashes = topic.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let end = slashes.nth(1).map_or(topic.len(), |(place, _)| place);
    topic.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests;
