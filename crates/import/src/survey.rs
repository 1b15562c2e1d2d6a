//! What an import brings: devices, signals, readings, times, and what is left out and why.

use std::collections::BTreeMap;

use dialect::{Context, Outcome, Recognizer, Zone};
use hashbrown::{HashMap, HashSet};
use model::{Message, Qos, Timestamp, TopicName};

use crate::fault::ImportFault;
use crate::pack::Packer;
use crate::sink::{Found, Skip};

/// Of all devices together: at some 100 bytes a name that is 100 MB.
pub(crate) const SIGNALS_MAX: usize = 1_000_000;

/// A site keeps no more signals of one device.
const SIGNALS_OF_DEVICE_MAX: usize = 500;

/// A site cuts longer handles.
const HANDLE_BYTES_MAX: usize = 128;

type Signals = HashSet<Box<str>, foldhash::fast::FixedState>;

/// How many readings, lines or cells were left out for one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    pub count: u64,
    /// Line or row of the first one.
    pub first: u64,
}

#[derive(Debug, Default)]
pub struct Survey {
    pub readings: u64,
    pub signals: usize,
    /// Earliest and latest time.
    pub times: Option<(Timestamp, Timestamp)>,
    pub skipped: BTreeMap<Skip, Skipped>,
    /// Names that a site spells in another way, and the first of them with what it becomes.
    pub renamed: u64,
    pub renamed_first: Option<(Box<str>, Box<str>)>,
    pub names: Names,
}

/// The signals of each device; at most `SIGNALS_MAX` of them.
#[derive(Debug, Default)]
pub struct Names(HashMap<Box<str>, Signals, foldhash::fast::FixedState>);

impl Survey {
    #[must_use]
    pub fn devices(&self) -> usize {
        self.names.0.len()
    }

    /// The handles of the first devices, in the order of their names.
    #[must_use]
    pub fn examples(&self, count: usize) -> Vec<&str> {
        let mut names: Vec<&str> = self.names.0.keys().map(|name| &**name).collect();
        names.sort_unstable();
        names.truncate(count);
        names
    }

    pub(crate) fn skip(&mut self, why: Skip, place: u64) {
        let skipped = self.skipped.entry(why).or_insert(Skipped { count: 0, first: place });
        skipped.count += 1;
    }

    /// Counts a reading. False: its device has too many signals.
    pub(crate) fn count(
        &mut self,
        device: &str,
        signal: &str,
        at: Timestamp,
    ) -> Result<bool, ImportFault> {
        let signals = self.names.0.get(device);
        let known = signals.is_some_and(|signals| signals.contains(signal));
        if !known && !self.learn(device, signal)? {
            return Ok(false);
        }
        self.readings += 1;
        let (first, last) = self.times.get_or_insert((at, at));
        (*first, *last) = ((*first).min(at), (*last).max(at));
        Ok(true)
    }

    pub(crate) fn knows(&self, device: &str) -> bool {
        self.names.0.contains_key(device)
    }

    fn learn(&mut self, device: &str, signal: &str) -> Result<bool, ImportFault> {
        if !self.names.0.contains_key(device) {
            self.names.0.insert(device.into(), Signals::default());
        }
        let Some(signals) = self.names.0.get_mut(device) else { return Ok(false) };
        if signals.len() == SIGNALS_OF_DEVICE_MAX {
            return Ok(false);
        }
        if self.signals == SIGNALS_MAX {
            return Err(ImportFault::TooManySignals);
        }
        signals.insert(signal.into());
        self.signals += 1;
        Ok(true)
    }

    /// Remembers names that become others: of a signal, and of its device unless that is known.
    pub(crate) fn compare(&mut self, found: &Found<'_>, known: bool) {
        let Some((device, signal)) = names_on_site(found) else { return };
        let device = (found.device, &*device);
        for (own, becomes) in [device, (found.signal, &*signal)].into_iter().skip(known.into()) {
            if own != becomes {
                self.renamed += 1;
                self.renamed_first.get_or_insert_with(|| (own.into(), becomes.into()));
            }
        }
    }
}

/// What a site calls device and signal: the dialect itself is asked.
fn names_on_site(found: &Found<'_>) -> Option<(String, String)> {
    let mut packer = Packer::default();
    packer.push(found);
    let mut reader = Reader::default();
    let outcome = reader.read("senml/import", packer.packs(), found.at);
    let group = outcome.groups().next()?;
    let signal = group.readings().next()?.name.to_owned();
    Some((handle_of(group.key()).to_owned(), signal))
}

/// A key is a kind and a name; the name becomes the handle.
pub(crate) fn handle_of(key: &str) -> &str {
    let name = key.split_once(':').map_or(key, |(_, name)| name);
    name.get(..name.floor_char_boundary(HANDLE_BYTES_MAX)).unwrap_or(name)
}

/// Reads messages as a site does.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    recognizer: Recognizer,
    zone: Zone,
    outcome: Outcome,
}

impl Reader {
    pub(crate) fn read(&mut self, topic: &str, payload: &str, now: Timestamp) -> &Outcome {
        self.outcome.clear();
        if let Ok(topic) = TopicName::parse(topic) {
            let message = Message {
                received_at: now,
                client: "import",
                credential: None,
                topic,
                payload: payload.as_bytes(),
                properties: &[],
                qos: Qos::AtLeastOnce,
                retain: false,
            };
            let context = Context { zone: &self.zone, credential_is_device: false, bridged: false };
            self.recognizer.read(&message, &context, &mut self.outcome);
        }
        &self.outcome
    }
}
