//! Damaged packets that say nothing about a broker: docs/differential.md has the table.

use mqtt::{Kind, Malformed, Packet, Subscription, SubscriptionOptions, Version, decode};

use super::script::{NEVER_RETAINED, TOPICS};

/// An alias above this one is above mosquitto's maximum.
const ALIAS_MAX: u16 = 10;

/// The property whose values other than 0 and 1 mean nothing.
const PAYLOAD_FORMAT: u8 = 0x01;

/// Its value may have no wildcards, and mosquitto does not look.
const RESPONSE_TOPIC: u8 = 0x08;

/// What a sender says in every SUBSCRIBE that is not damaged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits<'a> {
    /// The filters that it uses.
    pub(super) family: &'a [&'a str],
    pub(super) wish: Wish,
}

/// For all filters of a sender: mosquitto keeps the first wish for each of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish {
    pub(super) retain_as_published: bool,
    pub(super) no_local: bool,
}

impl Wish {
    /// A shared filter may not have it.
    pub(super) fn no_local_for(self, filter: &str) -> bool {
        self.no_local && !filter.starts_with('$')
    }

    fn differs(self, line: Subscription<'_>) -> bool {
        let SubscriptionOptions { retain_as_published, no_local, .. } = line.options;
        (retain_as_published, no_local)
            != (self.retain_as_published, self.no_local_for(line.filter))
    }
}

/// Whether the standard lets a broker take or refuse a packet, or mosquitto is known to differ, or
/// the packet names topics that other scripts may name too.
pub(super) fn is_left_open(packet: &[u8], version: Version, sender: Habits<'_>) -> bool {
    let Habits { family, .. } = sender;
    match decode(packet, version, u32::MAX) {
        Ok(Some((Packet::Publish(it), _))) => {
            let known = it.topic.is_empty() || TOPICS.contains(&it.topic);
            let alias = it.properties.alias().is_some_and(|alias| alias.get() > ALIAS_MAX);
            let retained = it.retain && it.topic == NEVER_RETAINED;
            // Control characters are printed with a backslash.
            !known || alias || retained || format!("{:?}", it.properties).contains('\\')
        }
        Ok(Some((Packet::Subscribe(it), _))) => {
            let other_wish = |line| version == Version::V5 && sender.wish.differs(line);
            it.subscriptions().any(|line| !family.contains(&line.filter) || other_wish(line))
        }
        Ok(Some((Packet::Unsubscribe(it), _))) => {
            it.filters().any(|filter| !family.contains(&filter))
        }
        Ok(_) | Err(Malformed::HeaderFlags(_)) => false,
        Err(malformed) => {
            let lists = [Kind::Subscribe.first_byte(), Kind::Unsubscribe.first_byte()];
            packet.first().is_some_and(|first| lists.contains(first)) || is_taken(malformed)
        }
    }
}

/// By mosquitto.
const fn is_taken(malformed: Malformed) -> bool {
    matches!(
        malformed,
        Malformed::DupWithoutQos | Malformed::PropertyValue(PAYLOAD_FORMAT | RESPONSE_TOPIC)
    )
}
