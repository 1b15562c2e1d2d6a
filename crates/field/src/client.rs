//! A small blocking MQTT client: one connection, a window of messages in flight, and the
//! stubbornness to send again what nobody acknowledged.
//!
//! Nothing happens behind the caller's back: `publish` and `pump` do the reading and writing.
//! A lost connection is found and mended inside of them, for as long as `Options::patience` says.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use model::{Moment, Qos, TopicName};
use mqtt::{Packet, Reason, Version};

use crate::{Clock, Fault, Stop};

mod flights;
mod greeting;
mod login;
mod options;

use flights::Flights;
pub use flights::{Event, Token};
pub use options::{Login, Options};

/// More than this waits in no buffer of ours before it is written: some 300 messages of 200 bytes,
/// enough that a system call costs little beside them.
const UNSENT_BYTES_MAX: usize = 64 << 10;
const READ_BYTES: usize = 64 << 10;
/// What happened and nobody asked for yet. Then we stop reading, so that the server waits. More than
/// the largest window, so that acknowledgements alone never reach it.
const EVENTS_MAX: usize = 100_000;
/// What a server may send us in one packet.
const PACKET_BYTES_MAX: u32 = 16 << 20;
/// Longest we sit in one read before we look whether we should stop.
const NAP: Duration = Duration::from_millis(100);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// A connection to an MQTT server that comes back after a cut.
#[derive(Debug)]
pub struct Client {
    options: Options,
    clock: Clock,
    stop: Stop,
    line: Option<TcpStream>,
    /// Received and not decoded: at most one incomplete packet between two reads.
    inbox: Vec<u8>,
    scratch: Box<[u8]>,
    flights: Flights,
    subscriptions: Vec<(Box<str>, Qos)>,
    heard: Moment,
    asked: Moment,
}

/// What ended a connection: worth another try, or not.
enum Broken {
    Line(std::io::Error),
    For(Fault),
}

impl From<std::io::Error> for Broken {
    fn from(cause: std::io::Error) -> Self {
        Self::Line(cause)
    }
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::For(fault)
    }
}

impl Client {
    /// Connects once; only later cuts are mended with patience.
    ///
    /// # Errors
    /// When nobody answers, or the server refuses.
    pub fn connect(mut options: Options, clock: Clock, stop: Stop) -> Result<Self, Fault> {
        if options.login.is_some() {
            options.version = Version::V5;
        }
        let flights = Flights::new(options.version, options.window);
        let mut client = Self {
            options,
            clock,
            stop,
            line: None,
            inbox: Vec::new(),
            scratch: vec![0; READ_BYTES].into(),
            flights,
            subscriptions: Vec::new(),
            heard: Moment::START,
            asked: Moment::START,
        };
        client.dial().map_err(|broken| client.fault_of(broken))?;
        Ok(client)
    }

    /// Takes a message and returns its token. Waits while the window is full. The message leaves
    /// at the latest with the next `pump`; QoS 0 has no acknowledgement.
    ///
    /// # Errors
    /// When the message cannot be one, the server stays away for too long, or someone said stop.
    pub fn publish(
        &mut self,
        topic: &str,
        payload: &[u8],
        qos: Qos,
        retain: bool,
    ) -> Result<Token, Fault> {
        TopicName::parse(topic).map_err(|source| Fault::Topic { topic: topic.into(), source })?;
        while qos != Qos::AtMostOnce && self.flights.is_full() {
            self.pump_for_answers()?;
        }
        let token = self.flights.publish(topic, payload, qos, retain)?;
        if self.flights.unsent() >= UNSENT_BYTES_MAX {
            self.pump(Duration::ZERO)?;
        }
        Ok(token)
    }

    /// Asks for messages; the answer comes as `Event::Subscribed`. Asked again after a cut.
    ///
    /// # Errors
    /// When the filter is too long.
    pub fn subscribe(&mut self, filter: &str, qos: Qos) -> Result<(), Fault> {
        self.flights.subscribe(filter, qos)?;
        self.subscriptions.push((filter.into(), qos));
        Ok(())
    }

    /// Writes what waits and reads what comes, for at most `wait`. Returns early when something
    /// came. Mends a lost connection.
    ///
    /// # Errors
    /// When the server stays away for too long, refuses, breaks MQTT, or someone said stop.
    pub fn pump(&mut self, wait: Duration) -> Result<(), Fault> {
        if self.stop.is_set() {
            return Err(Fault::Stopped);
        }
        match self.turn(wait) {
            Ok(()) => Ok(()),
            Err(Broken::For(fault)) => Err(fault),
            Err(Broken::Line(cause)) => self.come_back(cause),
        }
    }

    /// Pumps until every message is acknowledged.
    ///
    /// # Errors
    /// As `pump`.
    pub fn drain(&mut self) -> Result<(), Fault> {
        while self.flights.in_flight() > 0 || self.flights.unsent() > 0 {
            self.pump_for_answers()?;
        }
        Ok(())
    }

    /// # Panics
    /// When the caller never asks for events: then nothing is read, and this would wait for ever.
    fn pump_for_answers(&mut self) -> Result<(), Fault> {
        assert!(self.flights.events() < EVENTS_MAX, "events are polled between two messages");
        self.pump(NAP)
    }

    /// What happened, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.flights.poll_event()
    }

    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.flights.in_flight()
    }

    /// Says goodbye, so that no will is sent for us.
    ///
    /// # Errors
    /// When the line is already gone.
    pub fn disconnect(mut self) -> std::io::Result<()> {
        if let Some(mut line) = self.line.take() {
            self.flights.write_disconnect();
            line.set_nonblocking(false)?;
            line.write_all(self.flights.outbox())?;
            line.shutdown(std::net::Shutdown::Both)?;
        }
        Ok(())
    }

    fn turn(&mut self, wait: Duration) -> Result<(), Broken> {
        self.keep_alive()?;
        self.flush()?;
        if self.flights.events() >= EVENTS_MAX {
            return Ok(());
        }
        let Some(line) = self.line.as_mut() else {
            return Err(Broken::Line(ErrorKind::NotConnected.into()));
        };
        let read = read_for(line, &mut self.scratch, wait.min(NAP))?;
        let Some(bytes) = read else { return Ok(()) };
        if bytes == 0 {
            return Err(Broken::Line(ErrorKind::UnexpectedEof.into()));
        }
        self.heard = self.clock.moment();
        self.inbox.extend_from_slice(self.scratch.get(..bytes).unwrap_or_default());
        self.decode()?;
        self.flush()
    }

    fn decode(&mut self) -> Result<(), Broken> {
        let mut at = 0;
        loop {
            let rest = self.inbox.get(at..).unwrap_or_default();
            let next = mqtt::decode(rest, self.options.version, PACKET_BYTES_MAX);
            let Some((packet, bytes)) = next.map_err(Fault::Server)? else { break };
            at += bytes;
            if let Packet::Disconnect(end) = packet {
                return Err(after_disconnect(end.reason));
            }
            self.flights.handle(packet)?;
        }
        self.inbox.drain(..at);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Broken> {
        if let Some(line) = self.line.as_mut().filter(|_| self.flights.unsent() > 0) {
            line.write_all(self.flights.outbox())?;
            self.flights.sent();
        }
        Ok(())
    }

    /// Asks the server for a sign of life at half of the keep-alive time and gives it up after
    /// one and a half.
    fn keep_alive(&mut self) -> Result<(), Broken> {
        let now = self.clock.moment();
        let span = self.options.keep_alive;
        if now.since(self.heard) > span + span / 2 {
            return Err(Broken::Line(ErrorKind::TimedOut.into()));
        }
        if now.since(self.heard.max(self.asked)) > span / 2 {
            self.asked = now;
            self.flights.write_ping();
        }
        Ok(())
    }

    fn come_back(&mut self, cause: std::io::Error) -> Result<(), Fault> {
        self.line = None;
        self.flights.lost();
        let lost_at = self.clock.moment();
        let mut pause = BACKOFF_FIRST;
        let mut cause = cause;
        while self.clock.moment().since(lost_at) < self.options.patience {
            match self.dial() {
                Ok(()) => return Ok(()),
                Err(Broken::For(fault)) => return Err(fault),
                Err(Broken::Line(again)) => cause = again,
            }
            if self.stop.wait(pause) {
                return Err(Fault::Stopped);
            }
            pause = (pause * 2).min(BACKOFF_MAX);
        }
        Err(self.fault_of(Broken::Line(cause)))
    }

    fn fault_of(&self, broken: Broken) -> Fault {
        match broken {
            Broken::For(fault) => fault,
            Broken::Line(source) => {
                Fault::Unreachable { address: self.options.address.as_str().into(), source }
            }
        }
    }
}

/// `None` when nothing came in time.
fn read_for(
    line: &mut TcpStream,
    scratch: &mut [u8],
    wait: Duration,
) -> std::io::Result<Option<usize>> {
    line.set_nonblocking(wait.is_zero())?;
    if !wait.is_zero() {
        line.set_read_timeout(Some(wait))?;
    }
    let read = line.read(scratch);
    line.set_nonblocking(false)?;
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if is_patience(cause.kind()) => Ok(None),
        Err(cause) => Err(cause),
    }
}

fn is_patience(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Two clients of one name would throw each other out for ever.
fn after_disconnect(reason: Reason) -> Broken {
    let final_word = [Reason::SessionTakenOver, Reason::Banned, Reason::NotAuthorized];
    if final_word.contains(&reason) {
        return Broken::For(Fault::Refused(reason));
    }
    Broken::Line(std::io::Error::new(ErrorKind::ConnectionAborted, Fault::Refused(reason)))
}

#[cfg(test)]
mod tests;
