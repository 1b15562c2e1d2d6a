//! Who speaks: a device has one id of ours and any number of keys, the names it gives itself.

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ID_CHARS: usize = 26;

/// Our own name of a device: a ULID, sortable by the time of its first message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(u128);

impl DeviceId {
    /// 48 bits of milliseconds and 80 bits that the caller vouches for. Deterministic, because a
    /// replay of the journal has to give a device the same id again.
    #[must_use]
    pub fn new(first_seen: Timestamp, entropy: u128) -> Self {
        let millis = u128::from(first_seen.millis().max(0).unsigned_abs()) & ((1 << 48) - 1);
        Self((millis << 80) | (entropy & ((1 << 80) - 1)))
    }

    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; ID_CHARS];
        for (place, letter) in text.iter_mut().rev().enumerate() {
            let digit = ((self.0 >> (5 * place)) & 31) as usize;
            *letter = CROCKFORD.get(digit).copied().unwrap_or(b'0');
        }
        out.pad(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DeviceId({self})")
    }
}

/// The text is no ULID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a device id has 26 letters and digits without I, L, O and U, and starts with 0 to 7")]
pub struct DeviceIdFault;

impl FromStr for DeviceId {
    type Err = DeviceIdFault;

    fn from_str(text: &str) -> Result<Self, DeviceIdFault> {
        if text.len() != ID_CHARS || text.as_bytes().first().is_none_or(|first| *first > b'7') {
            return Err(DeviceIdFault);
        }
        text.bytes().try_fold(Self(0), |id, letter| {
            let letter = letter.to_ascii_uppercase();
            let digit = CROCKFORD.iter().position(|known| *known == letter).ok_or(DeviceIdFault)?;
            Ok(Self((id.0 << 5) | digit as u128))
        })
    }
}

/// A name a device goes by: `mac:4c752549a3bc`, `cred:barn/pump 3`, `topic:farm/barn`. The word
/// before the first `:` says where it comes from and how far it can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(Box<str>);

impl DeviceKey {
    #[must_use]
    pub fn new(kind: &str, name: &str) -> Self {
        Self(format!("{kind}:{name}").into())
    }

    /// A key in its full form, `kind:name`.
    #[must_use]
    pub fn from_full(text: &str) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// 4: hardware. 3: a credential. 2: the dialect's own name. 1: a weaker name. 0: guessed.
    #[must_use]
    pub fn strength(&self) -> u8 {
        match self.0.split(':').next().unwrap_or_default() {
            "eui64" | "mac" | "imei" => 4,
            "cred" => 3,
            "spb" | "aws" | "azure" | "wmbus" | "ecowitt" | "wu" | "homie" | "te" | "umh"
            | "owntracks" | "urn" => 2,
            "topic" | "client" => 0,
            _ => 1,
        }
    }
}

impl fmt::Display for DeviceKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_sorts_by_time() {
        let early = DeviceId::new(Timestamp::from_millis(1_700_000_000_000), u128::MAX);
        let late = DeviceId::new(Timestamp::from_millis(1_700_000_000_001), 0);
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!("not an id".parse::<DeviceId>(), Err(DeviceIdFault));
    }

    #[test]
    fn the_kind_of_a_key_gives_its_strength() {
        assert_eq!(DeviceKey::new("mac", "4c752549a3bc").strength(), 4);
        assert_eq!(DeviceKey::from_full("urn:dev:ow:10e2073a").strength(), 2);
        assert_eq!(DeviceKey::new("topic", "farm/barn").strength(), 0);
    }
}
