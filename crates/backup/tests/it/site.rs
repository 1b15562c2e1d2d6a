//! A site of one device: each record of the journal is a reading.

use std::path::{Path, PathBuf};

use history::{Options, SeriesInfo, SeriesKey, Writer};
use journal::{FsDisk, Log};
use model::promise::DurableMark;
use model::{Horizon, Position, Quality, Timestamp, Value};
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_600_000_000);

pub(crate) struct Site {
    folder: TempDir,
    log: Log<FsDisk>,
    writer: Writer,
    durable: DurableMark,
    horizon: std::sync::Arc<Horizon>,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::begun(NOW)
    }

    pub(crate) fn begun(now: Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let disk = FsDisk::open(&data.join("journal")).unwrap();
        let options = journal::Options { segment_bytes: 1 << 20, ..journal::Options::default() };
        let (log, _) = Log::open(disk, options, NOW).unwrap();
        let (writer, ..) = history::open(Options::new(&data), now).unwrap();
        drop(registry::Registry::open(&data.join("registry.sqlite")).unwrap());
        let (horizon, durable, _) = Horizon::new(Position::ZERO, &[], Box::new(drop));
        Self { folder, log, writer, durable, horizon }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Commits so many readings.
    pub(crate) fn write(&mut self, count: u64) {
        let key = SeriesKey { device: "barn", signal: "temperature" };
        let series = self.writer.series(key, SeriesInfo::default());
        for _ in 0..count {
            let position = self.log.append(&[7; 4_000], NOW).unwrap();
            let time = Timestamp::from_millis(NOW.millis() + position.get().cast_signed() * 1_000);
            self.writer.append(series, (time, Value::Number(20.5)), Quality::GOOD, position);
            self.log.commit().unwrap();
        }
        let last = self.log.last();
        assert!(matches!(self.writer.seal(last), history::Room::Free));
        self.durable.advance(last);
    }

    pub(crate) fn flush(&mut self) {
        self.writer.mark(&[], NOW);
        assert!(self.writer.finish(self.horizon.committed()).unwrap().is_some());
    }

    pub(crate) fn back_up(&self, folder: &Path) -> backup::Taken {
        backup::take(&self.data(), folder, (NOW, &mut |_| {})).unwrap()
    }
}
