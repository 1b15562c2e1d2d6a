//! Damaged packets that say nothing about a broker: docs/differential.md has the table.

use mqtt::{Kind, Malformed, Packet, Version, decode};

use super::script::{NEVER_RETAINED, TOPICS};

/// An alias above this one is above mosquitto's maximum.
const ALIAS_MAX: u16 = 10;

/// The property whose values other than 0 and 1 mean nothing.
const PAYLOAD_FORMAT: u8 = 0x01;

/// Its value may have no wildcards, and mosquitto does not look.
const RESPONSE_TOPIC: u8 = 0x08;

/// Whether the standard lets a broker take or refuse a packet, or mosquitto is known to differ, or
/// the packet names topics that other scripts may name too. `family` has the filters of the sender.
pub(super) fn is_left_open(packet: &[u8], version: Version, family: &[&str]) -> bool {
    match decode(packet, version, u32::MAX) {
        Ok(Some((Packet::Publish(it), _))) => {
            let known = it.topic.is_empty() || TOPICS.contains(&it.topic);
            let alias = it.properties.alias().is_some_and(|alias| alias.get() > ALIAS_MAX);
            let retained = it.retain && it.topic == NEVER_RETAINED;
            // Control characters are printed with a backslash.
            !known || alias || retained || format!("{:?}", it.properties).contains('\\')
        }
        Ok(Some((Packet::Subscribe(it), _))) => {
            it.subscriptions().any(|line| !family.contains(&line.filter))
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
