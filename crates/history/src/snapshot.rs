//! The series and their last values at one journal position, with what the caller keeps beside
//! them. Version 2, as in `docs/formats/snapshot.md`; version 1 is read. Frozen: add a version beside it.

use model::{Position, Unit};

use crate::fault::OpenFault;
use crate::series::SERIES_MAX;

const MAGIC: &[u8; 8] = b"ALTHSNAP";
const VERSION: u32 = 2;
/// Without numbers of its own for each series, and without erasures.
const VERSION_1: u32 = 1;
const CHECKSUM_BYTES: usize = 4;

/// The longest name that is believed: what MQTT can carry as a topic, and some.
const NAME_BYTES_MAX: usize = 1 << 20;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    pub position: Position,
    /// How many numbers were given to series. Those that are not below were erased.
    pub numbers: u32,
    /// By number.
    pub series: Vec<SnapshotSeries>,
    /// By number: erased series of which something may still be on disk, and the position of the
    /// record that erased each.
    pub gone: Vec<(u32, Position)>,
    /// The caller's own.
    pub extra: Vec<u8>,
}

/// One series.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotSeries {
    pub id: u32,
    pub device: String,
    pub signal: String,
    pub unit: Option<Unit>,
    /// The highest time up to the position, in milliseconds; `i64::MIN` before the first reading.
    pub last_time: i64,
    pub latest: Option<SnapshotLatest>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotLatest {
    pub time: i64,
    pub number: f64,
    pub quality: u16,
    pub text: Option<String>,
}

const NEVER: u8 = 0;
const NUMBER: u8 = 1;
const TEXT: u8 = 2;

impl Snapshot {
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.series.len() * 96 + self.extra.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.position.get().to_le_bytes());
        out.extend_from_slice(&self.numbers.to_le_bytes());
        put_length(&mut out, self.series.len());
        for series in &self.series {
            series.encode(&mut out);
        }
        put_length(&mut out, self.gone.len());
        for (id, at) in &self.gone {
            out.extend_from_slice(&id.to_le_bytes());
            out.extend_from_slice(&at.get().to_le_bytes());
        }
        put_bytes(&mut out, &self.extra);
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// # Errors
    /// When the bytes are damaged or of a newer version; `name` says whose they are.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self, OpenFault> {
        let damaged = |what| OpenFault::Damaged { name: name.into(), what };
        let mut input = Input(bytes);
        if input.take(MAGIC.len()) != Some(MAGIC) {
            return Err(damaged("it does not begin as a snapshot"));
        }
        let version = input.u32().ok_or_else(|| damaged("it is cut off"))?;
        if ![VERSION_1, VERSION].contains(&version) {
            let (found, known) = (u64::from(version), u64::from(VERSION));
            return Err(OpenFault::Newer { what: "the snapshot of history", found, known });
        }
        let body = bytes.len().saturating_sub(CHECKSUM_BYTES);
        let (covered, checksum) = bytes.split_at(body);
        if checksum != crc32c::crc32c(covered).to_le_bytes() {
            return Err(damaged("its checksum is wrong"));
        }
        let mut input = Input(covered.get(MAGIC.len() + size_of::<u32>()..).unwrap_or_default());
        let snapshot =
            input.snapshot(version).ok_or_else(|| damaged("its fields do not add up"))?;
        if input.0.is_empty() { Ok(snapshot) } else { Err(damaged("bytes are left over")) }
    }
}

impl SnapshotSeries {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.to_le_bytes());
        put_bytes(out, self.device.as_bytes());
        put_bytes(out, self.signal.as_bytes());
        put_bytes(out, self.unit.map_or("", Unit::code).as_bytes());
        out.extend_from_slice(&self.last_time.to_le_bytes());
        let Some(latest) = &self.latest else {
            out.push(NEVER);
            return;
        };
        out.push(if latest.text.is_some() { TEXT } else { NUMBER });
        out.extend_from_slice(&latest.time.to_le_bytes());
        out.extend_from_slice(&latest.quality.to_le_bytes());
        match &latest.text {
            Some(text) => put_bytes(out, text.as_bytes()),
            None => out.extend_from_slice(&latest.number.to_bits().to_le_bytes()),
        }
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    let short = u32::try_from(length).unwrap_or(u32::MAX);
    assert!(short as usize == length, "nothing in a snapshot is as long as 4 GiB");
    out.extend_from_slice(&short.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Bytes not yet read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    fn text(&mut self) -> Option<String> {
        let bytes = self.bytes()?;
        Some(str::from_utf8(bytes).ok()?.to_owned())
    }

    fn name(&mut self) -> Option<String> {
        self.text().filter(|name| name.len() <= NAME_BYTES_MAX)
    }

    fn position(&mut self) -> Option<Position> {
        self.array().map(u64::from_le_bytes).map(Position::new)
    }

    fn snapshot(&mut self, version: u32) -> Option<Snapshot> {
        let position = self.position()?;
        let numbers = if version == VERSION_1 { None } else { Some(self.u32()?) };
        let count = self.u32()?;
        // Grows with what is really there: the count alone reserves nothing.
        let mut series: Vec<SnapshotSeries> = Vec::new();
        for index in 0..count {
            let id = if numbers.is_none() { index } else { self.u32()? };
            series.push(self.series(id)?);
        }
        let numbers = numbers.unwrap_or(count);
        let gone = if version == VERSION_1 { Vec::new() } else { self.gone(position)? };
        let extra = self.bytes()?.to_vec();
        let ascend = series.is_sorted_by(|a, b| a.id < b.id) && gone.is_sorted_by(|a, b| a.0 < b.0);
        let last = series.last().map(|last| last.id).max(gone.last().map(|last| last.0));
        let given = last.is_none_or(|last| last < numbers) && numbers <= SERIES_MAX;
        let known = |id: u32| series.binary_search_by_key(&id, |series| series.id).is_ok();
        let apart = !gone.iter().any(|(id, _)| known(*id));
        (ascend && given && apart).then_some(Snapshot { position, numbers, series, gone, extra })
    }

    fn gone(&mut self, position: Position) -> Option<Vec<(u32, Position)>> {
        let count = self.u32()?;
        let mut gone = Vec::new();
        for _ in 0..count {
            let (id, at) = (self.u32()?, self.position()?);
            if at > position {
                return None;
            }
            gone.push((id, at));
        }
        Some(gone)
    }

    fn series(&mut self, id: u32) -> Option<SnapshotSeries> {
        let (device, signal) = (self.name()?, self.name()?);
        // A unit that is no longer in the table is one that nobody knows how to show.
        let unit = Unit::from_code(&self.name()?);
        let last_time = self.i64()?;
        let kind = self.array::<1>()?;
        let latest = if kind == [NEVER] { None } else { Some(self.latest(kind)?) };
        Some(SnapshotSeries { id, device, signal, unit, last_time, latest })
    }

    fn latest(&mut self, kind: [u8; 1]) -> Option<SnapshotLatest> {
        let time = self.i64()?;
        let quality = u16::from_le_bytes(self.array()?);
        let (number, text) = match kind {
            [NUMBER] => (f64::from_bits(u64::from_le_bytes(self.array()?)), None),
            [TEXT] => (0.0, Some(self.text()?)),
            _ => return None,
        };
        Some(SnapshotLatest { time, number, quality, text })
    }
}

#[cfg(test)]
mod tests;
