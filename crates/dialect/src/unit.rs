//! Units that a name gives away, and what becomes of a value that comes in another unit than before.

use std::sync::LazyLock;

use model::Unit;

use crate::outcome::UnitBasis;

/// Ends of names that follow a `_`, in lower case, and what they mean.
const SUFFIXES: [(&str, &str); 63] = [
    ("umol_m2_s", "umol/m2/s"),
    ("ug_m3", "ug/m3"),
    ("mm_h", "mm/h"),
    ("in_h", "[in_i]/h"),
    ("km_h", "km/h"),
    ("mi_h", "[mi_i]/h"),
    ("us_cm", "uS/cm"),
    ("ms_cm", "mS/cm"),
    ("w_m2", "W/m2"),
    ("m_s", "m/s"),
    ("percent", "%"),
    ("pct", "%"),
    ("celsius", "Cel"),
    ("degc", "Cel"),
    ("fahrenheit", "[degF]"),
    ("degf", "[degF]"),
    ("kelvin", "K"),
    ("kwh", "kW.h"),
    ("wh", "W.h"),
    ("kvarh", "kvarh"),
    ("kvah", "kV.A.h"),
    ("m3h", "m3/h"),
    ("m3_h", "m3/h"),
    ("m3", "m3"),
    ("lph", "L/h"),
    ("lpm", "L/min"),
    ("liters", "L"),
    ("kw", "kW"),
    ("watts", "W"),
    ("volts", "V"),
    ("amps", "A"),
    ("mv", "mV"),
    ("ma", "mA"),
    ("khz", "kHz"),
    ("hz", "Hz"),
    ("hpa", "hPa"),
    ("kpa", "kPa"),
    ("pa", "Pa"),
    ("mbar", "mbar"),
    ("bar", "bar"),
    ("psi", "[psi]"),
    ("ppm", "[ppm]"),
    ("ppb", "[ppb]"),
    ("dbm", "dBm"),
    ("db", "dB"),
    ("lux", "lx"),
    ("lx", "lx"),
    ("mm", "mm"),
    ("cm", "cm"),
    ("km", "km"),
    ("deg", "deg"),
    ("seconds", "s"),
    ("sec", "s"),
    ("minutes", "min"),
    ("hours", "h"),
    ("kg", "kg"),
    ("rpm", "{rev}/min"),
    ("ph", "[pH]"),
    ("bytes", "By"),
    ("rh", "%"),
    ("kts", "[kn_i]"),
    ("kn", "[kn_i]"),
    ("mph", "[mi_i]/h"),
];

/// Whole names that nearly always mean one unit.
const BARE_NAMES: [(&str, &str); 31] = [
    ("temperature", "Cel"),
    ("temp", "Cel"),
    ("airtemperature", "Cel"),
    ("air_temperature", "Cel"),
    ("ambient_temperature", "Cel"),
    ("soil_temperature", "Cel"),
    ("water_temperature", "Cel"),
    ("dewpoint", "Cel"),
    ("dew_point", "Cel"),
    ("humidity", "%"),
    ("hum", "%"),
    ("rh", "%"),
    ("relative_humidity", "%"),
    ("relativehumidity", "%"),
    ("air_humidity", "%"),
    ("battery_percent", "%"),
    ("battery_level", "%"),
    ("batterylevel", "%"),
    ("batt_pct", "%"),
    ("soc", "%"),
    ("co2", "[ppm]"),
    ("lux", "lx"),
    ("illuminance", "lx"),
    ("latitude", "deg"),
    ("longitude", "deg"),
    ("lat", "deg"),
    ("lon", "deg"),
    ("lng", "deg"),
    ("altitude", "m"),
    ("rssi", "dBm"),
    ("snr", "dB"),
];

/// Longest entry of either table: `ambient_temperature`.
const ENTRY_BYTES_MAX: usize = 19;

/// Shortest entry of either table: `rh`.
const ENTRY_BYTES_MIN: usize = 2;

/// Longest first: a suffix spans at most three parts (`umol_m2_s`).
const SUFFIX_PARTS_MAX: usize = 3;

static BY_SUFFIX: LazyLock<Words> = LazyLock::new(|| Words::new(&SUFFIXES));
static BY_NAME: LazyLock<Words> = LazyLock::new(|| Words::new(&BARE_NAMES));

/// Words in lower case and their units, sorted.
struct Words(Vec<(&'static str, Unit)>);

impl Words {
    fn new(table: &[(&'static str, &str)]) -> Self {
        let known = table.iter().filter_map(|(word, code)| Some((*word, Unit::from_code(code)?)));
        let mut words: Vec<_> = known.collect();
        words.sort_unstable();
        Self(words)
    }

    fn find(&self, word: &str) -> Option<Unit> {
        if !(ENTRY_BYTES_MIN..=ENTRY_BYTES_MAX).contains(&word.len()) {
            return None;
        }
        let mut lower = [0; ENTRY_BYTES_MAX];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        let at = self.0.binary_search_by(|(known, _)| known.as_bytes().cmp(lower)).ok()?;
        self.0.get(at).map(|(_, unit)| *unit)
    }
}

/// The unit that the name of a numeric signal gives away.
pub(crate) fn unit_of_name(name: &str) -> (Option<Unit>, UnitBasis) {
    if let Some(unit) = by_suffix(name) {
        return (Some(unit), UnitBasis::Suffix);
    }
    let last = name.rsplit_once('.').map_or(name, |(_, last)| last);
    match BY_NAME.find(last) {
        Some(unit) => (Some(unit), UnitBasis::Assumed),
        None => (None, UnitBasis::Unstated),
    }
}

fn by_suffix(name: &str) -> Option<Unit> {
    let mut starts = [None; SUFFIX_PARTS_MAX];
    let mut before = name;
    for start in &mut starts {
        let Some(at) = memchr::memrchr(b'_', before.as_bytes()) else { break };
        *start = Some(at + 1);
        before = name.get(..at)?;
    }
    let suffixes = || starts.iter().rev().flatten().filter_map(|start| name.get(*start..));
    suffixes()
        .find_map(|suffix| BY_SUFFIX.find(suffix))
        .or_else(|| suffixes().next_back().and_then(|last| single_letter(name, last)))
}

fn single_letter(name: &str, letter: &str) -> Option<Unit> {
    let code = match letter {
        "C" => "Cel",
        "F" => "[degF]",
        "V" => "V",
        "A" => "A",
        "W" => "W",
        "c" if sounds_warm(name) => "Cel",
        "f" if sounds_warm(name) => "[degF]",
        _ => return None,
    };
    Unit::from_code(code)
}

fn sounds_warm(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["temp", "dew", "heat", "chill", "feels"].iter().any(|word| lower.contains(word))
}

/// What to do with a value, given the unit its signal was fixed to by its first reading that had
/// one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Settlement {
    /// Store it as it is; a unit that comes with it may be fixed if none is.
    Keep,
    /// Store this, marked [`Quality::CONVERTED`](model::Quality::CONVERTED).
    Converted(f64),
    /// The units have nothing in common: it belongs to the signal `name~2`, with a notice.
    NewSignal,
}

/// The name of the signal that takes the readings which [`Settlement::NewSignal`] turns away.
#[must_use]
pub fn second_name(name: &str) -> String {
    format!("{name}~2")
}

/// A unit that the name suggests only never moves a reading: `assumed` is a guess.
#[must_use]
pub fn settle_unit(
    fixed: Option<Unit>,
    sent: Option<Unit>,
    basis: UnitBasis,
    number: f64,
) -> Settlement {
    let (Some(fixed), Some(sent)) = (fixed, sent) else { return Settlement::Keep };
    if fixed == sent || basis == UnitBasis::Assumed {
        return Settlement::Keep;
    }
    sent.convert(number, fixed).map_or(Settlement::NewSignal, Settlement::Converted)
}

#[cfg(test)]
mod tests;
