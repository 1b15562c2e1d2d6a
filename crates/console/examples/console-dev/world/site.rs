//! The world as a `Site`.

use std::collections::BTreeMap;
use std::time::Duration;

use console::{
    Activity, ActivityKind, Attention, Cell, Change, Changes, Choices, Column, ColumnKind, Device,
    DeviceChange, DeviceFilter, DeviceList, DeviceRow, Durable, Exploration, Figures, Identity,
    LivePoint, MainSignal, Order, Overview, RawMessage, Search, Signal, SignalChange, Site,
    SiteFault, SqlAnswer, SqlFault, Status, System, Table, Trouble, Value, Want, Window,
};
use futures::future::BoxFuture;
use model::Timestamp;
use model::census::{Detail, Fate, Page, Question};

use super::devices::{Sense, Shape};
use super::{Spec, World, position_of, time_of};

const HOUR: Duration = Duration::from_secs(3_600);
/// A stream that was away for longer has to load its page again.
const CHANGES_KEPT: u64 = 4 * 3_600;

impl World {
    fn at(&self, position: u64) -> Durable {
        let none = self.specs.is_empty();
        let time = time_of(position);
        Durable { position: if none { 0 } else { position }, time: (!none).then_some(time) }
    }

    fn status(spec: &Spec, now: Timestamp) -> Status {
        let silence = now.since(spec.latest(now));
        let rhythm = Duration::from_secs(spec.every.unsigned_abs());
        if silence > rhythm * 4 { Status::Silent } else { Status::Reporting }
    }

    fn row(spec: &Spec, now: Timestamp) -> DeviceRow {
        let latest = spec.latest(now);
        let main = spec.senses.first().map(|sense| MainSignal {
            signal: sense.name.to_owned(),
            unit: sense.unit.map(str::to_owned),
            latest: spec.reading(sense, latest),
            spark: spec.spark(sense, now, HOUR * 6),
        });
        DeviceRow {
            handle: spec.handle.clone(),
            kind: spec.kind.to_owned(),
            status: Self::status(spec, now),
            last_seen: Some(latest),
            main,
        }
    }

    fn figures(&self, now: Timestamp) -> Figures {
        let reporting = self.specs.iter().filter(|s| Self::status(s, now) == Status::Reporting);
        let midnight = now.millis() - (now.millis() + 3 * 3_600_000).rem_euclid(86_400_000);
        let today = self.specs.iter().map(|spec| {
            let reports = spec.reports(Timestamp::from_millis(midnight), now).count();
            reports as u64 * spec.senses.len() as u64
        });
        Figures {
            devices: self.specs.len() as u64,
            reporting: reporting.count() as u64,
            readings_today: today.sum(),
            late_devices: u64::from(!self.specs.is_empty()),
            late_worst: Some(Duration::from_secs(374)),
        }
    }

    fn attention(&self, now: Timestamp) -> Vec<Attention> {
        let silent = self.specs.iter().filter(|spec| Self::status(spec, now) == Status::Silent);
        let mut list: Vec<Attention> = silent
            .map(|spec| Attention {
                handle: spec.handle.clone(),
                kind: spec.kind.to_owned(),
                trouble: Trouble::Silent {
                    rhythm: Some(Duration::from_secs(spec.every.unsigned_abs())),
                },
                since: spec.latest(now),
            })
            .collect();
        list.sort_by_key(|one| one.since);
        let late = self.specs.iter().find(|spec| spec.handle == "bottling/line-1/packer");
        list.extend(late.map(|spec| Attention {
            handle: spec.handle.clone(),
            kind: spec.kind.to_owned(),
            trouble: Trouble::Late { by: Duration::from_secs(374) },
            since: now.saturating_sub(Duration::from_secs(1_900)),
        }));
        list
    }

    fn changed(&self, now: Timestamp) -> Vec<Change> {
        let wanted = ["greenhouse/3/air", "water/pump-north", "cold-store/room-b", "meters/main"];
        let mean = |spec: &Spec, sense: &Sense, to: Timestamp| {
            let values =
                spec.reports(to.saturating_sub(HOUR), to).map(|time| spec.number(sense, time));
            let (sum, count) = values.fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
            sum / f64::max(count, 1.0)
        };
        let specs = self.specs.iter().filter(|spec| wanted.contains(&spec.handle.as_str()));
        let change = |spec: &Spec| {
            let sense = spec.senses.first()?;
            Some(Change {
                handle: spec.handle.clone(),
                signal: sense.name.to_owned(),
                unit: sense.unit.map(str::to_owned),
                before: mean(spec, sense, now.saturating_sub(HOUR)),
                latest: mean(spec, sense, now),
                spark: spec.spark(sense, now, HOUR * 2),
            })
        };
        specs.filter_map(change).collect()
    }

    fn activity(&self, now: Timestamp) -> Vec<Activity> {
        let mut list: Vec<Activity> = self
            .attention(now)
            .into_iter()
            .filter(|one| matches!(one.trouble, Trouble::Silent { .. }))
            .map(|one| Activity {
                time: one.since,
                handle: one.handle,
                kind: ActivityKind::WentSilent,
            })
            .collect();
        for (handle, before, kind) in [
            ("greenhouse/2/air", 15_900, ActivityKind::CameBack),
            ("meters/cold-store", 20_300, ActivityKind::FirstMessage),
        ] {
            let known = self.specs.iter().any(|spec| spec.handle == handle);
            let time = now.saturating_sub(Duration::from_secs(before));
            list.extend(known.then(|| Activity { time, handle: handle.to_owned(), kind }));
        }
        list.sort_by_key(|one| std::cmp::Reverse(one.time));
        list
    }

    fn messages(spec: &Spec, now: Timestamp) -> Vec<RawMessage> {
        let past = Duration::from_secs(spec.every.unsigned_abs() * 12);
        let to = spec.latest(now);
        let mut list: Vec<RawMessage> = spec
            .reports(to.saturating_sub(past), to)
            .map(|time| {
                let fields = spec.senses.iter().map(|sense| {
                    let value = match spec.reading(sense, time).value {
                        Value::Number(number) => format!("{}", (number * 100.0).round() / 100.0),
                        Value::Text(text) => format!("\"{text}\""),
                        Value::Bool(truth) => truth.to_string(),
                    };
                    format!("\"{}\":{value}", sense.name)
                });
                let preview = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
                RawMessage {
                    position: position_of(time),
                    time,
                    topic: spec.handle.clone(),
                    dialect: Some(spec.dialect.to_owned()),
                    bytes: preview.len() as u64,
                    preview,
                }
            })
            .collect();
        list.reverse();
        list.truncate(8);
        list
    }

    fn signal(spec: &Spec, sense: &Sense, window: &Window) -> Signal {
        let numeric = matches!(sense.shape, Shape::Daily { .. } | Shape::Counter { .. });
        let (points, decimated) =
            if numeric { spec.points(sense, window) } else { (Vec::new(), false) };
        Signal {
            name: sense.name.to_owned(),
            unit: sense.unit.map(str::to_owned),
            guessed: sense.guessed,
            latest: Some(spec.reading(sense, spec.latest(window.to))),
            points,
            decimated,
        }
    }
}

impl Site for World {
    fn identity(&self) -> Identity {
        Identity {
            name: "Lakeside co-operative".to_owned(),
            zone: self.zone.clone(),
            mqtt: "mqtt://127.0.0.1:1883".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            demo: false,
        }
    }

    fn now(&self) -> Timestamp {
        self.time()
    }

    fn durable(&self) -> Durable {
        self.at(position_of(self.time()))
    }

    fn overview(&self) -> Result<Overview, SiteFault> {
        let now = self.time();
        let attention = self.attention(now);
        let each = self.specs.iter().step_by(5).take(10);
        Ok(Overview {
            durable: self.at(position_of(now)),
            figures: self.figures(now),
            attention_total: attention.len() as u64,
            attention,
            devices: each.map(|spec| Self::row(spec, now)).collect(),
            changed: self.changed(now),
            activity: self.activity(now),
        })
    }

    fn devices(&self, filter: &DeviceFilter) -> Result<DeviceList, SiteFault> {
        let now = self.time();
        let text = filter.text.to_lowercase();
        let words = |spec: &&Spec| {
            let name = format!("{} {}", spec.handle, spec.kind).to_lowercase();
            text.split_whitespace().all(|word| name.contains(word))
        };
        let status = |s: &&Spec| filter.status.is_none_or(|one| one == Self::status(s, now));
        let kind = |s: &&Spec| filter.kind.as_ref().is_none_or(|one| one == s.kind);
        let mut found: Vec<&Spec> =
            self.specs.iter().filter(words).filter(status).filter(kind).collect();
        match filter.order {
            Order::Handle => found.sort_by(|one, other| one.handle.cmp(&other.handle)),
            Order::LastSeen => found.sort_by_key(|spec| spec.latest(now)),
        }
        let mut statuses = BTreeMap::from([(Status::Reporting, 0), (Status::Silent, 0)]);
        for spec in self.specs.iter().filter(words).filter(kind) {
            *statuses.entry(Self::status(spec, now)).or_default() += 1;
        }
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for spec in self.specs.iter().filter(words).filter(status) {
            *kinds.entry(spec.kind).or_default() += 1;
        }
        let mut kinds: Vec<_> = kinds.into_iter().map(|(kind, n)| (kind.to_owned(), n)).collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let page = found.iter().skip(whole(filter.offset)).take(whole(filter.limit));
        Ok(DeviceList {
            durable: self.at(position_of(now)),
            rows: page.map(|spec| Self::row(spec, now)).collect(),
            matching: found.len() as u64,
            total: self.specs.len() as u64,
            statuses: statuses.into_iter().collect(),
            kinds,
        })
    }

    fn device(&self, handle: &str, window: &Window) -> Result<Option<Device>, SiteFault> {
        let Some(spec) = self.specs.iter().find(|spec| spec.handle == handle) else {
            return Ok(None);
        };
        let signals = spec.senses.iter().map(|sense| Self::signal(spec, sense, window));
        Ok(Some(Device {
            durable: self.at(position_of(window.to)),
            row: Self::row(spec, window.to),
            id: "01KAJZ6Q3V8N5T2M9R4W7XEBCD".to_owned(),
            first_seen: Some(Self::start()),
            signals: signals.collect(),
            keys: vec![format!("topic:{}", spec.handle)],
            attributes: vec![("firmware".to_owned(), "2.3.1".to_owned())],
            messages: Self::messages(spec, window.to),
        }))
    }

    fn similar(&self, handle: &str) -> Vec<String> {
        let last = handle.rsplit('/').next().unwrap_or(handle);
        let alike = self.specs.iter().filter(|spec| spec.handle.contains(last));
        alike.take(5).map(|spec| spec.handle.clone()).collect()
    }

    fn choices(&self, search: &Search) -> Result<Choices, SiteFault> {
        Ok(self.offered(search))
    }

    fn explore(
        &self,
        question: &Exploration,
        rows_max: usize,
    ) -> BoxFuture<'static, Result<SqlAnswer, SqlFault>> {
        Box::pin(std::future::ready(Ok(self.explored(question, rows_max))))
    }

    fn schema(&self) -> Result<Vec<Table>, SiteFault> {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let latest = vec![
            column("time", ColumnKind::Time),
            column("device", ColumnKind::Text),
            column("signal", ColumnKind::Text),
            column("number", ColumnKind::Number),
            column("text", ColumnKind::Text),
        ];
        let mut readings = latest.clone();
        readings.push(column("quality", ColumnKind::Number));
        let air = vec![
            column("time", ColumnKind::Time),
            column("device", ColumnKind::Text),
            column("temperature", ColumnKind::Number),
            column("humidity", ColumnKind::Number),
        ];
        let table = |name: &str, columns| Table { name: name.to_owned(), columns };
        Ok(vec![table("readings", readings), table("latest", latest), table("air", air)])
    }

    /// No database: the last values for any statement that reads, and the usual refusals.
    fn sql(&self, statement: &str) -> BoxFuture<'static, Result<SqlAnswer, SqlFault>> {
        let answer = if statement.contains("FROM completeness") {
            Ok(self.completeness(statement))
        } else {
            self.answer(&statement.to_lowercase())
        };
        Box::pin(std::future::ready(answer))
    }

    fn system(&self) -> Result<System, SiteFault> {
        Ok(self.system_view())
    }

    fn clients(&self, question: &Question) -> Result<Page, SiteFault> {
        self.page(question)
    }

    fn client(&self, id: &str) -> Result<Option<Detail>, SiteFault> {
        Ok(self.detail(id))
    }

    /// Nobody is closed: the world is a function of time.
    fn close_client(&self, id: &str, _fate: Fate) -> Result<bool, SiteFault> {
        Ok(self.detail(id).is_some())
    }

    fn changes(&self, since: u64, want: &Want) -> Result<Changes, SiteFault> {
        let now = self.time();
        let durable = self.at(position_of(now));
        let gone = durable.position.saturating_sub(since) > CHANGES_KEPT;
        let mut changes = Changes { durable, gone, ..Changes::default() };
        let (from, to) = (time_of(since), time_of(durable.position));
        for handle in want.devices.iter().filter(|_| !gone) {
            let Some(spec) = self.specs.iter().find(|spec| spec.handle == *handle) else {
                continue;
            };
            let times: Vec<Timestamp> = spec.reports(from, to).collect();
            let Some(latest) = times.last() else { continue };
            changes.devices.push(DeviceChange {
                handle: spec.handle.clone(),
                status: Status::Reporting,
                last_seen: Some(*latest),
                signals: spec
                    .senses
                    .iter()
                    .map(|sense| SignalChange {
                        signal: sense.name.to_owned(),
                        unit: sense.unit.map(str::to_owned),
                        latest: spec.reading(sense, *latest),
                    })
                    .collect(),
            });
            let points = times.iter().filter(|_| want.points).flat_map(|time| {
                let number = |sense: &Sense| match spec.reading(sense, *time).value {
                    Value::Number(value) => Some(LivePoint {
                        position: position_of(*time),
                        signal: sense.name.to_owned(),
                        time: *time,
                        value,
                    }),
                    Value::Text(_) | Value::Bool(_) => None,
                };
                spec.senses.iter().filter_map(number).collect::<Vec<_>>()
            });
            changes.points.extend(points);
        }
        changes.figures = want.figures.then(|| self.figures(now));
        Ok(changes)
    }
}

fn whole(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl World {
    fn answer(&self, statement: &str) -> Result<SqlAnswer, SqlFault> {
        if statement.starts_with("explain") {
            return Ok(plan());
        }
        if !statement.trim_start().starts_with("select") {
            return Err(SqlFault::ReadOnly);
        }
        if statement.contains("pg_sleep") {
            return Err(SqlFault::Stopped { after: Duration::from_secs(10) });
        }
        if statement.contains("from air") {
            return Ok(self.wide());
        }
        if !statement.contains("from latest") {
            let message = "table not found; known are: air, latest, readings".to_owned();
            return Err(SqlFault::Statement { message });
        }
        let now = self.time();
        let mut rows = Vec::new();
        for spec in &self.specs {
            for sense in &spec.senses {
                let reading = spec.reading(sense, spec.latest(now));
                let (number, text) = match reading.value {
                    Value::Number(number) => (Cell::Number(number), Cell::Null),
                    Value::Text(text) => (Cell::Null, Cell::Text(text)),
                    Value::Bool(truth) => (Cell::Integer(i64::from(truth)), Cell::Null),
                };
                let name = |text: &str| Cell::Text(text.to_owned());
                let (device, signal) = (name(&spec.handle), name(sense.name));
                rows.push(vec![Cell::Time(reading.time), device, signal, number, text]);
            }
        }
        rows.truncate(20);
        let latest = self.schema()?.into_iter().find(|table| table.name == "latest");
        Ok(SqlAnswer {
            columns: latest.map(|table| table.columns).unwrap_or_default(),
            rows,
            truncated: false,
            took: Duration::from_millis(4),
        })
    }
}

impl World {
    /// An hour of three devices, as a table with a column for each signal.
    fn wide(&self) -> SqlAnswer {
        let now = self.time();
        let mut rows = Vec::new();
        for spec in self.specs.iter().filter(|spec| spec.kind == "air").take(3) {
            for time in spec.reports(now.saturating_sub(HOUR), now) {
                let values = spec.senses.iter().take(2).map(|sense| spec.number(sense, time));
                let mut row = vec![Cell::Time(time), Cell::Text(spec.handle.clone())];
                row.extend(values.map(Cell::Number));
                rows.push(row);
            }
        }
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let number = |name| column(name, ColumnKind::Number);
        let columns = vec![
            column("time", ColumnKind::Time),
            column("device", ColumnKind::Text),
            number("temperature"),
            number("humidity"),
        ];
        SqlAnswer { columns, rows, truncated: false, took: Duration::from_millis(6) }
    }
}

/// What a database tells of a statement that it would run.
fn plan() -> SqlAnswer {
    let column = |name: &str| Column { name: name.to_owned(), kind: ColumnKind::Text };
    let row = |cells: [&str; 2]| cells.map(|cell| Cell::Text(cell.to_owned())).to_vec();
    SqlAnswer {
        columns: vec![column("plan_type"), column("plan")],
        rows: vec![
            row(["logical_plan", "Limit: 20\n  TableScan: latest <b>"]),
            row(["physical_plan", "GlobalLimitExec: 20\n  SiteScan: latest\n"]),
        ],
        truncated: false,
        took: Duration::from_millis(2),
    }
}
