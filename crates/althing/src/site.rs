//! One site, wired together: the order in which its parts start and stop.
//!
//! Start: lock and open the journal, open history at its last snapshot, replay what lies between,
//! then listen. Stop: the listeners first, then the journal, whose last commit is still read.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use anyhow::{Context as _, bail};
use edge::{Clock, Common, Edge, Limits, Listener, Loops, Methods, Place, Reloader};
use history::Reader;
use ingest::{Feed, Ingest, Stores};
use jiff::tz::TimeZone;
use journal::{FsDisk, Journal, Log};
use model::promise::{DurableMark, ReaderMark};
use model::{Horizon, Meter, Position, Timestamp, TopicFilter};
use registry::Registry;

use crate::bridges::Bridges;
use crate::config::PostgresConfig;
use crate::ingest_thread::{IngestThread, IngestWork};
use crate::remote::RemotePlan;
use crate::router::{self, Doors};
use crate::web::Web;

/// What a site is started with.
#[derive(Clone, Debug)]
pub(crate) struct SiteOptions {
    pub(crate) data: PathBuf,
    /// The first is where the site's own devices and pages point people to: a plain one.
    pub(crate) listeners: Vec<Listener>,
    /// Other brokers that the site connects to.
    pub(crate) bridges: Vec<bridge::Plan>,
    /// By which other brokers know what came from here, for as long as this process lives.
    pub(crate) identity: u64,
    pub(crate) http: SocketAddr,
    pub(crate) postgres: PostgresConfig,
    /// Event loops; one per core.
    pub(crate) shards: u16,
    pub(crate) limits: Limits,
    /// How clients prove who they are.
    pub(crate) methods: Methods,
    /// Where clients are to go when the site stops.
    pub(crate) elsewhere: Option<Box<str>>,
    pub(crate) journal: journal::Options,
    pub(crate) history: history::Options,
    /// How long readings of device types stay, where `history` does not say it.
    pub(crate) keep_types: BTreeMap<String, history::Keep>,
    /// Where old days go.
    pub(crate) remote: Option<RemotePlan>,
    /// Topics whose messages are not read.
    pub(crate) messages_only: Vec<TopicFilter>,
    pub(crate) query: query::Limits,
    pub(crate) name: String,
    /// Days are cut in it, and times without a zone are read in it.
    pub(crate) zone: TimeZone,
    /// Its devices are simulated; every page says so.
    pub(crate) demo: bool,
}

/// A running site.
pub(crate) struct RunningSite {
    web: Web,
    postgres: Option<SocketAddr>,
    bridges: Bridges,
    edge: Edge,
    mqtt: SocketAddr,
    ingest: IngestThread,
    /// Committing ends when this is dropped.
    writer: journal::Writer,
    stop: Arc<AtomicBool>,
    replayed: Position,
    elsewhere: Option<Box<str>>,
    core: Core,
}

/// The stores of a site, opened and brought up to date.
pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) meter: Arc<Meter>,
    pub(crate) horizon: Arc<Horizon>,
    pub(crate) journal: Journal,
    pub(crate) reader: Reader,
    pub(crate) registry: Arc<Registry>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) received_at: Arc<AtomicI64>,
    pub(crate) retained: Arc<hub::Retained>,
}

impl RunningSite {
    pub(crate) fn start(options: &SiteOptions) -> anyhow::Result<Self> {
        // Bound before anything is opened: a port that is taken is told at once.
        let http = TcpListener::bind(options.http)
            .with_context(|| format!("cannot listen on http {}", options.http))?;
        let postgres = listen_postgres(&options.postgres)?;
        let loops = Loops::new(options.shards).context("no event loops")?;
        let stop = Arc::new(AtomicBool::new(false));
        let (core, writer, mut work) = open(options, &loops, &stop)?;
        let replayed = work.ingest.taken();
        let sessions = work.ingest.sessions(core.clock.now().timestamp);
        let ingest = work.spawn(|| end_process("ingest"))?;
        let common = Common {
            subscriptions: Arc::default(),
            retained: Arc::clone(&core.retained),
            meter: Arc::clone(&core.meter),
            limits: options.limits,
            methods: options.methods.clone(),
        };
        let edge = loops.serve(
            options.listeners.clone(),
            &common,
            (core.clock, &core.journal, &core.horizon),
            &sessions,
        )?;
        let Some(&Place::Network(mqtt)) = edge.places().first() else {
            bail!("the first listener has no address");
        };
        let secrets = (&core.meter, options.identity);
        let bridges = Bridges::start(&options.bridges, &edge.within(), core.clock, secrets)?;
        let runtime = Web::runtime()?;
        let within = edge.within();
        let (intake, work) = api::Intake::new(Arc::new(move || within.connect()), writer_name()?);
        runtime.spawn(work);
        let parts = (mqtt, edge.census(), Doors { intake, bridges: bridges.watch() });
        let engine = router::engine(options, &core)?;
        let router = router::router(options, (&core, Arc::clone(&engine)), parts);
        let web = Web::serve(runtime, http, router)?;
        let limits = postgres::Limits { connections: options.postgres.connections_max };
        let postgres = postgres.map(|socket| web.serve_postgres(socket, engine, limits));
        let postgres = postgres.transpose()?;
        let elsewhere = options.elsewhere.clone();
        Ok(Self {
            web,
            postgres,
            bridges,
            edge,
            mqtt,
            ingest,
            writer,
            stop,
            replayed,
            elsewhere,
            core,
        })
    }

    pub(crate) fn mqtt(&self) -> SocketAddr {
        self.mqtt
    }

    /// Where all listeners are, that of `mqtt` first.
    pub(crate) fn places(&self) -> &[Place] {
        self.edge.places()
    }

    pub(crate) fn reloader(&self) -> Reloader {
        self.edge.reloader()
    }

    pub(crate) fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.core.meter)
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.web.address()
    }

    /// Where clients of PostgreSQL find it.
    pub(crate) fn postgres(&self) -> Option<SocketAddr> {
        self.postgres
    }

    /// Up to where the journal was read at the start.
    pub(crate) fn replayed(&self) -> Position {
        self.replayed
    }

    /// The time of the newest reading, by the devices' own clocks.
    pub(crate) fn newest_reading(&self) -> Option<Timestamp> {
        let view = self.core.reader.view(self.core.horizon.committed());
        let newest = view.series().into_iter().filter_map(|series| view.latest(series.id));
        newest.map(|latest| latest.time).max()
    }

    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.web.stop();
        self.bridges.stop()?;
        self.edge.stop(self.elsewhere.as_deref()).context("a shard had failed")?;
        // The journal commits what it has, which ingest still reads, and then both end.
        self.stop.store(true, Ordering::Release);
        drop(self.writer);
        match self.ingest.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Of the client that carries what is written over HTTP: one that nobody can take the place of.
fn writer_name() -> anyhow::Result<String> {
    let number = getrandom::u64().context("the system's random numbers")?;
    Ok(format!("http-{number:016x}"))
}

/// `None` where it is off, and where the usual port belongs to another program.
fn listen_postgres(config: &PostgresConfig) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.address.get() else { return Ok(None) };
    match TcpListener::bind(address) {
        Err(fault) if fault.kind() == io::ErrorKind::AddrInUse && config.address.is_usual() => {
            tracing::warn!(%address, "taken by another program: no SQL for PostgreSQL clients");
            Ok(None)
        }
        outcome => {
            outcome.map(Some).with_context(|| format!("cannot listen on postgres {address}"))
        }
    }
}

/// Opens the stores and replays what the journal holds beyond the last snapshot of history.
fn open(
    options: &SiteOptions,
    loops: &Loops,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<(Core, journal::Writer, IngestWork)> {
    let clock = Clock::start();
    let meter = Arc::new(Meter::default());
    let log = open_log(options, clock)?;
    let mut history = options.history.clone();
    history.remote = options.remote.as_ref().map(|plan| plan.open(clock, &meter)).transpose()?;
    let (writer, reader, resume) =
        history::open(history, clock.now().timestamp).context("history")?;
    check_reach(&log, resume.position)?;
    let registry =
        Arc::new(Registry::open(&options.data.join("registry.sqlite")).context("registry")?);
    let (horizon, mut durable, mark) = horizon(resume.position, loops)?;
    let last = log.last();
    durable.advance(last);
    let feed = Arc::new(Feed::starting_after(last));
    let retained = Arc::new(hub::Retained::default());
    let stores = Stores {
        registry: Arc::clone(&registry),
        retained: Arc::clone(&retained),
        feed: Arc::clone(&feed),
        meter: Arc::clone(&meter),
    };
    let ingest = Ingest::new(stores, writer, &resume, zone_of(&options.zone))?
        .without_reading(options.messages_only.clone())
        .keeping(options.keep_types.clone());
    let on_fatal = Box::new(|fault| {
        tracing::error!(error = %chain(&fault), "the journal cannot be written any more");
        end_process("journal");
    });
    let (journal, commits) = Journal::start(log, durable, Arc::clone(&meter), on_fatal)
        .context("the journal's thread could not be started")?;
    let received_at = Arc::new(AtomicI64::new(0));
    let mut work = IngestWork {
        ingest,
        follower: journal.follow(resume.position.next()),
        mark,
        journal: journal.clone(),
        horizon: Arc::clone(&horizon),
        clock,
        received_at: Arc::clone(&received_at),
        stop: Arc::clone(stop),
    };
    work.replay(last)?;
    let core =
        Core { clock, meter, horizon, journal, reader, registry, feed, received_at, retained };
    Ok((core, commits, work))
}

/// The zone as the dialects know it: by name, or as the offset it has.
fn zone_of(zone: &TimeZone) -> dialect::Zone {
    let name = match zone.iana_name() {
        Some(name) => name.to_owned(),
        None => zone.to_fixed_offset().map(|offset| offset.to_string()).unwrap_or_default(),
    };
    dialect::Zone::parse(&name).unwrap_or_default()
}

fn open_log(options: &SiteOptions, clock: Clock) -> anyhow::Result<Log<FsDisk>> {
    let folder = options.data.join("journal");
    let disk = FsDisk::open(&folder).with_context(|| folder.display().to_string())?;
    let (log, recovery) = Log::open(disk, options.journal.clone(), clock.now().timestamp)
        .with_context(|| folder.display().to_string())?;
    if log.is_read_only() {
        tracing::error!(
            ?recovery,
            "the journal is damaged; the site shows it and takes nothing in"
        );
    }
    Ok(log)
}

/// The journal must still hold everything that history does not.
fn check_reach(log: &Log<FsDisk>, resume: Position) -> anyhow::Result<()> {
    if resume > log.last() {
        bail!(
            "history holds records up to {resume}, the journal ends at {}: it belongs to another \
             site or lost its end; restore both from one backup",
            log.last()
        );
    }
    if log.first() > resume.next() && log.last() >= log.first() {
        bail!(
            "history ends at record {resume}, the journal begins at {}: what lies between is \
             missing; restore both from one backup",
            log.first()
        );
    }
    Ok(())
}

fn horizon(
    start: Position,
    loops: &Loops,
) -> anyhow::Result<(Arc<Horizon>, DurableMark, ReaderMark)> {
    let bell = loops.bell();
    let wake = Box::new(move |_committed| bell.ring());
    let (horizon, durable, marks) = Horizon::new(start, &["history"], wake);
    let mark = marks.into_iter().next().context("history has a mark")?;
    Ok((horizon, durable, mark))
}

/// Nothing is acknowledged after a failure of the journal or of history: a restart recovers.
fn end_process(part: &'static str) {
    tracing::error!(part, "the site stops; what it acknowledged is safe, a restart recovers it");
    std::process::abort();
}

/// A fault and its causes on one line.
pub(crate) fn chain(fault: &dyn std::error::Error) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
