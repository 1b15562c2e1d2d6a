//! From what lies on the disk to a writer that goes on and a reader.

use std::sync::Arc;

use model::{Position, Timestamp};

use crate::care::Care;
use crate::cold::Shelf;
use crate::fault::OpenFault;
use crate::gone::Gone;
use crate::hot::Hot;
use crate::latest::LatestTable;
use crate::options::Options;
use crate::reader::{Reader, Shared, Tail};
use crate::recovery::{Recovered, recover};
use crate::remote::{Store, Tiered};
use crate::series::{Interner, Series, SeriesId, SeriesInfo, SeriesKey, SeriesTable};
use crate::snapshot::{Snapshot, SnapshotLatest, SnapshotSeries};
use crate::storage::{Files, Storage};
use crate::writer::Writer;

/// What the tables hold at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// Everything up to here is in the tables: replay the journal from the next record on.
    pub position: Position,
    /// What the caller gave to the flush at that position.
    pub extra: Vec<u8>,
}

/// Opens the history of one space.
///
/// # Errors
/// When the folder cannot be used, is damaged or comes from a newer version.
pub fn open(options: Options, now: Timestamp) -> Result<(Writer, Reader, Resume), OpenFault> {
    let storage = Arc::new(Files::new(options.dir.join("history").join(&options.space)));
    open_on(storage, options, now)
}

/// Opens the history of one space in any storage; `options.dir` is not looked at.
///
/// # Errors
/// As `open`.
pub fn open_on(
    storage: Arc<dyn Storage>,
    options: Options,
    now: Timestamp,
) -> Result<(Writer, Reader, Resume), OpenFault> {
    let Recovered { table, hours, snapshot, removed } =
        recover(&*storage, (&options.space, options.linger), now)?;
    let known = Known::of(&snapshot);
    let count = known.interner.len();
    let store = options.remote.as_ref().map(|remote| Arc::new(Store::new(remote, &options.space)));
    let tiered: Arc<dyn Storage> =
        Arc::new(Tiered { here: Arc::clone(&storage), store: store.clone() });
    let tail = Tail {
        hot: Hot::new(snapshot.position, count),
        table: Arc::new(table),
        hours: Arc::new(hours),
        gone: Arc::new(gone_of(&snapshot)),
    };
    let shelves = [(); 2].map(|()| Arc::new(Shelf::new(Arc::clone(&tiered))));
    let shared = Shared::new(tail, (known.table, known.latest), (shelves, options.hours_cost));
    let care = Care::new(Arc::clone(&shared), Arc::clone(&storage), store, (&options, removed));
    let files = (Arc::clone(&shared), storage, options, care);
    let writer = Writer::opened(files, known.interner, known.last_times, snapshot.position);
    let resume = Resume { position: snapshot.position, extra: snapshot.extra };
    Ok((writer, Reader::new(shared), resume))
}

/// What was erased and may still be in files.
fn gone_of(snapshot: &Snapshot) -> Gone {
    let mut gone = Gone::default();
    for (id, at) in &snapshot.gone {
        gone.add([SeriesId::new(*id)], *at);
    }
    gone
}

/// What a snapshot knows of the series.
#[derive(Debug, Default)]
struct Known {
    table: SeriesTable,
    latest: LatestTable,
    interner: Interner,
    last_times: Vec<i64>,
}

impl Known {
    fn of(snapshot: &Snapshot) -> Self {
        let mut known = Self::default();
        for entry in &snapshot.series {
            known.skip_to(entry.id);
            known.take(SeriesId::new(entry.id), entry);
        }
        known.skip_to(snapshot.numbers);
        known
    }

    /// Numbers that were given to series which are erased.
    fn skip_to(&mut self, number: u32) {
        while let Ok(next) = u32::try_from(self.interner.len())
            && next < number
        {
            self.table.push_blank();
            self.interner.push_blank(SeriesId::new(next));
            self.last_times.push(i64::MIN);
        }
    }

    fn take(&mut self, id: SeriesId, entry: &SnapshotSeries) {
        let key = SeriesKey { device: &entry.device, signal: &entry.signal };
        self.table.push(key, SeriesInfo { unit: entry.unit });
        if let Some(series) = self.table.entries().last() {
            self.interner.insert(Series::clone(series));
        }
        self.last_times.push(entry.last_time);
        if let Some(SnapshotLatest { time, number, quality, text }) = &entry.latest {
            self.latest.take(id, *time, *quality, (*number, text.as_deref()));
        }
    }
}
