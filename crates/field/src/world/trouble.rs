//! What goes wrong: a world without faults would teach nobody to read a chart.

use std::time::Duration;

use model::Timestamp;

use super::devices::{self, Kind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The first signal of the device keeps its value.
    Stuck,
    /// The device says nothing.
    Silent,
    /// Nobody of the bottling line says anything.
    PowerCut,
    /// A pipe of the zone loses water day and night.
    Leak,
    /// A bearing wears: vibration grows.
    Wear,
    /// The door of the cold store was left open.
    DoorOpen,
    /// A filter lets less water through.
    Clogged,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub what: What,
    /// Empty when it is not about one device.
    pub device: String,
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Trouble {
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// Hours since it began.
    pub(super) fn hours(&self, at: Timestamp) -> f64 {
        at.since(self.from).as_secs_f64() / 3_600.0
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn around(anchor: Timestamp) -> Vec<Trouble> {
    let trouble = |what, device: String, before: Duration, lasts: Duration| {
        let from = anchor.saturating_sub(before);
        Trouble { what, device, from, to: from.saturating_add(lasts) }
    };
    let name = devices::name;
    vec![
        trouble(What::Stuck, name(Kind::Climate, 4), 3 * HOUR, 5 * HOUR),
        trouble(What::Silent, name(Kind::Soil, 6), 42 * MINUTE, 4 * HOUR),
        trouble(What::PowerCut, String::new(), 60 * HOUR, 14 * MINUTE),
        trouble(What::Leak, name(Kind::Zone, 3), 26 * HOUR, 60 * HOUR),
        trouble(What::Wear, name(Kind::Vibration, 3), 72 * HOUR, 240 * HOUR),
        trouble(What::DoorOpen, name(Kind::Coldstore, 2), 20 * HOUR, 55 * MINUTE),
        trouble(What::Clogged, name(Kind::Irrigation, 2), 30 * HOUR, 54 * HOUR),
    ]
}
