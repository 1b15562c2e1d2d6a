//! The thread of a bridge: it carries bytes and time between two sockets and `Bridge`, and decides
//! nothing.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use mio::{Events, Poll, Token, Waker};
use model::{Meter, Moment};

use crate::tls::Tls;
use crate::{Bridge, Cause, Line, News, Password, Plan, Side, TlsFault, Wish};

const WAKER: Token = Token(2);
const EVENTS_MAX: usize = 16;
const READ_BYTES: usize = 64 << 10;

/// What the thread needs of the site.
pub struct Shell {
    /// A connection to this site.
    pub dial_site: Box<dyn Fn() -> io::Result<Line> + Send>,
    /// The site's steady clock.
    pub now: Box<dyn Fn() -> Moment + Send>,
    pub meter: Arc<Meter>,
    /// By which messages of this site are known.
    pub identity: u64,
    /// Spreads reconnects.
    pub seed: u64,
}

impl fmt::Debug for Shell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Shell").finish_non_exhaustive()
    }
}

/// Why a bridge cannot begin; the owner of the configuration must act.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Tls(#[from] TlsFault),
    #[error("the password in {path} cannot be read")]
    Password { path: PathBuf, source: io::Error },
    #[error("no thread or poll")]
    Thread(#[from] io::Error),
}

/// A bridge at work.
#[derive(Debug)]
pub struct Running {
    thread: JoinHandle<io::Result<()>>,
    control: Arc<Control>,
}

/// What other threads tell that of the bridge.
#[derive(Debug)]
struct Control {
    waker: Waker,
    stop: AtomicBool,
    up: AtomicBool,
    /// The outcome of the one dial at a time.
    dialed: Mutex<Option<io::Result<Line>>>,
}

impl Running {
    /// Reads the files that the plan names and starts.
    ///
    /// # Errors
    /// When a file is not what it should be, or there is no thread.
    pub fn start(plan: &Plan, shell: Shell) -> Result<Self, Fault> {
        let host = plan.remote.address.rsplit_once(':').map_or("", |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let tls = plan.remote.tls.as_ref().map(|options| Tls::read(options, host)).transpose()?;
        let password = password(plan)?;
        let poll = Poll::new()?;
        let control = Arc::new(Control {
            waker: Waker::new(poll.registry(), WAKER)?,
            stop: AtomicBool::new(false),
            up: AtomicBool::new(false),
            dialed: Mutex::new(None),
        });
        let secrets = (shell.identity, shell.seed);
        let bridge = Bridge::new(plan, password, secrets, Arc::clone(&shell.meter));
        let work = Work {
            bridge,
            name: plan.name.clone(),
            address: plan.remote.address.clone(),
            tls,
            poll,
            lines: [None, None],
            ready: [false, false],
            shell,
            control: Arc::clone(&control),
            last_fault: None,
            scratch: vec![0; READ_BYTES].into(),
        };
        let name = format!("bridge-{}", plan.name);
        let thread = std::thread::Builder::new().name(name).spawn(move || work.run())?;
        Ok(Self { thread, control })
    }

    /// Whether the other broker is connected, for as long as anybody asks.
    pub fn watch(&self) -> impl Fn() -> bool + Send + Sync + use<> {
        let control = Arc::clone(&self.control);
        move || control.up.load(Ordering::Relaxed)
    }

    /// Says goodbye on both sides and waits for the thread.
    ///
    /// # Errors
    /// When the kernel had refused to be polled.
    ///
    /// # Panics
    /// When the thread had panicked.
    pub fn stop(self) -> io::Result<()> {
        self.control.stop.store(true, Ordering::Release);
        self.control.waker.wake()?;
        match self.thread.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn password(plan: &Plan) -> Result<Option<Box<str>>, Fault> {
    match &plan.remote.password {
        None => Ok(None),
        Some(Password::Text(text)) => Ok(Some(text.clone())),
        Some(Password::File(path)) => match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).into())),
            Err(source) => Err(Fault::Password { path: path.clone(), source }),
        },
    }
}

struct Work {
    bridge: Bridge,
    name: Box<str>,
    address: Box<str>,
    tls: Option<Tls>,
    poll: Poll,
    lines: [Option<Line>; 2],
    /// The kernel said that there is something to read and has not said that it is all.
    ready: [bool; 2],
    shell: Shell,
    control: Arc<Control>,
    /// What the system said of the line that was lost last.
    last_fault: Option<io::Error>,
    scratch: Box<[u8]>,
}

impl Work {
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.control.stop.load(Ordering::Acquire) {
            let now = (self.shell.now)();
            self.bridge.handle_timeout(now);
            let busy = self.turn();
            let wait = self.bridge.poll_timeout().map(|at| at.since((self.shell.now)()));
            let wait = if busy { Some(std::time::Duration::ZERO) } else { wait };
            match self.poll.poll(&mut events, wait) {
                Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            for event in &events {
                if let Some(ready) = self.ready.get_mut(event.token().0) {
                    *ready |= event.is_readable() || event.is_read_closed() || event.is_error();
                }
            }
            self.take_dialed();
        }
        self.bridge.stop();
        self.write(Side::Site);
        self.write(Side::Remote);
        Ok(())
    }

    /// One read and one write of each side. Says whether there may be more at once.
    fn turn(&mut self) -> bool {
        for side in [Side::Site, Side::Remote] {
            if self.ready(side) && self.bridge.wants_read(side) {
                self.read(side);
            }
        }
        for side in [Side::Site, Side::Remote] {
            self.write(side);
        }
        self.grant();
        self.tell();
        let more = |side| self.ready(side) && self.bridge.wants_read(side);
        more(Side::Site) || more(Side::Remote)
    }

    fn read(&mut self, side: Side) {
        let Some(line) = self.lines.get_mut(side as usize).and_then(Option::as_mut) else {
            return self.set_ready(side, false);
        };
        match line.read(&mut self.scratch) {
            Ok(0) => self.lost(side, Cause::Closed),
            Ok(bytes) => {
                let now = (self.shell.now)();
                let bytes = self.scratch.get(..bytes).unwrap_or_default();
                self.bridge.handle_bytes(side, bytes, now);
            }
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => self.set_ready(side, false),
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            Err(fault) => self.failed(side, fault),
        }
    }

    fn write(&mut self, side: Side) {
        while let Some(line) = self.lines.get_mut(side as usize).and_then(Option::as_mut) {
            match line.write(self.bridge.outbox(side)) {
                Ok(0) => return,
                Ok(bytes) => self.bridge.wrote(side, bytes, (self.shell.now)()),
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(fault) => return self.failed(side, fault),
            }
        }
    }

    fn grant(&mut self) {
        while let Some(wish) = self.bridge.poll_wish() {
            match wish {
                Wish::Dial(Side::Site) => match (self.shell.dial_site)() {
                    Ok(line) => self.connected(Side::Site, line),
                    Err(fault) => self.failed(Side::Site, fault),
                },
                Wish::Dial(Side::Remote) => self.dial(),
                Wish::Hang(side) => self.close(side),
            }
        }
        self.control.up.store(self.bridge.is_up(Side::Remote), Ordering::Relaxed);
    }

    /// Names are looked up and sockets opened on a thread of its own: either may take seconds.
    fn dial(&mut self) {
        let (address, tls) = (self.address.clone(), self.tls.clone());
        let control = Arc::clone(&self.control);
        let dial = move || {
            let dialed = Line::dial(&address, tls.as_ref());
            *control.dialed.lock().unwrap_or_else(PoisonError::into_inner) = Some(dialed);
            if let Err(fault) = control.waker.wake() {
                tracing::error!(%fault, "a bridge cannot be woken");
            }
        };
        let name = format!("dial-{}", self.name);
        if let Err(fault) = std::thread::Builder::new().name(name).spawn(dial) {
            self.failed(Side::Remote, fault);
        }
    }

    fn take_dialed(&mut self) {
        let dialed = self.control.dialed.lock().unwrap_or_else(PoisonError::into_inner).take();
        match dialed {
            Some(Ok(line)) => self.connected(Side::Remote, line),
            Some(Err(fault)) => self.failed(Side::Remote, fault),
            None => {}
        }
    }

    fn connected(&mut self, side: Side, mut line: Line) {
        if let Err(fault) = line.register(self.poll.registry(), Token(side as usize)) {
            return self.failed(side, fault);
        }
        if let Some(place) = self.lines.get_mut(side as usize) {
            *place = Some(line);
        }
        self.set_ready(side, true);
        self.bridge.handle_connected(side, (self.shell.now)());
        self.write(side);
    }

    fn failed(&mut self, side: Side, fault: io::Error) {
        self.last_fault = Some(fault);
        self.lost(side, Cause::Line);
    }

    fn lost(&mut self, side: Side, cause: Cause) {
        self.close(side);
        self.bridge.handle_lost(side, cause, (self.shell.now)());
        self.tell();
    }

    /// Dropping the socket closes it, which also takes it out of the poll.
    fn close(&mut self, side: Side) {
        self.set_ready(side, false);
        if let Some(place) = self.lines.get_mut(side as usize) {
            *place = None;
        }
    }

    fn ready(&self, side: Side) -> bool {
        self.ready.get(side as usize).copied().unwrap_or(false)
    }

    fn set_ready(&mut self, side: Side, ready: bool) {
        if let Some(place) = self.ready.get_mut(side as usize) {
            *place = ready;
        }
    }

    /// A line for each change, and none for what stays as it is.
    fn tell(&mut self) {
        while let Some(news) = self.bridge.poll_news() {
            let bridge = &*self.name;
            match news {
                News::Connected { side, resumed } => {
                    tracing::info!(bridge, side = side.word(), resumed, "a bridge is connected");
                }
                News::Lost { side, cause } => {
                    let detail = self.last_fault.take().filter(|_| cause == Cause::Line);
                    let detail = detail.map(|fault| fault.to_string());
                    tracing::warn!(bridge, side = side.word(), %cause, detail, "a bridge is down");
                }
                News::SubscriptionRefused { side, filter, reason } => {
                    let side = side.word();
                    tracing::warn!(bridge, side, %filter, ?reason, "a subscription is refused");
                }
            }
        }
    }
}
