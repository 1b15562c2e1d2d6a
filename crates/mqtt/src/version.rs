//! The versions of MQTT that are spoken here.

/// The protocol level of a connection. Level 3 (MQTT 3.1, `MQIsdp`) is refused by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Version {
    /// MQTT 3.1.1
    #[default]
    V311 = 4,
    /// MQTT 5.0
    V5 = 5,
}

impl Version {
    #[must_use]
    pub const fn from_level(level: u8) -> Option<Self> {
        match level {
            4 => Some(Self::V311),
            5 => Some(Self::V5),
            _ => None,
        }
    }

    #[must_use]
    pub const fn level(self) -> u8 {
        self as u8
    }
}
