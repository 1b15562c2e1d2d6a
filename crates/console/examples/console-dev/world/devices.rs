//! The devices, and how each of their values goes through a day.

use std::f64::consts::TAU;
use std::time::Duration;

use model::Timestamp;

use super::{NOON, SLOT_MS};

#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) handle: String,
    pub(crate) kind: &'static str,
    /// Seconds between two reports.
    pub(crate) every: i64,
    pub(crate) senses: Vec<Sense>,
    /// Not heard for this long at the start of the clock.
    pub(crate) silent_for: Option<Duration>,
    /// A stretch without reports: how long before the start it began, and how long it was.
    pub(crate) gap: Option<(Duration, Duration)>,
    pub(crate) dialect: &'static str,
    pub(crate) index: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sense {
    pub(crate) name: &'static str,
    pub(crate) unit: Option<&'static str>,
    pub(crate) shape: Shape,
    pub(crate) guessed: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Around `base`, up by `swing` in the afternoon, with noise, in steps of `step`.
    Daily {
        base: f64,
        swing: f64,
        noise: f64,
        step: f64,
    },
    /// Grows by this an hour.
    Counter {
        rate: f64,
    },
    Switch,
    Words([&'static str; 2]),
}

impl Spec {
    pub(crate) fn new(handle: &str, kind: &'static str, every: i64, senses: Vec<Sense>) -> Self {
        Self {
            handle: handle.to_owned(),
            kind,
            every,
            senses,
            silent_for: None,
            gap: None,
            dialect: "json",
            index: handle.bytes().fold(7, |sum, byte| (sum * 31 + u64::from(byte)) % 9_973),
        }
    }

    pub(crate) fn every_ms(&self) -> i64 {
        self.every * 1_000
    }

    /// Devices do not all speak at once.
    pub(crate) fn phase_ms(&self) -> i64 {
        let slots = self.every_ms() / SLOT_MS;
        i64::try_from(self.index).unwrap_or(0) % slots * SLOT_MS
    }

    pub(crate) fn last(&self) -> Timestamp {
        match self.silent_for {
            Some(silence) => NOON.saturating_sub(silence),
            None => Timestamp::from_micros(i64::MAX),
        }
    }

    pub(crate) fn missing(&self, time: Timestamp) -> bool {
        self.gap.is_some_and(|(before, long)| {
            let from = NOON.saturating_sub(before);
            time > from && time < from.saturating_add(long)
        })
    }

    pub(crate) fn number(&self, sense: &Sense, time: Timestamp) -> f64 {
        let seed = self.index * 131 + sense.name.bytes().map(u64::from).sum::<u64>();
        let hours = hours(time);
        match sense.shape {
            Shape::Daily { base, swing, noise, step } => {
                let offset = (chance(seed) - 0.5) * swing * 0.4;
                let day = ((hours - 12.0) / 24.0 * TAU).cos();
                // Weather: slow, and different every day.
                let slow = drift(seed, hours / 5.0) * swing * 0.5;
                let fast =
                    drift(seed + 1, hours * 2.0) * noise + (chance(mix(seed, time)) - 0.5) * noise;
                let steps = (base + offset + swing * day + slow + fast) / step;
                // Divided, so that a tenth is the double that one writes as a tenth.
                steps.round() / (1.0 / step).round()
            }
            Shape::Counter { rate } => {
                let past = hours - hours_of(NOON) + 1_080.0;
                ((past * rate + chance(seed) * 4_000.0) * 100.0).round() / 100.0
            }
            Shape::Switch | Shape::Words(_) => f64::from(drift(seed, hours * 1.5) > 0.1),
        }
    }
}

fn hours(time: Timestamp) -> f64 {
    hours_of(time)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this century fit a double")]
fn hours_of(time: Timestamp) -> f64 {
    // Three hours ahead, as clocks in Nairobi are.
    time.millis() as f64 / 3_600_000.0 + 3.0
}

fn mix(seed: u64, time: Timestamp) -> u64 {
    seed.wrapping_mul(0x9e37_79b9).wrapping_add(time.millis().unsigned_abs() / 1_000)
}

/// Between 0 and 1, the same for the same seed.
#[expect(clippy::cast_precision_loss, reason = "53 bits are taken")]
fn chance(seed: u64) -> f64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Between -1 and 1, smooth in `at`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at is hours, positive"
)]
fn drift(seed: u64, at: f64) -> f64 {
    let (whole, part) = (at.floor(), at.fract());
    let knot = |index: f64| chance(seed.wrapping_mul(977).wrapping_add(index as u64)) * 2.0 - 1.0;
    let ease = part * part * (3.0 - 2.0 * part);
    knot(whole) * (1.0 - ease) + knot(whole + 1.0) * ease
}

const fn daily(name: &'static str, unit: &'static str, shape: (f64, f64, f64, f64)) -> Sense {
    let (base, swing, noise, step) = shape;
    Sense {
        name,
        unit: Some(unit),
        shape: Shape::Daily { base, swing, noise, step },
        guessed: false,
    }
}

const fn other(name: &'static str, unit: Option<&'static str>, shape: Shape) -> Sense {
    Sense { name, unit, shape, guessed: false }
}

fn air() -> Vec<Sense> {
    vec![
        daily("temperature", "°C", (23.0, 4.2, 0.5, 0.01)),
        daily("humidity", "%", (66.0, -11.0, 2.0, 0.1)),
        daily("co2", "ppm", (560.0, -120.0, 18.0, 1.0)),
        daily("battery", "V", (3.58, 0.04, 0.01, 0.01)),
    ]
}

fn soil() -> Vec<Sense> {
    vec![
        daily("moisture", "%", (34.0, -2.6, 0.4, 0.1)),
        daily("temperature", "°C", (20.5, 1.6, 0.1, 0.1)),
        Sense { guessed: true, ..daily("ec", "mS/cm", (1.42, 0.08, 0.02, 0.01)) },
    ]
}

fn pump() -> Vec<Sense> {
    vec![
        daily("flow", "m³/h", (5.8, 1.3, 0.4, 0.01)),
        daily("power", "kW", (2.2, 0.5, 0.1, 0.01)),
        other("energy", Some("kWh"), Shape::Counter { rate: 2.1 }),
        other("running", None, Shape::Switch),
    ]
}

fn mast() -> Vec<Sense> {
    vec![
        daily("temperature", "°C", (24.0, 5.5, 0.3, 0.1)),
        daily("humidity", "%", (62.0, -16.0, 1.5, 0.1)),
        daily("wind_speed", "m/s", (3.4, 1.5, 1.4, 0.1)),
        daily("pressure", "hPa", (885.0, -1.4, 0.2, 0.1)),
        daily("illuminance", "klx", (34.0, 33.0, 2.0, 0.1)),
    ]
}

fn line(rate: f64) -> Vec<Sense> {
    vec![
        daily("rate", "1/min", (rate, rate * 0.1, rate * 0.06, 1.0)),
        other("bottles", None, Shape::Counter { rate: rate * 60.0 }),
        other("state", None, Shape::Words(["running", "changing over"])),
    ]
}

pub(crate) fn all() -> Vec<Spec> {
    let mut specs = Vec::new();
    for house in 1..=8 {
        specs.push(Spec::new(&format!("greenhouse/{house}/air"), "air", 60, air()));
        specs.push(Spec::new(&format!("greenhouse/{house}/soil"), "soil", 300, soil()));
        specs.push(Spec::new(
            &format!("greenhouse/{house}/vent"),
            "vent",
            120,
            vec![
                daily("opening", "%", (38.0, 30.0, 4.0, 1.0)),
                other("mode", None, Shape::Words(["automatic", "manual"])),
            ],
        ));
    }
    for pump_of in ["north", "south", "borehole", "booster"] {
        specs.push(Spec::new(&format!("water/pump-{pump_of}"), "pump", 10, pump()));
        specs.push(Spec::new(
            &format!("water/tank-{pump_of}"),
            "tank",
            60,
            vec![
                daily("level", "%", (71.0, -14.0, 1.0, 0.1)),
                daily("temperature", "°C", (22.0, 1.0, 0.1, 0.1)),
            ],
        ));
    }
    for (name, rate) in
        [("filler", 142.0), ("capper", 141.0), ("labeller", 140.0), ("packer", 12.0)]
    {
        specs.push(Spec::new(&format!("bottling/line-1/{name}"), "line_station", 5, line(rate)));
    }
    for room in ["a", "b", "c", "d"] {
        specs.push(Spec::new(
            &format!("cold-store/room-{room}"),
            "room",
            60,
            vec![
                daily("temperature", "°C", (-2.4, 0.7, 0.5, 0.1)),
                other("door_open", None, Shape::Switch),
            ],
        ));
    }
    for meter in ["main", "pumps", "bottling", "cold-store"] {
        specs.push(Spec::new(
            &format!("meters/{meter}"),
            "meter",
            15,
            vec![
                daily("power", "kW", (18.0, 6.5, 1.6, 0.01)),
                other("energy", Some("kWh"), Shape::Counter { rate: 17.4 }),
                daily("voltage", "V", (231.0, -2.2, 1.4, 0.1)),
            ],
        ));
    }
    specs.push(Spec::new("weather/mast", "mast", 60, mast()));
    trouble(&mut specs);
    specs
}

/// Names that try to be markup, to turn a line around, to leave their place or to fill it.
pub(crate) const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "pump \u{202e}gnp.exe",
    "\u{5de}\u{5e9}\u{5d0}\u{5d1}\u{5d4} 4",
    "a/../../about",
    "barn?x=1#y&z=%41'; DROP TABLE readings",
    "a-name-without-any-place-to-break-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on",
];

pub(crate) fn hostile() -> Vec<Spec> {
    HOSTILE.into_iter().map(|name| Spec::new(name, "node", 60, air())).collect()
}

/// What is not well on this site.
fn trouble(specs: &mut [Spec]) {
    for spec in specs {
        match spec.handle.as_str() {
            "greenhouse/7/soil" => spec.silent_for = Some(Duration::from_secs(5_040)),
            "water/tank-south" => spec.silent_for = Some(Duration::from_secs(1_560)),
            "greenhouse/2/air" => {
                spec.gap = Some((Duration::from_secs(19_000), Duration::from_secs(3_100)));
            }
            _ => {}
        }
        if spec.kind == "meter" {
            spec.dialect = "senml";
        }
    }
}
