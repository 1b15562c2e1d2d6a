//! The way in: CONNECT, the proof of who we are if the server is to have one, CONNACK.

use std::io::{ErrorKind, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};

use model::Qos;
use mqtt::{ConnAck, Connect, Packet, Properties, Reason};

use super::flights::Flights;
use super::login::Proving;
use super::{Broken, CONNECT_PATIENCE, Client, NAP, PACKET_BYTES_MAX, read_for};
use crate::Fault;

/// What the first packet in the inbox asks for.
enum Greeted {
    /// It is not whole.
    Not,
    Say(Vec<u8>),
    In,
}

impl Client {
    pub(super) fn dial(&mut self) -> Result<(), Broken> {
        let mut line = open(&self.options.address)?;
        line.set_nodelay(true)?;
        line.set_write_timeout(Some(self.options.keep_alive))?;
        let login = self.options.login.as_ref();
        let mut proving = login.map(Proving::begin).transpose()?;
        let first = proving.as_ref().map(Proving::first).transpose()?.unwrap_or_default();
        let mut hello = Vec::new();
        self.hello(first.as_properties()).encode(&mut hello).map_err(Fault::TooLong)?;
        line.write_all(&hello)?;
        self.inbox.clear();
        let started = self.clock.moment();
        loop {
            match self.greeted(&mut proving)? {
                Greeted::In => break,
                Greeted::Say(words) => line.write_all(&words)?,
                Greeted::Not => {}
            }
            if self.stop.is_set() {
                return Err(Broken::For(Fault::Stopped));
            }
            if self.clock.moment().since(started) > CONNECT_PATIENCE {
                return Err(Broken::Line(ErrorKind::TimedOut.into()));
            }
            match read_for(&mut line, &mut self.scratch, NAP)? {
                Some(0) => return Err(Broken::Line(ErrorKind::UnexpectedEof.into())),
                Some(bytes) => {
                    self.inbox.extend_from_slice(self.scratch.get(..bytes).unwrap_or_default());
                }
                None => {}
            }
        }
        self.heard = self.clock.moment();
        self.line = Some(line);
        self.decode()?;
        self.flush()
    }

    /// Looks for the CONNACK at the head of the inbox, and readies what has to be sent again; or for
    /// an AUTH, and answers it.
    fn greeted(&mut self, proving: &mut Option<Proving>) -> Result<Greeted, Broken> {
        let next = mqtt::decode(&self.inbox, self.options.version, PACKET_BYTES_MAX);
        let Some((packet, bytes)) = next.map_err(Fault::Server)? else { return Ok(Greeted::Not) };
        let greeted = match (packet, proving.as_mut()) {
            (Packet::Auth(auth), Some(proving)) => Greeted::Say(proving.answer(&auth)?),
            (Packet::ConnAck(answer), _) => {
                if answer.reason.is_failure() {
                    return Err(after_refusal(answer.reason, proving.as_ref()));
                }
                if let Some(proving) = proving.take() {
                    proving.end(&answer)?;
                }
                Self::welcomed(&mut self.flights, &self.subscriptions, &answer)?;
                Greeted::In
            }
            (other, _) => return Err(Broken::For(Fault::Unexpected(other.kind()))),
        };
        self.inbox.drain(..bytes);
        Ok(greeted)
    }

    fn welcomed(
        flights: &mut Flights,
        subscriptions: &[(Box<str>, Qos)],
        answer: &ConnAck<'_>,
    ) -> Result<(), Fault> {
        flights.connected(answer);
        if !answer.session_present {
            for (filter, qos) in subscriptions {
                flights.subscribe(filter, *qos)?;
            }
        }
        Ok(())
    }

    fn hello<'a>(&'a self, properties: Properties<'a>) -> Connect<'a> {
        let seconds = self.options.keep_alive.as_secs();
        Connect {
            version: self.options.version,
            clean_start: self.options.clean_start,
            keep_alive: u16::try_from(seconds).unwrap_or(u16::MAX),
            client_id: &self.options.client_id,
            will: None,
            user_name: self.options.user_name.as_deref(),
            password: None,
            properties,
        }
    }
}

fn open(address: &str) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::from(ErrorKind::AddrNotAvailable);
    for candidate in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&candidate, CONNECT_PATIENCE) {
            Ok(line) => return Ok(line),
            Err(cause) => last = cause,
        }
    }
    Err(last)
}

/// A server that is busy or goes down may be back soon; the rest would be refused again.
fn after_refusal(reason: Reason, proving: Option<&Proving>) -> Broken {
    if let Some(proving) = proving.filter(|_| reason == Reason::NotAuthorized) {
        return Broken::For(proving.refused());
    }
    let passing = [Reason::ServerUnavailable, Reason::ServerBusy, Reason::ServerShuttingDown];
    if passing.contains(&reason) {
        return Broken::Line(std::io::Error::new(
            ErrorKind::ConnectionRefused,
            Fault::Refused(reason),
        ));
    }
    Broken::For(Fault::Refused(reason))
}
