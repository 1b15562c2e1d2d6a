//! Shards over a journal in a folder of their own.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use edge::{Clock, Common, Edge, Limits, Listener, Loops, Place, Reloader};
use journal::{FsDisk, Journal, Log, Options, Writer};
use model::{Event, Horizon, Meter};

/// Longest that a test waits for what should come at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const PACKET_MAX: u32 = 1 << 20;

pub(crate) struct Site {
    edge: Option<Edge>,
    pub(crate) meter: Arc<Meter>,
    _writer: Writer,
    _folder: tempfile::TempDir,
}

pub(crate) fn start(shards: u16, listeners: Vec<Listener>) -> Site {
    try_start(shards, listeners, Limits::default()).unwrap()
}

pub(crate) fn try_start(
    shards: u16,
    listeners: Vec<Listener>,
    limits: Limits,
) -> Result<Site, edge::ServeFault> {
    try_start_as_told(shards, listeners, Limits { anonymous: true, ..limits })
}

/// Strangers are let in only if `limits` say so.
pub(crate) fn try_start_as_told(
    shards: u16,
    listeners: Vec<Listener>,
    limits: Limits,
) -> Result<Site, edge::ServeFault> {
    let clock = Clock::start();
    let meter = Arc::new(Meter::default());
    let loops = Loops::new(shards).unwrap();
    let options = Options { segment_bytes: 1 << 20, ..Options::default() };
    let folder = tempfile::tempdir().unwrap();
    let disk = FsDisk::open(folder.path()).unwrap();
    let (log, _) = Log::open(disk, options, clock.now().timestamp).unwrap();
    let bell = loops.bell();
    let (horizon, durable, _) = Horizon::new(log.last(), &[], Box::new(move |_| bell.ring()));
    let fatal = Box::new(|fault| panic!("{fault}"));
    let (journal, writer) = Journal::start(log, durable, Arc::clone(&meter), fatal).unwrap();
    let common = Common {
        subscriptions: Arc::default(),
        retained: Arc::default(),
        meter: Arc::clone(&meter),
        limits,
        methods: edge::Methods::default(),
    };
    let told = |listener: Listener| {
        let own = listener.limits;
        let anonymous = limits.anonymous;
        Listener {
            limits: Limits { connect_within: limits.connect_within, anonymous, ..own },
            ..listener
        }
    };
    let listeners = listeners.into_iter().map(told).collect();
    let edge = loops.serve(listeners, &common, (clock, &journal, &horizon), &[])?;
    Ok(Site { edge: Some(edge), meter, _writer: writer, _folder: folder })
}

/// On a port of its own.
pub(crate) fn plain() -> Listener {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let limits = Limits { packet_bytes_max: PACKET_MAX, ..Limits::default() };
    Listener::plain("test", Place::Network(address), limits)
}

impl Site {
    fn edge(&self) -> &Edge {
        self.edge.as_ref().unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self.edge().places() {
            [Place::Network(address), ..] => *address,
            places => panic!("{places:?}"),
        }
    }

    /// A raw connection to the first listener.
    pub(crate) fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    pub(crate) fn within(&self) -> edge::Within {
        self.edge().within()
    }

    pub(crate) fn reloader(&self) -> Reloader {
        self.edge().reloader()
    }

    pub(crate) fn total(&self, event: Event) -> u64 {
        self.meter.total(event)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.edge.take().unwrap().stop(None).unwrap();
    }
}
