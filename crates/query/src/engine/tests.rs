//! Statements over a small site with known contents.

mod completeness;
mod folds;
mod functions;
mod kept;
mod limits;
mod ready;
mod refusals;
mod tables;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use history::storage::memory::Memory;
use history::{Options, Room, SeriesInfo, SeriesKey, Writer};
use model::promise::{DurableMark, ReaderMark};
use model::{Qos, Quality, Timestamp, Unit, Value};

use super::*;
use crate::catalog::{DeviceRow, MessageRow, MessageScan, Messages};
use crate::encode::{Encoder, Format};

/// 2026-11-01T00:00:00Z.
pub(super) const START: i64 = 1_793_491_200_000;

/// Its devices have changed their labels so often. With the second change comes another device.
#[derive(Debug, Default)]
struct Fixture(AtomicU64);

impl Catalog for Fixture {
    fn devices(&self) -> Vec<DeviceRow> {
        let row = |device: &str, device_type: &str| DeviceRow {
            device: device.to_owned(),
            device_type: device_type.to_owned(),
            dialect: "json".to_owned(),
            keys: vec![format!("topic:{device}")],
            first_seen: Some(Timestamp::from_millis(START)),
            ..DeviceRow::default()
        };
        let mut rows = vec![
            row("farm/node2", "node"),
            row("farm/node1", "node"),
            row("mill/devices", "devices"),
        ];
        rows.extend((self.label_changes() > 1).then(|| row("farm/node9", "node")));
        rows
    }

    fn messages(&self, scan: MessageScan) -> Messages {
        let last = scan.last.get().min(3);
        let row = |number: u64| MessageRow {
            time: Timestamp::from_millis(START),
            position: Position::new(number),
            client: "c".to_owned(),
            topic: "farm/node1".to_owned(),
            payload: if number == 1 { b"21.5".to_vec() } else { vec![0xff, 0x00] },
            qos: Qos::AtLeastOnce,
            retained: number == 2,
        };
        Box::new((scan.first.get()..=last).map(move |number| Ok(row(number))))
    }

    fn each_label(&self, row: &mut dyn FnMut(&str, &str, &str)) {
        row("farm/node1", "firmware", &format!("1.{}", self.label_changes()));
        row("farm/node1", "model", "SHT31 with a long name");
        row("farm/node2", "model", "SHT31 with a long name");
        if self.label_changes() > 1 {
            row("farm/node9", "model", "SHT35");
        }
    }

    fn label_changes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) struct Site {
    pub(super) writer: Writer,
    pub(super) durable: DurableMark,
    pub(super) visible: ReaderMark,
    pub(super) engine: Engine,
    catalog: Arc<Fixture>,
    pub(super) horizon: Arc<Horizon>,
    runtime: Runtime,
    next: u64,
}

/// Device, signal, milliseconds after `START`, number.
pub(super) type Row<'a> = (&'a str, &'a str, i64, f64);

impl Site {
    pub(super) fn new(limits: Limits) -> Self {
        let now = Timestamp::from_millis(START);
        let storage = Arc::new(Memory::default());
        let options = Options { hours_cost: 0, ..Options::new("unused") };
        let (writer, reader, _) = history::open_on(storage, options, now).unwrap();
        let (horizon, durable, mut marks) =
            Horizon::new(Position::ZERO, &["history"], Box::new(|_| {}));
        let visible = marks.pop().unwrap();
        let catalog = Arc::new(Fixture::default());
        let (own, known) = (Arc::clone(&horizon), Arc::clone(&catalog));
        let engine = Engine::new(reader, own, known, limits).unwrap();
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        Self { writer, durable, visible, engine, catalog, horizon, runtime, next: 1 }
    }

    pub(super) fn sample() -> Self {
        let mut site = Self::new(Limits::default());
        site.take(&[
            ("farm/node1", "temperature", 0, 20.0),
            ("farm/node1", "humidity", 0, 60.0),
            ("farm/node2", "temperature", 0, 10.0),
            ("farm/node1", "temperature", 60_000, 21.0),
            ("mill/devices", "Speed", 60_000, 3.0),
        ]);
        site
    }

    /// Appends the rows as one record, which is then committed.
    pub(super) fn take(&mut self, rows: &[Row<'_>]) {
        let position = Position::new(self.next);
        for (device, signal, after, number) in rows {
            let unit = (*signal == "temperature").then(|| Unit::from_code("Cel").unwrap());
            let key = SeriesKey { device, signal };
            let series = self.writer.series(key, SeriesInfo { unit });
            let time = Timestamp::from_millis(START + after);
            self.writer.append(series, (time, Value::Number(*number)), Quality::GOOD, position);
        }
        assert!(matches!(self.writer.seal(position), Room::Free));
        self.visible.advance(position);
        self.durable.advance(position);
        self.next += 1;
    }

    /// Writes what is in memory to files, and looks after them ten days later.
    pub(super) fn close_days(&mut self) {
        let now = Timestamp::from_millis(START);
        self.writer.mark(b"", now);
        self.writer.finish(self.horizon.committed()).unwrap();
        let later = now.saturating_add(Duration::from_secs(10 * 86_400));
        while self.writer.merge(later).unwrap().is_some() {}
        while self.writer.summarise(later).unwrap().is_some() {}
    }

    pub(super) fn answer(&self, sql: &str, format: Format) -> Result<Vec<u8>, QueryFault> {
        self.runtime.block_on(async {
            let mut answer = self.engine.run(sql).await?;
            let mut out = Vec::new();
            let mut encoder = Encoder::new(format, &answer.schema()).unwrap();
            while let Some(batch) = answer.next().await? {
                encoder.write(&batch, &mut out).unwrap();
            }
            encoder.finish(&mut out).unwrap();
            Ok(out)
        })
    }

    pub(super) fn csv(&self, sql: &str) -> String {
        match self.answer(sql, Format::Csv) {
            Ok(bytes) => String::from_utf8(bytes).unwrap().replace("\r\n", "\n"),
            Err(fault) => format!("{}: {} {}", fault.code.as_str(), fault.message, fault.hint),
        }
    }
}
