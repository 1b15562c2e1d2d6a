//! A listener: where it is, what its bytes are wrapped in, and how many it lets in.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::{fmt, io};

use arc_swap::ArcSwap;
use model::census::{DoorName, Transport};

use crate::Limits;
use crate::gate::Gate;
use crate::listener::{self, Bound, Listening, SocketFile};
use crate::mailbox::{Letter, Mailbox};
use crate::transport::{
    CertificateFault, Certificates, Layers, Origins, Tls, TlsFault, TlsFiles, Wire,
};

/// Listeners of a site. Each costs every shard a socket and an entry in its poll.
pub const LISTENERS_MAX: usize = 64;

/// As the Internet Assigned Numbers Authority has it.
const MQTT: &[u8] = b"mqtt";
const HTTP: &[u8] = b"http/1.1";

/// What the owner of a site chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What logs call it.
    pub name: Box<str>,
    pub place: Place,
    /// Its clients speak TLS.
    pub tls: Option<TlsFiles>,
    /// Its clients speak WebSocket; pages of these origins may.
    pub web: Option<Origins>,
    /// A proxy stands in front and says for whom it speaks. It is believed.
    pub proxy: bool,
    pub limits: Limits,
}

impl Listener {
    /// One that adds nothing to MQTT.
    pub fn plain(name: impl Into<Box<str>>, place: Place, limits: Limits) -> Self {
        Self { name: name.into(), place, tls: None, web: None, proxy: false, limits }
    }
}

/// Where a listener is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Network(SocketAddr),
    /// A Unix domain socket.
    Path(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => address.fmt(out),
            Self::Path(path) => path.display().fmt(out),
        }
    }
}

/// A listener as all shards know it.
#[derive(Debug)]
pub(crate) struct Door {
    name: Arc<str>,
    transport: Transport,
    limits: ArcSwap<Limits>,
    pub(crate) gate: Gate,
    /// Who a client is, is known when the proxy has told.
    pub(crate) proxy: bool,
    certificates: Option<Certificates>,
    origins: Option<Arc<Origins>>,
}

/// What a shard knows of a listener.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// What operators see of it.
    pub(crate) name: DoorName,
    pub(crate) limits: Limits,
}

impl Door {
    /// For clients within this process. It has no listener.
    pub(crate) fn within(limits: Limits) -> Self {
        Self {
            name: "within".into(),
            transport: Transport::Unix,
            // Nobody else can reach it, so its clients need not prove who they are.
            limits: ArcSwap::from_pointee(Limits {
                anonymous: true,
                connections_max: usize::MAX,
                message_rate: None,
                byte_rate: None,
                ..limits
            }),
            gate: Gate::default(),
            proxy: false,
            certificates: None,
            origins: None,
        }
    }

    /// Reads the certificates.
    pub(crate) fn new(listener: Listener) -> Result<Self, CertificateFault> {
        let protocol = if listener.web.is_some() { HTTP } else { MQTT };
        let transport = match (&listener.place, &listener.tls, &listener.web) {
            (Place::Path(_), ..) => Transport::Unix,
            (Place::Network(_), None, None) => Transport::Tcp,
            (Place::Network(_), Some(_), None) => Transport::Tls,
            (Place::Network(_), None, Some(_)) => Transport::WebSocket,
            (Place::Network(_), Some(_), Some(_)) => Transport::SecureWebSocket,
        };
        let certificates = listener.tls.map(|files| Certificates::read(files, protocol));
        Ok(Self {
            name: listener.name.into(),
            transport,
            limits: ArcSwap::from_pointee(listener.limits),
            gate: Gate::default(),
            proxy: listener.proxy,
            certificates: certificates.transpose()?,
            origins: listener.web.map(Arc::new),
        })
    }

    pub(crate) fn terms(&self) -> Terms {
        let name = DoorName { listener: Arc::clone(&self.name), transport: self.transport };
        Terms { name, limits: self.limits() }
    }

    pub(crate) fn limits(&self) -> Limits {
        **self.limits.load()
    }

    /// A connection with the layers of this listener, which is number `index`.
    pub(crate) fn wire(&self, connected: OwnedFd, index: u8) -> Result<Wire, TlsFault> {
        let tls = self.certificates.as_ref().map(|certificates| Tls::new(certificates.config()));
        let tls = tls.transpose()?;
        let wrapped = self.proxy || tls.is_some() || self.origins.is_some();
        let layers = wrapped.then(|| Layers::new(self.proxy, tls, self.origins.clone()));
        Ok(Wire::new(connected, index, layers))
    }
}

/// What can change at the listeners while they run: certificates and limits.
#[derive(Clone, Debug)]
pub struct Reloader {
    pub(crate) doors: Arc<[Door]>,
    pub(crate) mailboxes: Arc<[Mailbox]>,
}

impl Reloader {
    /// Whether any listener has certificates.
    #[must_use]
    pub fn has_certificates(&self) -> bool {
        self.doors.iter().any(|door| door.certificates.is_some())
    }

    /// From now on these limits hold: those of the site, and those of its listeners in their order.
    /// Connections that are open keep what they were granted when they opened.
    ///
    /// # Errors
    /// When a shard cannot be woken.
    pub fn set_limits(&self, site: &Limits, listeners: &[Limits]) -> io::Result<()> {
        for (door, limits) in self.doors.iter().zip(listeners) {
            door.limits.store(Arc::new(*limits));
        }
        let all: Arc<[Limits]> = self.doors.iter().map(Door::limits).collect();
        for mailbox in &*self.mailboxes {
            let mut letters = vec![Letter::Limits(*site, Arc::clone(&all))];
            while !letters.is_empty() {
                mailbox.post(&mut letters)?;
                std::thread::yield_now();
            }
        }
        Ok(())
    }

    /// Reads all certificates again, and says of each listener that has some how that went. One
    /// with a fault keeps those it had; connections that are open stay as they are.
    pub fn reload(&self) -> Vec<(&str, Result<(), CertificateFault>)> {
        let with = |door: &'_ Door| door.certificates.as_ref().map(Certificates::reload);
        let each = |door| with(door).map(|outcome| (&*door.name, outcome));
        self.doors.iter().filter_map(each).collect()
    }
}

/// Why a site cannot be reached; its owner must act.
#[derive(Debug, thiserror::Error)]
pub enum ServeFault {
    #[error("listener {name} cannot listen on {place}")]
    Bind { name: Box<str>, place: Place, source: io::Error },
    #[error("listener {name} has no certificate to show")]
    Certificate { name: Box<str>, source: Box<CertificateFault> },
    #[error("{LISTENERS_MAX} listeners are the most there can be")]
    TooMany,
    #[error("no thread or poll for a shard")]
    Shard(#[from] io::Error),
}

/// All listeners of a site, before somebody accepts.
pub(crate) struct Opened {
    /// Those of the listeners, in their order, and behind them that within this process.
    pub(crate) doors: Arc<[Door]>,
    pub(crate) places: Vec<Place>,
    pub(crate) files: Vec<SocketFile>,
    pub(crate) by_shard: Vec<Vec<Listening>>,
}

impl Opened {
    pub(crate) fn new(
        listeners: Vec<Listener>,
        shards: u16,
        within: Limits,
    ) -> Result<Self, ServeFault> {
        if listeners.len() > LISTENERS_MAX {
            return Err(ServeFault::TooMany);
        }
        let (mut doors, mut places, mut files) = (Vec::new(), Vec::new(), Vec::new());
        let mut by_shard: Vec<Vec<Listening>> = (0..shards).map(|_| Vec::new()).collect();
        for listener in listeners {
            let (name, place) = (listener.name.clone(), listener.place.clone());
            let fault = |source| ServeFault::Certificate { name: name.clone(), source };
            doors.push(Door::new(listener).map_err(Box::new).map_err(fault)?);
            let bound = listener::bind(&place, shards);
            let Bound { place, sockets, file } =
                bound.map_err(|source| ServeFault::Bind { name, place, source })?;
            places.push(place);
            files.extend(file);
            by_shard.iter_mut().zip(sockets).for_each(|(all, socket)| all.push(socket));
        }
        doors.push(Door::within(within));
        Ok(Self { doors: doors.into(), places, files, by_shard })
    }
}
