//! What the console asks of a site, and the views it gets back. Values are raw (numbers, units,
//! times): the console alone formats, so that one value reads the same wherever it stands.
//!
//! The methods may read storage; the console calls them off the async threads. Every view names
//! the durable position it was taken at, and the live stream goes on from exactly there.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::tz::TimeZone;
use model::Timestamp;
use model::census::{self, Fate, Question};

use crate::explore::{Choices, Exploration, Search};

/// A site as its pages see it. Implemented by the binary.
pub trait Site: Send + Sync + 'static {
    fn identity(&self) -> Identity;

    fn now(&self) -> Timestamp;

    /// How far the journal is committed. Cheap: asked once a second for every open stream.
    fn durable(&self) -> Durable;

    fn overview(&self) -> Result<Overview, SiteFault>;

    fn devices(&self, filter: &DeviceFilter) -> Result<DeviceList, SiteFault>;

    /// `None` when no device has this handle.
    fn device(&self, handle: &str, window: &Window) -> Result<Option<Device>, SiteFault>;

    /// Handles that a person may have meant, best first, a handful at most.
    fn similar(&self, handle: &str) -> Vec<String>;

    /// Signals with numbers and devices to choose from; see `Choices::of`.
    fn choices(&self, search: &Search) -> Result<Choices, SiteFault>;

    /// The rows of `question.statement()`, at most so many.
    fn explore(
        &self,
        question: &Exploration,
        rows_max: usize,
    ) -> BoxFuture<'static, Result<SqlAnswer, SqlFault>>;

    /// Tables and columns that SQL knows, in reading order.
    fn schema(&self) -> Result<Vec<Table>, SiteFault>;

    /// Runs one statement under the site's limits of time, memory and rows.
    fn sql(&self, statement: &str) -> BoxFuture<'static, Result<SqlAnswer, SqlFault>>;

    /// What the process does, without its clients.
    fn system(&self) -> Result<System, SiteFault>;

    /// A page of the broker's clients.
    fn clients(&self, question: &Question) -> Result<census::Page, SiteFault>;

    /// `None` when no client has this id.
    fn client(&self, id: &str) -> Result<Option<census::Detail>, SiteFault>;

    /// Closes the connection of a client. Says whether there is such a client.
    fn close_client(&self, id: &str, fate: Fate) -> Result<bool, SiteFault>;

    /// What records `since + 1 ..= durable` changed. Called once a second for every open stream.
    fn changes(&self, since: u64, want: &Want) -> Result<Changes, SiteFault>;
}

/// A read that failed. The data is where it was; the page says so.
#[derive(Debug, thiserror::Error)]
#[error("the site's storage could not be read")]
pub struct SiteFault(#[source] pub Box<dyn std::error::Error + Send + Sync>);

#[derive(Clone, Debug)]
pub struct Identity {
    pub name: String,
    /// Days are cut and times are shown here.
    pub zone: TimeZone,
    /// Where devices connect, as they would write it: `mqtt://192.168.1.20:1883`.
    pub mqtt: String,
    pub version: String,
    /// Simulated data; every page says so.
    pub demo: bool,
}

/// The last record that is on disk and in the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durable {
    pub position: u64,
    /// When that record was received. `None` on an empty site.
    pub time: Option<Timestamp>,
}

/// The process and its journal.
#[derive(Clone, Copy, Debug, Default)]
pub struct System {
    pub durable: Durable,
    pub uptime: Duration,
    /// Memory that is resident; not every operating system tells.
    pub resident_bytes: Option<u64>,
    /// Write and fsync of a frame, over the life of the process.
    pub commit_p50: Duration,
    pub commit_p99: Duration,
    /// The last record that was handed to the journal.
    pub journal: u64,
    /// The last one that history shows.
    pub history: u64,
    pub journal_bytes: u64,
    /// New readings wait for space.
    pub disk_full: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number(f64),
    Text(String),
    Bool(bool),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub time: Timestamp,
    pub value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Heard within its own rhythm.
    Reporting,
    /// Not heard for longer than its rhythm allows.
    Silent,
}

/// The figures of the whole site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub devices: u64,
    pub reporting: u64,
    /// Since midnight in the site's zone; committed ones only.
    pub readings_today: u64,
    /// Devices whose readings came more than a minute after they were measured, in the last hour.
    pub late_devices: u64,
    pub late_worst: Option<Duration>,
}

#[derive(Clone, Debug, Default)]
pub struct Overview {
    pub durable: Durable,
    pub figures: Figures,
    /// Worst first; at most a screenful. `attention_total` counts the ones left off too.
    pub attention: Vec<Attention>,
    pub attention_total: u64,
    /// Devices worth a look, for instance those that say most; at most a screenful.
    pub devices: Vec<DeviceRow>,
    /// Signals that moved most within the last hour. May be empty.
    pub changed: Vec<Change>,
    /// Newest first, at most a screenful.
    pub activity: Vec<Activity>,
}

#[derive(Clone, Debug)]
pub struct Attention {
    pub handle: String,
    pub kind: String,
    pub trouble: Trouble,
    pub since: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Not heard since `since`; it normally speaks every `rhythm`.
    Silent { rhythm: Option<Duration> },
    /// Messages that no dialect could read. They are kept.
    Unreadable { messages: u64 },
    /// Its readings are this much older than their arrival.
    Late { by: Duration },
}

/// One signal's mean in the last hour against the hour before.
#[derive(Clone, Debug)]
pub struct Change {
    pub handle: String,
    pub signal: String,
    pub unit: Option<String>,
    pub before: f64,
    pub latest: f64,
    /// Two hours, evenly spaced; `None` where nothing was measured.
    pub spark: Vec<Option<f64>>,
}

#[derive(Clone, Debug)]
pub struct Activity {
    pub time: Timestamp,
    pub handle: String,
    pub kind: ActivityKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    FirstMessage,
    WentSilent,
    CameBack,
}

#[derive(Clone, Debug)]
pub struct DeviceRow {
    pub handle: String,
    /// The device type: `greenhouse_node`.
    pub kind: String,
    pub status: Status,
    pub last_seen: Option<Timestamp>,
    /// The signal that stands for the device in a list.
    pub main: Option<MainSignal>,
}

#[derive(Clone, Debug)]
pub struct MainSignal {
    pub signal: String,
    pub unit: Option<String>,
    pub latest: Reading,
    /// The last six hours, evenly spaced, the newest last; `None` where nothing was measured.
    pub spark: Vec<Option<f64>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    /// Every word must occur in handle or type, case ignored.
    pub text: String,
    pub status: Option<Status>,
    pub kind: Option<String>,
    pub order: Order,
    pub offset: u64,
    pub limit: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Handle,
    /// Longest unheard first.
    LastSeen,
}

#[derive(Clone, Debug, Default)]
pub struct DeviceList {
    pub durable: Durable,
    pub rows: Vec<DeviceRow>,
    pub matching: u64,
    pub total: u64,
    /// Counted under the other filters, not under the facet's own.
    pub statuses: Vec<(Status, u64)>,
    /// Most frequent first; the console shows the first dozen.
    pub kinds: Vec<(String, u64)>,
}

/// A span of time cut into this many columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: Timestamp,
    pub to: Timestamp,
    pub columns: u32,
}

#[derive(Clone, Debug)]
pub struct Device {
    pub durable: Durable,
    pub row: DeviceRow,
    /// Our own id of it, as text.
    pub id: String,
    pub first_seen: Option<Timestamp>,
    /// In the order the device names them.
    pub signals: Vec<Signal>,
    /// Strongest first, in full form: `mac:4c752549a3bc`.
    pub keys: Vec<String>,
    /// What the device says of itself that is no reading: firmware, model.
    pub attributes: Vec<(String, String)>,
    /// Newest first, a screenful.
    pub messages: Vec<RawMessage>,
}

#[derive(Clone, Debug)]
pub struct Signal {
    /// As in SQL.
    pub name: String,
    pub unit: Option<String>,
    /// The unit or the meaning was guessed from the name.
    pub guessed: bool,
    pub latest: Option<Reading>,
    /// In order of time. Empty for text signals. Up to `columns` points, or all when fewer;
    /// the last point of a window that reaches `now` is the latest reading.
    pub points: Vec<Point>,
    /// `points` are columns with their extremes, not single readings.
    pub decimated: bool,
}

/// One reading, or one column of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Of the last reading in the column.
    pub time: Timestamp,
    pub last: f64,
    pub min: f64,
    pub max: f64,
    /// Of all readings in the column; `last` again for a single reading.
    pub mean: f64,
}

#[derive(Clone, Debug)]
pub struct RawMessage {
    pub position: u64,
    pub time: Timestamp,
    pub topic: String,
    /// `None`: nobody could read it.
    pub dialect: Option<String>,
    pub bytes: u64,
    /// The start of the payload as text, or as hexadecimal digits when it is none.
    pub preview: String,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub kind: ColumnKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    Number,
    Text,
    Time,
    Bool,
    Other,
}

#[derive(Clone, Debug)]
pub struct SqlAnswer {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
    /// The site's limit of rows was reached; there are more.
    pub truncated: bool,
    pub took: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Integer(i64),
    Number(f64),
    Bool(bool),
    Time(Timestamp),
    Text(String),
}

/// Why a statement has no answer, told by who can do something about it.
#[derive(Debug, thiserror::Error)]
pub enum SqlFault {
    /// The statement cannot be understood; `message` says where and why.
    #[error("{message}")]
    Statement { message: String },
    #[error("only statements that read are allowed")]
    ReadOnly,
    #[error("stopped after {after:?}")]
    Stopped { after: Duration },
    #[error("needs more than {bytes} bytes of memory")]
    Memory { bytes: u64 },
    #[error(transparent)]
    Site(#[from] SiteFault),
}

/// What a stream is open for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// Handles whose values are shown.
    pub devices: Vec<String>,
    /// Every single reading too, for the charts of one device.
    pub points: bool,
    pub figures: bool,
}

/// What happened between `since` and `durable`.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Everything up to here is in this answer; the next question starts from here.
    pub durable: Durable,
    /// `since` is too old to be answered in full; the page has to be loaded again.
    pub gone: bool,
    pub devices: Vec<DeviceChange>,
    /// In order of position. Readings of one record have one position.
    pub points: Vec<LivePoint>,
    pub figures: Option<Figures>,
}

/// The last state of a device that changed.
#[derive(Clone, Debug)]
pub struct DeviceChange {
    pub handle: String,
    pub status: Status,
    pub last_seen: Option<Timestamp>,
    /// The main signal is among them when it changed.
    pub signals: Vec<SignalChange>,
}

#[derive(Clone, Debug)]
pub struct SignalChange {
    pub signal: String,
    pub unit: Option<String>,
    pub latest: Reading,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LivePoint {
    pub position: u64,
    pub signal: String,
    pub time: Timestamp,
    pub value: f64,
}
