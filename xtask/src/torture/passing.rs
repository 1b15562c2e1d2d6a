//! What is to pass away: devices that are erased while others publish, and readings of a kind that
//! is kept for thirty days only, beside such that stay. All of them are written over HTTP before a
//! load and acknowledged then, so it is known to the row what must be there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Verdict;
use super::sql::ask;
use crate::clock;
use crate::dice::Dice;

/// Rows of one device.
const ROWS: u64 = 6;

const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// Their times are so long ago that they are over for a kind that is kept for 30 days.
const AGE_MS: i64 = 60 * DAY_MS;

/// Of the older rows. Each is written to again after so many.
const WEEKS: usize = 12;

/// A site that takes longer is stuck, or was killed.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Is asked to be forgotten one day.
    Erased,
    /// Leaves by itself, some time after it is in Parquet.
    Fleeting,
    Lasting,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Erased, Self::Fleeting, Self::Lasting];

    /// Also the name of its type, as the site finds it from the names of its devices.
    const fn word(self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::Fleeting => "fleeting",
            Self::Lasting => "lasting",
        }
    }
}

/// What may be seen of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All its rows.
    There,
    /// All or none: somebody asked, and the site was killed before it answered; or its time is over.
    Either,
    /// None, for good.
    Gone,
}

#[derive(Clone, Debug)]
struct Device {
    name: String,
    kind: Kind,
    state: State,
    /// Entries of a logged disk, when it was written, asked for and erased.
    written: u64,
    asked: u64,
    erased: u64,
}

/// Counts the entries of a logged disk; always 0 where there is none.
pub(super) type Entries<'a> = &'a (dyn Fn() -> Result<u64> + Sync);

#[derive(Debug, Default)]
pub(super) struct Passing {
    devices: Vec<Device>,
    /// Erasures that were answered.
    pub(super) erasures: u64,
    /// Devices of the fleeting kind that had left.
    pub(super) left: u64,
}

impl Passing {
    /// Writes one more device of each kind.
    ///
    /// # Errors
    /// When they are not taken.
    pub(super) fn write(&mut self, site: SocketAddr, entries: Entries<'_>) -> Result<()> {
        let number = self.devices.len();
        // Two days of one week, as a rule, then two of the week before: what is left of them when the
        // fleeting kind has gone becomes one folder, and what comes later lies in it.
        let weeks = i64::try_from(number / Kind::ALL.len() / 2 % WEEKS)?;
        let days = i64::try_from(number / Kind::ALL.len() % 2)?;
        let start = clock::unix_millis() - AGE_MS - (7 * weeks + days) * DAY_MS;
        let mut body = String::new();
        for kind in Kind::ALL {
            let (word, name) = (kind.word(), format!("{}-{number}", kind.word()));
            // Now, so that flush and merge of today have to drop them.
            let start = if kind == Kind::Erased { clock::unix_millis() } else { start };
            for row in 0..ROWS {
                let time = start.saturating_add_unsigned(row);
                writeln!(body, "{word},device={name} x={row} {time}")?;
            }
            let state = State::There;
            let device =
                Device { name, kind, state, written: 0, asked: u64::MAX, erased: u64::MAX };
            self.devices.push(device);
        }
        let url = format!("http://{site}/write?db=passing&precision=ms");
        let answer = agent().post(url).send(body).context("passing devices were not written")?;
        ensure!(answer.status() == 204, "passing devices were refused: {}", answer.status());
        let written = entries()?;
        for device in self.devices.iter_mut().skip(number) {
            device.written = written;
            if device.kind == Kind::Fleeting {
                device.state = State::Either;
            }
        }
        Ok(())
    }

    /// Asks for a device to be forgotten that is there. The site may be killed meanwhile.
    ///
    /// # Errors
    /// When the site refuses.
    pub(super) fn erase_one(
        &mut self,
        site: SocketAddr,
        dice: &mut Dice,
        entries: Entries<'_>,
    ) -> Result<()> {
        let open =
            |device: &&mut Device| device.kind == Kind::Erased && device.state == State::There;
        let count = self.devices.iter_mut().filter(open).count();
        let chosen = usize::try_from(dice.below(count as u64))?;
        let Some(device) = self.devices.iter_mut().filter(open).nth(chosen) else { return Ok(()) };
        device.state = State::Either;
        device.asked = entries()?;
        let answer = agent().delete(format!("http://{site}/api/devices/{}", device.name)).call();
        if let Ok(answer) = answer {
            ensure!(answer.status() == 200, "{} was not erased: {}", device.name, answer.status());
            device.state = State::Gone;
            device.erased = entries()?;
            self.erasures += 1;
        }
        Ok(())
    }

    /// Holds what SQL shows against what is known, after a start. What was open is settled by it.
    ///
    /// # Errors
    /// When the site does not answer.
    pub(super) fn judge(&mut self, site: SocketAddr, verdict: &mut Verdict) -> Result<()> {
        let found = counts(site)?;
        let mut left = 0;
        for device in &mut self.devices {
            let rows = found.get(&device.name).copied().unwrap_or_default();
            device.state = judge_one(device, device.state, rows, verdict);
            left += u64::from(device.kind == Kind::Fleeting && device.state == State::Gone);
        }
        self.left = left;
        Ok(())
    }

    /// The same of an image that a power cut at `place` leaves.
    ///
    /// # Errors
    /// When the site does not answer.
    pub(super) fn judge_at(
        &self,
        site: SocketAddr,
        place: u64,
        verdict: &mut Verdict,
    ) -> Result<()> {
        let found = counts(site)?;
        for device in self.devices.iter().filter(|device| device.written <= place) {
            let rows = found.get(&device.name).copied().unwrap_or_default();
            let state = match device.kind {
                Kind::Fleeting => State::Either,
                Kind::Erased if device.erased <= place => State::Gone,
                Kind::Erased if device.asked <= place => State::Either,
                Kind::Erased | Kind::Lasting => State::There,
            };
            judge_one(device, state, rows, verdict);
        }
        Ok(())
    }
}

fn judge_one(device: &Device, state: State, rows: u64, verdict: &mut Verdict) -> State {
    let name = &device.name;
    match (state, rows) {
        (State::There, ROWS) => verdict.judged += ROWS,
        (State::Gone | State::Either, 0) => return State::Gone,
        (State::Either, ROWS) if device.kind == Kind::Fleeting => {}
        (State::Either, ROWS) => return State::There,
        (State::Gone, _) => verdict.wrong(&format!("{name} was gone and has {rows} rows")),
        (_, more) if more > ROWS => verdict.doubled(&format!("{name} has {rows} rows of {ROWS}")),
        (_, _) => verdict.lost(&format!("{name} has {rows} rows of {ROWS}")),
    }
    state
}

fn counts(site: SocketAddr) -> Result<BTreeMap<String, u64>> {
    let kinds = Kind::ALL.map(|kind| format!("device LIKE '{}-%'", kind.word())).join(" OR ");
    let statement =
        format!("SELECT device, count(*) AS n FROM readings WHERE {kinds} GROUP BY device");
    let answer = ask(site, &statement)?;
    let mut reader = csv::Reader::from_reader(answer.as_bytes());
    let mut counts = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        let device = record.get(0).context("a row without a device")?.to_owned();
        counts.insert(device, record.get(1).context("a row without a count")?.parse()?);
    }
    Ok(counts)
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(ANSWER_WAIT));
    config.http_status_as_error(false).build().new_agent()
}

#[cfg(test)]
mod tests;
