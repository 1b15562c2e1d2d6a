//! What lies between a socket and MQTT, from the socket up: PROXY protocol, TLS, WebSocket. Each may
//! be missing. No socket here: bytes in, bytes out.

use std::net::SocketAddr;
use std::sync::Arc;

use super::frames::Flow;
use super::origins::Origins;
use super::proxy::{self, ProxyFault};
use super::tls::{Tls, TlsFault};
use super::websocket::{WebFault, WebSocket};
use super::{End, Heard, Scratch};
use crate::output::Output;

/// Incoming bytes that wait for more: a handshake message is at most 64 KiB, a record 16 KiB and
/// what TLS 1.2 allows it to grow.
const HELD_BYTES_MAX: usize = (64 << 10) + (18 << 10);
const _: () = assert!(HELD_BYTES_MAX < super::INPUT_BYTES, "a read has room behind them");
const _: () = assert!(proxy::HEADER_BYTES_MAX < HELD_BYTES_MAX, "a header can wait");

/// Answers that a client has not fetched; one that goes on asking is closed. 500 pongs of the
/// largest size, or two handshakes.
const UNFETCHED_BYTES_MAX: usize = 64 << 10;

/// MQTT bytes that are wrapped at once: four records.
const WRAP_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, thiserror::Error)]
pub(crate) enum TransportFault {
    #[error(transparent)]
    Proxy(#[from] ProxyFault),
    #[error(transparent)]
    Tls(#[from] TlsFault),
    #[error(transparent)]
    Web(#[from] WebFault),
    #[error("a client sent a message of the handshake that is longer than is taken")]
    TooLong,
    #[error("a client asks and does not fetch the answers")]
    Unfetched,
}

#[derive(Debug)]
pub(crate) struct Layers {
    /// A header of the PROXY protocol is still to come.
    pub(super) proxy: bool,
    /// In a box of its own: it is by far the largest.
    pub(super) tls: Option<Box<Tls>>,
    pub(super) web: Option<(WebSocket, Arc<Origins>)>,
    /// Incoming bytes that need more to mean something. Without memory when idle.
    pub(super) held: Vec<u8>,
    /// Outgoing bytes that the kernel has not taken. Without memory when idle.
    pub(super) pending: Output,
    /// Nothing more comes in, and nothing waits for the kernel any more.
    pub(super) over: bool,
    /// The goodbye of the layers is in `pending` already.
    pub(super) parted: bool,
}

impl Layers {
    pub(crate) fn new(proxy: bool, tls: Option<Tls>, web: Option<Arc<Origins>>) -> Self {
        Self {
            proxy,
            tls: tls.map(Box::new),
            web: web.map(|origins| (WebSocket::default(), origins)),
            held: Vec::new(),
            pending: Output::default(),
            over: false,
            parted: false,
        }
    }

    /// Whether it changes nothing any more.
    pub(super) fn is_transparent(&self) -> bool {
        !self.proxy && self.tls.is_none() && self.web.is_none() && self.pending.is_empty()
    }

    pub(super) fn is_shaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| !tls.is_open())
    }

    /// Whether MQTT can be sent.
    fn is_open(&self) -> bool {
        !self.proxy
            && self.tls.as_ref().is_none_or(|tls| tls.is_open())
            && self.web.as_ref().is_none_or(|(web, _)| web.is_open())
    }

    /// Takes the first `filled` bytes of the scratch buffer's input.
    pub(super) fn receive<'s>(&mut self, filled: usize, scratch: &'s mut Scratch) -> Heard<'s> {
        let mut peer = None;
        let outcome = self.unwrap(filled, scratch, &mut peer);
        let end = match outcome {
            Ok(Flow::Open) => None,
            Ok(Flow::Closed) => Some(End::Closed),
            Err(fault) => Some(End::Fault(fault)),
        };
        self.over = end.is_some();
        Heard { bytes: &scratch.plain, peer, more: false, end }
    }

    /// Leaves MQTT bytes in `scratch.plain`.
    fn unwrap(
        &mut self,
        filled: usize,
        scratch: &mut Scratch,
        peer: &mut Option<SocketAddr>,
    ) -> Result<Flow, TransportFault> {
        let Scratch { input, unsealed, plain, answer } = scratch;
        plain.clear();
        let mut raw = input.get_mut(..filled).unwrap_or_default();
        if self.proxy {
            let Some(header) = proxy::parse(raw)? else {
                self.held = raw.to_vec();
                return Ok(Flow::Open);
            };
            self.proxy = false;
            *peer = header.peer;
            raw = raw.get_mut(header.length..).unwrap_or_default();
        }
        let Some(tls) = &mut self.tls else { return self.unframe(raw, plain, answer) };
        let unsealed_to = if self.web.is_some() { &mut *unsealed } else { &mut *plain };
        unsealed_to.clear();
        let (used, flow) = tls.receive(raw, (unsealed_to, self.pending.buffer()));
        let rest = raw.get(used..).unwrap_or_default();
        let too_long = rest.len() > HELD_BYTES_MAX;
        self.held = rest.to_vec();
        let flow = flow?;
        if too_long {
            return Err(TransportFault::TooLong);
        }
        if self.web.is_some() && self.unframe(unsealed, plain, answer)? == Flow::Closed {
            return Ok(Flow::Closed);
        }
        self.check_fetched()?;
        Ok(flow)
    }

    /// The layer of WebSocket, if there is one.
    fn unframe(
        &mut self,
        bytes: &[u8],
        plain: &mut Vec<u8>,
        answer: &mut Vec<u8>,
    ) -> Result<Flow, TransportFault> {
        let Some((web, origins)) = &mut self.web else {
            plain.extend_from_slice(bytes);
            return Ok(Flow::Open);
        };
        answer.clear();
        let flow = web.decode(bytes, origins, (plain, answer));
        self.seal(answer)?;
        self.check_fetched()?;
        Ok(flow?)
    }

    fn check_fetched(&self) -> Result<(), TransportFault> {
        if self.pending.len() > UNFETCHED_BYTES_MAX + WRAP_BYTES_MAX {
            return Err(TransportFault::Unfetched);
        }
        Ok(())
    }

    /// Appends bytes to what the kernel is given, through TLS if there is one.
    fn seal(&mut self, bytes: &[u8]) -> Result<(), TlsFault> {
        if bytes.is_empty() {
            return Ok(());
        }
        match &mut self.tls {
            Some(tls) => tls.send(bytes, &mut self.held, self.pending.buffer()),
            None => {
                self.pending.buffer().extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Wraps some of what MQTT has to send. What comes before the layers are open has nobody who
    /// could hear it.
    pub(super) fn wrap(
        &mut self,
        output: &mut Output,
        scratch: &mut Scratch,
    ) -> Result<(), TlsFault> {
        if !self.is_open() {
            *output = Output::default();
            return Ok(());
        }
        let waiting = output.pending();
        let bytes = waiting.get(..WRAP_BYTES_MAX).unwrap_or(waiting);
        let taken = bytes.len();
        match (&self.web, &self.tls) {
            (Some(_), Some(_)) => {
                scratch.answer.clear();
                WebSocket::encode(bytes, &mut scratch.answer);
                self.seal(&scratch.answer)?;
            }
            (Some(_), None) => WebSocket::encode(bytes, self.pending.buffer()),
            (None, _) => self.seal(bytes)?,
        }
        output.advance(taken);
        Ok(())
    }

    /// Says goodbye in the words of each layer, once.
    pub(super) fn part(&mut self) -> Result<(), TlsFault> {
        if std::mem::replace(&mut self.parted, true) || self.is_shaking() || self.proxy {
            return Ok(());
        }
        if let Some((web, _)) = &mut self.web {
            let mut goodbye = Vec::new();
            web.close(&mut goodbye);
            self.seal(&goodbye)?;
        }
        match &mut self.tls {
            Some(tls) => tls.close(&mut self.held, self.pending.buffer()),
            None => Ok(()),
        }
    }
}
