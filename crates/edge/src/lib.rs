//! Where bytes come in: listening sockets, event loops, timers. It carries and decides nothing.
//!
//! Owns: the threads of the shards, their sockets and the one clock. Never: what a packet means
//! (`mqtt`), who hears it (`hub`), when it is durable (`journal`).
//!
//! `Reactor` is the event loop of one shard; `Shard` is the same shard without sockets, which the
//! simulation drives as well.

mod authentication;
mod census;
mod clock;
mod door;
mod doorkeeper;
mod gate;
mod librarian;
mod limits;
mod listener;
mod mailbox;
mod output;
mod pace;
mod reactor;
mod shard;
mod transport;
mod wheel;
mod within;

use std::io;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use hub::Booked;
use journal::Journal;
use mio::{Poll, Waker};
use model::{Horizon, Meter};

pub use authentication::{Exchange, Method, Methods, Passwords, Scram, Step};
pub use census::Census;
pub use clock::{Clock, Now};
pub use door::{LISTENERS_MAX, Listener, Place, Reloader, ServeFault};
pub use limits::Limits;
pub use mailbox::Adopted;
pub use shard::{Claim, Common, Found, Handover, Remote, Shard, Verdict, Want};
pub use transport::{CertificateFault, Origins, TlsFiles, probe};
pub use within::Within;

use door::{Door, Opened};
use doorkeeper::Doorkeeper;
use librarian::Librarian;
use listener::SocketFile;
use mailbox::Mailbox;
use reactor::{Reactor, Shared, WAKER};

/// The event loops before they run: they can be woken, but have no sockets yet. The horizon needs
/// the bell before the shards can have the horizon.
#[derive(Debug)]
pub struct Loops {
    polls: Vec<Poll>,
    mailboxes: Arc<[Mailbox]>,
}

/// Wakes all shards: the horizon moved.
#[derive(Clone, Debug)]
pub struct Bell {
    mailboxes: Arc<[Mailbox]>,
}

impl Bell {
    pub fn ring(&self) {
        for mailbox in &*self.mailboxes {
            if let Err(fault) = mailbox.wake() {
                tracing::error!(%fault, "a shard cannot be woken");
            }
        }
    }
}

impl Loops {
    /// One event loop for each shard.
    ///
    /// # Errors
    /// When the kernel has no more of them.
    pub fn new(shards: u16) -> io::Result<Self> {
        let mut polls = Vec::new();
        let mut mailboxes = Vec::new();
        for _ in 0..shards.max(1) {
            let poll = Poll::new()?;
            mailboxes.push(Mailbox::new(Waker::new(poll.registry(), WAKER)?));
            polls.push(poll);
        }
        Ok(Self { polls, mailboxes: mailboxes.into() })
    }

    #[must_use]
    pub fn bell(&self) -> Bell {
        Bell { mailboxes: Arc::clone(&self.mailboxes) }
    }

    /// Opens all `listeners` and serves them until `Edge::stop`. Sessions of an earlier process go on.
    ///
    /// # Errors
    /// When a listener cannot be opened or a thread cannot be started.
    pub fn serve(
        self,
        listeners: Vec<Listener>,
        common: &Common,
        (clock, journal, horizon): (Clock, &Journal, &Arc<Horizon>),
        sessions: &[Booked],
    ) -> Result<Edge, ServeFault> {
        let shards = u16::try_from(self.polls.len()).unwrap_or(u16::MAX);
        let Opened { doors, places, files, mut by_shard } =
            Opened::new(listeners, shards, common.limits)?;
        let terms: Arc<[_]> = doors.iter().map(Door::terms).collect();
        let stop = Arc::new(Stop::default());
        let (librarian, librarian_thread) =
            Librarian::start(journal.clone(), Arc::clone(&self.mailboxes))?;
        let keep = |passwords| Doorkeeper::start(passwords, Arc::clone(&self.mailboxes));
        let doorkeeper = common.methods.passwords().map(Arc::clone).map(keep).transpose()?;
        let (doorkeeper, doorkeeper_thread) = doorkeeper.unzip();
        let mut threads = Vec::new();
        for (index, poll) in (0_u16..).zip(self.polls) {
            let shared = Shared {
                clock,
                journal: journal.clone(),
                horizon: Arc::clone(horizon),
                mailboxes: Arc::clone(&self.mailboxes),
                librarian: librarian.clone(),
                doorkeeper: doorkeeper.clone(),
                meter: Arc::clone(&common.meter),
                connections_max: common.limits.connections_max,
                doors: Arc::clone(&doors),
                stop: Arc::clone(&stop),
            };
            let mut shard = Shard::new(index, shards, common.clone());
            shard.set_doors(&terms);
            for booked in sessions {
                shard.restore(booked, clock.now());
            }
            let sockets = by_shard.get_mut(usize::from(index)).map(std::mem::take);
            let reactor = Reactor::new(poll, sockets.unwrap_or_default(), shard, shared)?;
            let name = format!("shard-{index}");
            threads.push(std::thread::Builder::new().name(name).spawn(move || reactor.run())?);
        }
        let bell = Bell { mailboxes: self.mailboxes };
        let helpers = std::iter::once(librarian_thread).chain(doorkeeper_thread).collect();
        let meter = Arc::clone(&common.meter);
        Ok(Edge { places, doors, stop, threads, helpers, bell, files, meter })
    }
}

/// Says that the shards shall stop, and where their clients are to go.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    said: OnceLock<Option<Box<str>>>,
}

impl Stop {
    fn set(&self, elsewhere: Option<&str>) {
        // A second word changes nothing.
        let _first = self.said.set(elsewhere.map(Box::from));
    }

    pub(crate) fn is_set(&self) -> bool {
        self.said.get().is_some()
    }

    pub(crate) fn elsewhere(&self) -> Option<&str> {
        self.said.get()?.as_deref()
    }
}

/// The running shards.
#[derive(Debug)]
pub struct Edge {
    places: Vec<Place>,
    doors: Arc<[Door]>,
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<io::Result<()>>>,
    /// They end when no shard has a handle of them.
    helpers: Vec<JoinHandle<()>>,
    bell: Bell,
    /// They go when the shards have gone.
    files: Vec<SocketFile>,
    meter: Arc<Meter>,
}

impl Edge {
    /// The way in for clients of this process.
    #[must_use]
    pub fn within(&self) -> Within {
        let (doors, mailboxes) = (Arc::clone(&self.doors), Arc::clone(&self.bell.mailboxes));
        Within { doors, mailboxes, meter: Arc::clone(&self.meter) }
    }

    /// Where it listens, in the order of the listeners.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Where operators ask for clients.
    #[must_use]
    pub fn census(&self) -> Census {
        Census::new(Arc::clone(&self.bell.mailboxes))
    }

    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader { doors: Arc::clone(&self.doors), mailboxes: Arc::clone(&self.bell.mailboxes) }
    }

    /// Tells every client, closes every connection and waits for the threads. Clients may be told
    /// of another server, `elsewhere`, where they are to go.
    ///
    /// # Errors
    /// When a shard had failed.
    ///
    /// # Panics
    /// When a shard had panicked.
    pub fn stop(self, elsewhere: Option<&str>) -> io::Result<()> {
        self.stop.set(elsewhere);
        self.bell.ring();
        for thread in self.threads {
            match thread.join() {
                Ok(outcome) => outcome?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        drop(self.files);
        for helper in self.helpers {
            if let Err(panic) = helper.join() {
                std::panic::resume_unwind(panic);
            }
        }
        Ok(())
    }
}
