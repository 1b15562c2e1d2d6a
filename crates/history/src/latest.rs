//! The last value of every series, always in memory: 24 bytes each.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Quality, Timestamp};

use crate::hot::HotView;
use crate::series::{Series, SeriesId};
use crate::snapshot::{SnapshotLatest, SnapshotSeries};

/// The reading of a series with the highest time; of two at one time the later in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Latest {
    pub time: Timestamp,
    pub value: LatestValue,
    pub quality: Quality,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LatestValue {
    Number(f64),
    Text(Arc<str>),
}

impl LatestValue {
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }

    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Number(_) => None,
            Self::Text(text) => Some(text),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    time: i64,
    number: f64,
    quality: u16,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Before the first reading.
    Never,
    Number,
    /// In `texts`, under the series.
    Text,
}

const _: () = assert!(size_of::<Entry>() == 24, "design: 24 bytes a series");

const EMPTY: Entry = Entry { time: i64::MIN, number: 0.0, quality: 0, kind: Kind::Never };

#[derive(Debug, Default)]
pub(crate) struct LatestTable {
    entries: Vec<Entry>,
    texts: BTreeMap<SeriesId, Arc<str>>,
    /// The first hot row that is not in this table.
    through: u64,
}

impl LatestTable {
    /// Takes in the rows of `view` that are not in yet.
    pub(crate) fn apply(&mut self, view: &HotView) {
        let rows = self.through.max(view.rows.start)..view.rows.end;
        if rows.start >= rows.end {
            return;
        }
        for chunk in &view.chunks {
            for index in chunk.within(&rows) {
                if let Some((series, time, number, quality)) = chunk.row(index) {
                    self.take(SeriesId(series), time, quality, (number, chunk.text(index)));
                }
            }
        }
        self.through = rows.end;
    }

    pub(crate) fn take(
        &mut self,
        series: SeriesId,
        time: i64,
        quality: u16,
        (number, text): (f64, Option<&str>),
    ) {
        if self.entries.len() <= series.index() {
            self.entries.resize(series.index() + 1, EMPTY);
        }
        let Some(entry) = self.entries.get_mut(series.index()) else { return };
        if time < entry.time {
            return;
        }
        let kind = if text.is_some() { Kind::Text } else { Kind::Number };
        *entry = Entry { time, number, quality, kind };
        if let Some(text) = text {
            self.texts.insert(series, Arc::from(text));
        }
    }

    /// Forgets the last values of erased series.
    pub(crate) fn forget(&mut self, series: &[SeriesId]) {
        for id in series {
            self.texts.remove(id);
            if let Some(entry) = self.entries.get_mut(id.index()) {
                *entry = EMPTY;
            }
        }
    }

    /// The table as it goes into a snapshot, beside the highest times of the series.
    pub(crate) fn snapshot<'a>(
        &self,
        series: impl Iterator<Item = &'a Series>,
        last_times: &[i64],
    ) -> Vec<SnapshotSeries> {
        let one = |entry: &Series| SnapshotSeries {
            id: entry.id.get(),
            device: entry.device.to_string(),
            signal: entry.signal.to_string(),
            unit: entry.unit,
            last_time: last_times.get(entry.id.index()).copied().unwrap_or(i64::MIN),
            latest: self.of(entry.id).map(|latest| SnapshotLatest {
                time: latest.time.millis(),
                number: latest.value.number().unwrap_or_default(),
                quality: latest.quality.bits(),
                text: latest.value.text().map(str::to_owned),
            }),
        };
        series.map(one).collect()
    }

    pub(crate) fn of(&self, series: SeriesId) -> Option<Latest> {
        let entry = self.entries.get(series.index())?;
        let value = match entry.kind {
            Kind::Never => return None,
            Kind::Number => LatestValue::Number(entry.number),
            Kind::Text => LatestValue::Text(Arc::clone(self.texts.get(&series)?)),
        };
        Some(Latest {
            time: Timestamp::from_millis(entry.time),
            value,
            quality: Quality::from_bits(entry.quality),
        })
    }
}
