//! The readings that torture sends. Each is a function of its device and its number, so that what
//! comes out of SQL can be judged without keeping what went in.

/// Behind this prefix, topics and devices have the same names.
pub(super) const PREFIX: &str = "torture/d";

/// No device of SQL's answers has a name like this.
const STANDING_PREFIX: &str = "standing/d";

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

    /// The topics of all devices.
    pub(super) const FILTER: &str = "torture/+";

    /// The reading that a message is; `None` when no device sent it so.
    #[must_use]
    pub(super) fn parse(topic: &str, payload: &[u8], epoch_ms: i64) -> Option<Self> {
        let device = Self::device_of(topic)?;
        let text = std::str::from_utf8(payload).ok()?;
        let time: i64 = text.strip_prefix(r#"{"ts":"#)?.split(',').next()?.parse().ok()?;
        let sequence = u64::try_from(time.checked_sub(epoch_ms)?).ok()?;
        let reading = Self { device, sequence };
        (reading.payload(epoch_ms) == text).then_some(reading)
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

/// The retained messages of a device: counted up from 1 on a topic of its own. A subscriber gets
/// the last one that was acknowledged, or a later one that was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    pub sent: u64,
    pub acknowledged: u64,
}

impl Standing {
    /// The topics of all devices.
    pub(super) const FILTER: &str = "standing/+";

    #[must_use]
    pub(super) fn topic(device: u32) -> String {
        format!("{STANDING_PREFIX}{device}")
    }

    /// The number of a device from its topic.
    #[must_use]
    pub(super) fn device_of(topic: &str) -> Option<u32> {
        topic.strip_prefix(STANDING_PREFIX)?.parse().ok()
    }
}
