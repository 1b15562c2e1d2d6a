//! The site as the console's pages see it: what registry, history, feed and journal say, put into
//! the views that the console asks for. Reads only; every view is of one committed position.

mod buckets;
mod changes;
mod device;
mod explore;
mod lists;
mod overview;
mod sql;
mod system;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use console::{
    Changes, Choices, Device, DeviceFilter, DeviceList, Durable, Exploration, Identity, Overview,
    Search, Site, SiteFault, SqlAnswer, SqlFault, Status, System, Table, Want, Window,
};
use edge::{Census, Clock};
use futures::future::BoxFuture;
use history::{LatestValue, Reader, View};
use ingest::Feed;
use journal::Journal;
use model::census::{self, Fate, Question, Unanswered};
use model::{Horizon, Moment, Timestamp};
use registry::{DeviceIndex, Directory, Registry};

/// Figures of the whole site are counted anew after this time.
const FIGURES_KEPT: Duration = Duration::from_secs(5);

/// What the pages read from. All of it is shared with the rest of the site.
pub(crate) struct Pages {
    pub(crate) identity: Identity,
    pub(crate) clock: Clock,
    pub(crate) horizon: Arc<Horizon>,
    pub(crate) reader: Reader,
    pub(crate) registry: Arc<Registry>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) journal: Journal,
    pub(crate) engine: Arc<query::Engine>,
    /// When the last record that history holds was received, in microseconds since 1970.
    pub(crate) received_at: Arc<AtomicI64>,
    /// Readings of today, and when they were counted.
    pub(crate) counted: Mutex<Option<(Moment, u64)>>,
    /// Where the broker's clients are asked for.
    pub(crate) census: Census,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Pages").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Site for Pages {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn now(&self) -> Timestamp {
        self.clock.now().timestamp
    }

    fn durable(&self) -> Durable {
        let micros = self.received_at.load(Ordering::Acquire);
        Durable {
            position: self.horizon.committed().position().get(),
            time: (micros > 0).then(|| Timestamp::from_micros(micros)),
        }
    }

    fn overview(&self) -> Result<Overview, SiteFault> {
        overview::overview(self)
    }

    fn devices(&self, filter: &DeviceFilter) -> Result<DeviceList, SiteFault> {
        lists::devices(self, filter)
    }

    fn device(&self, handle: &str, window: &Window) -> Result<Option<Device>, SiteFault> {
        device::device(self, handle, window)
    }

    fn similar(&self, handle: &str) -> Vec<String> {
        lists::similar(&self.registry.directory(), handle)
    }

    fn choices(&self, search: &Search) -> Result<Choices, SiteFault> {
        Ok(explore::choices(self, search))
    }

    fn explore(
        &self,
        question: &Exploration,
        rows_max: usize,
    ) -> BoxFuture<'static, Result<SqlAnswer, SqlFault>> {
        sql::run(self, &question.statement(), rows_max)
    }

    fn schema(&self) -> Result<Vec<Table>, SiteFault> {
        sql::schema(self)
    }

    fn sql(&self, statement: &str) -> BoxFuture<'static, Result<SqlAnswer, SqlFault>> {
        sql::run(self, statement, sql::ROWS_MAX)
    }

    fn system(&self) -> Result<System, SiteFault> {
        Ok(system::system(self))
    }

    fn clients(&self, question: &Question) -> Result<census::Page, SiteFault> {
        self.census.page(question).map_err(fault)
    }

    fn client(&self, id: &str) -> Result<Option<census::Detail>, SiteFault> {
        self.census.client(id).map_err(fault)
    }

    fn close_client(&self, id: &str, fate: Fate) -> Result<bool, SiteFault> {
        match self.census.close(id, fate) {
            Ok(()) => Ok(true),
            Err(Unanswered::Unknown) => Ok(false),
            Err(unanswered) => Err(fault(unanswered)),
        }
    }

    fn changes(&self, since: u64, want: &Want) -> Result<Changes, SiteFault> {
        changes::changes(self, since, want)
    }
}

impl Pages {
    fn view(&self) -> View {
        self.reader.view(self.horizon.committed())
    }
}

fn status_of(directory: &Directory, index: DeviceIndex, now: Timestamp) -> Status {
    match directory.silence(index, now) {
        Some(_) => Status::Silent,
        None => Status::Reporting,
    }
}

fn heard_at(directory: &Directory, index: DeviceIndex) -> Option<Timestamp> {
    directory.pulse(index)?.heard_at()
}

fn reading_of(latest: &history::Latest) -> console::Reading {
    let value = match &latest.value {
        LatestValue::Number(number) => console::Value::Number(*number),
        LatestValue::Text(text) => console::Value::Text(text.to_string()),
    };
    console::Reading { time: latest.time, value }
}

fn unit_of(series: &history::Series) -> Option<String> {
    series.unit.map(|unit| unit.print().to_owned())
}

fn fault(cause: impl std::error::Error + Send + Sync + 'static) -> SiteFault {
    SiteFault(Box::new(cause))
}
