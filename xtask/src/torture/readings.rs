//! The readings that torture sends. Each is a function of its device and its number, so that what
//! comes out of SQL can be judged without keeping what went in.

/// Behind this prefix, topics and devices have the same names.
pub(super) const PREFIX: &str = "torture/d";

/// Both are in every message, so a message that is half there is seen.
pub(super) const SIGNALS: [Signal; 2] = [Signal::X, Signal::Y];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Signal {
    X,
    Y,
}

/// Number `sequence` of device `device`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reading {
    pub device: u32,
    pub sequence: u64,
}

impl Signal {
    #[must_use]
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "x" => Some(Self::X),
            "y" => Some(Self::Y),
            _ => None,
        }
    }
}

impl Reading {
    /// In eighths, which a double and a short decimal both hold exactly; no two messages of a run
    /// have a value in common.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "sequences stay far below 2^44")]
    pub(super) fn value(self, signal: Signal) -> f64 {
        let unique = (self.sequence * 64 + u64::from(self.device)) as f64 / 8.0;
        match signal {
            Signal::X => unique,
            Signal::Y => -0.5 - unique,
        }
    }

    /// `epoch_ms` is the time of number 0; each later number is a millisecond later.
    #[must_use]
    pub(super) fn payload(self, epoch_ms: i64) -> String {
        let time = epoch_ms.saturating_add_unsigned(self.sequence);
        let (x, y) = (self.value(Signal::X), self.value(Signal::Y));
        format!(r#"{{"ts":{time},"x":{x},"y":{y}}}"#)
    }

    #[must_use]
    pub(super) fn topic(device: u32) -> String {
        format!("{PREFIX}{device}")
    }

    /// The number of a device from its name.
    #[must_use]
    pub(super) fn device_of(name: &str) -> Option<u32> {
        name.strip_prefix(PREFIX)?.parse().ok()
    }
}
