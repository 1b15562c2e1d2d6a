//! Which signals and devices there are to choose from: bounded lists of what fits, out of however
//! many a site has.

use std::collections::{BTreeMap, BTreeSet};

use model::Timestamp;

use crate::explore::{DEVICES_MAX, SIGNALS_MAX};

/// What a person has typed and chosen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Every word must occur in the name of a signal, case ignored.
    pub signal_text: String,
    /// The same for devices.
    pub device_text: String,
    pub signals: Vec<String>,
    pub devices: Vec<String>,
    /// Names in each list at most, those that are chosen not counted.
    pub limit: usize,
}

/// A signal of a device, as the site knows it.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    pub device: &'a str,
    pub signal: &'a str,
    pub unit: Option<&'a str>,
    pub last: Timestamp,
}

/// A name in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub name: String,
    /// Devices that have the signal, signals that the device has.
    pub count: u64,
    /// Chosen already.
    pub chosen: bool,
}

/// A signal of a device that is to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub device: String,
    pub signal: String,
    pub unit: Option<String>,
    pub last: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Chosen ones first; then what the chosen devices have; then what most devices have.
    pub signals: Vec<Choice>,
    /// How many more match the text than the list holds.
    pub signals_more: u64,
    /// Chosen ones first; then those with a chosen signal; then by name.
    pub devices: Vec<Choice>,
    pub devices_more: u64,
    /// What there is of the chosen signals and devices: in their order of choice. Where only one
    /// side is chosen, the first few of the other stand for it.
    pub lines: Vec<Line>,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    count: u64,
    fits: bool,
}

impl Choices {
    /// From all signals with numbers that a site has.
    pub fn of<'a>(search: &Search, all: impl Iterator<Item = Named<'a>>) -> Self {
        let mut signals: BTreeMap<&str, Tally> = BTreeMap::new();
        let mut devices: BTreeMap<&str, Tally> = BTreeMap::new();
        let mut found: Vec<Named<'a>> = Vec::new();
        for one in all {
            let signal_chosen = holds(&search.signals, one.signal);
            let device_chosen = holds(&search.devices, one.device);
            tally(&mut signals, one.signal, device_chosen);
            tally(&mut devices, one.device, signal_chosen);
            let open = (search.signals.is_empty(), search.devices.is_empty());
            let drawn = match open {
                (true, true) => false,
                (signals_open, devices_open) => {
                    (signals_open || signal_chosen) && (devices_open || device_chosen)
                }
            };
            if drawn {
                found.push(one);
            }
        }
        let (signals, signals_more) =
            list(&signals, (&search.signals, &search.signal_text), search.limit, |tally| {
                std::cmp::Reverse(tally.count)
            });
        let (devices, devices_more) =
            list(&devices, (&search.devices, &search.device_text), search.limit, |_| ());
        Self { signals, signals_more, devices, devices_more, lines: lines(search, found) }
    }
}

fn holds(chosen: &[String], name: &str) -> bool {
    chosen.iter().any(|one| one == name)
}

fn tally<'a>(tallies: &mut BTreeMap<&'a str, Tally>, name: &'a str, fits: bool) {
    let entry = tallies.entry(name).or_default();
    entry.count += 1;
    entry.fits |= fits;
}

fn list<K: Ord>(
    tallies: &BTreeMap<&str, Tally>,
    (chosen, text): (&[String], &str),
    limit: usize,
    rank: impl Fn(&Tally) -> K,
) -> (Vec<Choice>, u64) {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let matches = |name: &str| {
        words.is_empty() || {
            let name = name.to_lowercase();
            words.iter().all(|word| name.contains(word))
        }
    };
    let mut others: Vec<(&str, Tally)> = tallies
        .iter()
        .map(|(name, tally)| (*name, *tally))
        .filter(|(name, _)| !holds(chosen, name) && matches(name))
        .collect();
    let more = others.len().saturating_sub(limit);
    others.sort_by_key(|(_, tally)| (!tally.fits, rank(tally)));
    // A chosen name stays in the list, even where the site does not know it: it can be left out.
    let kept = chosen.iter().map(|name| Choice {
        count: tallies.get(name.as_str()).map_or(0, |tally| tally.count),
        name: name.clone(),
        chosen: true,
    });
    let offered = others.into_iter().take(limit).map(|(name, tally)| Choice {
        name: name.to_owned(),
        count: tally.count,
        chosen: false,
    });
    (kept.chain(offered).collect(), u64::try_from(more).unwrap_or(u64::MAX))
}

/// In the order of choice: signal by signal, and in each device by device.
fn lines(search: &Search, mut found: Vec<Named<'_>>) -> Vec<Line> {
    let place = |chosen: &[String], name: &str| chosen.iter().position(|one| one == name);
    found.sort_by_key(|one| {
        let signal = place(&search.signals, one.signal);
        (signal, one.signal, place(&search.devices, one.device), one.device)
    });
    let first = |names: BTreeSet<&str>, limit: usize| -> BTreeSet<String> {
        names.into_iter().take(limit).map(str::to_owned).collect()
    };
    if search.devices.is_empty() {
        let kept = first(found.iter().map(|one| one.device).collect(), DEVICES_MAX);
        found.retain(|one| kept.contains(one.device));
    }
    if search.signals.is_empty() {
        let kept = first(found.iter().map(|one| one.signal).collect(), SIGNALS_MAX);
        found.retain(|one| kept.contains(one.signal));
    }
    let line = |one: Named<'_>| Line {
        device: one.device.to_owned(),
        signal: one.signal.to_owned(),
        unit: one.unit.map(str::to_owned),
        last: one.last,
    };
    found.into_iter().map(line).collect()
}
