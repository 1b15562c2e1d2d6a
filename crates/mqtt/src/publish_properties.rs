//! The properties of a PUBLISH: which of them travel with the message, and which are between two
//! neighbours only.

use std::fmt;
use std::num::NonZeroU16;

use crate::Malformed;
use crate::properties::{Allowed, Checked, Properties, read_block};
use crate::property::{MESSAGE_EXPIRY, Property, SUBSCRIPTION_ID, TOPIC_ALIAS};
use crate::reader::Reader;

/// What a PUBLISH carries besides topic and payload, looked at once while it is decoded.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct PublishProperties<'a> {
    all: Properties<'a>,
    /// `all` without what belongs to one connection, when that stands at its ends only.
    travelling: &'a [u8],
    /// What belongs to one connection stands between properties that travel.
    interleaved: bool,
    alias: Option<NonZeroU16>,
    expiry: Option<u32>,
    has_subscription_ids: bool,
}

impl<'a> PublishProperties<'a> {
    pub const NONE: Self = Self {
        all: Properties::NONE,
        travelling: &[],
        interleaved: false,
        alias: None,
        expiry: None,
        has_subscription_ids: false,
    };

    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Self::parse(read_block(reader)?)
    }

    /// # Errors
    /// When `block` is not what may stand in a PUBLISH.
    pub fn parse(block: &'a [u8]) -> Result<Self, Malformed> {
        let mut seen = Self { all: Properties::checked(block), ..Self::NONE };
        let mut checked = Checked::new(block, Allowed::PUBLISH);
        let mut travel = Span::default();
        loop {
            let start = checked.at();
            let Some((id, property)) = checked.next_property()? else { break };
            if let Property::TopicAlias(alias) = property {
                seen.alias = Some(alias);
            } else if let Property::MessageExpiry(seconds) = property {
                seen.expiry = Some(seconds);
            }
            seen.has_subscription_ids |= id == SUBSCRIPTION_ID;
            //= mqtt-v5 MQTT-3.1.2-26, MQTT-3.1.2-27, MQTT-3.3.2-11
            if id != TOPIC_ALIAS && id != SUBSCRIPTION_ID {
                travel.cover(start, checked.at());
            }
        }
        seen.travelling = block.get(travel.start..travel.end).unwrap_or_default();
        seen.interleaved = travel.holes;
        Ok(seen)
    }

    /// Everything, as it came.
    #[must_use]
    pub const fn all(&self) -> Properties<'a> {
        self.all
    }

    #[must_use]
    pub const fn alias(&self) -> Option<NonZeroU16> {
        self.alias
    }

    /// Seconds for which the message is worth delivering.
    #[must_use]
    pub const fn expiry(&self) -> Option<u32> {
        self.expiry
    }

    #[must_use]
    pub const fn has_subscription_ids(&self) -> bool {
        self.has_subscription_ids
    }

    /// The block that travels with the message to its receivers and into the journal. `scratch`
    /// is used only when the sender mixed its alias in between.
    //= mqtt-v5 MQTT-3.3.2-4, MQTT-3.3.2-15, MQTT-3.3.2-16
    //= mqtt-v5 MQTT-3.3.2-17, MQTT-3.3.2-18, MQTT-3.3.2-20
    #[must_use]
    pub fn travelling<'s>(&self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        if !self.interleaved {
            return self.travelling;
        }
        scratch.clear();
        let mut rest = Reader::new(self.travelling);
        while !rest.is_empty() {
            let before = rest.remainder();
            let Ok((id, _)) = Property::read(&mut rest) else { break };
            if id != TOPIC_ALIAS && id != SUBSCRIPTION_ID {
                let bytes = before.len() - rest.len();
                scratch.extend_from_slice(before.get(..bytes).unwrap_or_default());
            }
        }
        scratch
    }
}

impl fmt::Debug for PublishProperties<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all.fmt(out)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: usize,
    end: usize,
    holes: bool,
}

impl Span {
    fn cover(&mut self, start: usize, end: usize) {
        if self.end == 0 {
            self.start = start;
        } else if self.end != start {
            self.holes = true;
        }
        self.end = end;
    }
}

//= mqtt-v5 MQTT-3.3.2-6
/// Writes what is left of the expiry over it, if there is one.
pub(crate) fn patch_expiry(block: &mut [u8], left: u32) {
    let Some(at) = place_of_expiry(block) else { return };
    if let Some(place) = block.get_mut(at + 1..at + 5) {
        place.copy_from_slice(&left.to_be_bytes());
    }
}

/// Where the message expiry begins in a block that was checked before.
fn place_of_expiry(block: &[u8]) -> Option<usize> {
    let mut rest = Reader::new(block);
    loop {
        let at = block.len() - rest.len();
        let (id, _) = Property::read(&mut rest).ok()?;
        if id == MESSAGE_EXPIRY {
            return Some(at);
        }
    }
}
