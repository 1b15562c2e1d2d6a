//! One TLS connection, without its socket: records in, bytes out, and back.
//!
//! rustls keeps no buffers here: it decrypts in the buffer into which the socket was read, and
//! encrypts to the end of the one that is written next. An idle connection is its keys.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};

use super::frames::Flow;

/// What a record adds to its payload, rounded up: header, explicit nonce, tag, content type.
const RECORD_OVERHEAD: usize = 64;
const RECORD_BYTES: usize = 16 << 10;

#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsFault {
    #[error("a client broke TLS, or could not agree on it")]
    Peer(#[from] rustls::Error),
    #[error("a record could not be encoded")]
    Encode(#[source] EncodeError),
    #[error("a record could not be encrypted")]
    Encrypt(#[source] EncryptError),
    #[error("bytes were to be sent on a connection that cannot send yet")]
    NotOpen,
}

/// A status in which nothing of the incoming bytes is borrowed any more.
type Status<'c, 'i> = UnbufferedStatus<'c, 'i, ServerConnectionData>;

pub(crate) struct Tls {
    connection: UnbufferedServerConnection,
    /// Its places in the incoming bytes mean nothing after a fault, so it is not asked any more.
    failed: bool,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tls").field("open", &self.is_open()).finish_non_exhaustive()
    }
}

impl Tls {
    pub(crate) fn new(config: Arc<ServerConfig>) -> Result<Self, TlsFault> {
        Ok(Self { connection: UnbufferedServerConnection::new(config)?, failed: false })
    }

    /// Whether the handshake is over, and the connection is not.
    pub(crate) fn is_open(&self) -> bool {
        !self.failed && !self.connection.is_handshaking()
    }

    /// Takes records from the front of `records`, and says how many bytes of them are done with.
    /// Appends what they hold to `plain`, and to `sealed` what the client has to be told: its part
    /// of the handshake, or an alert.
    pub(crate) fn receive(
        &mut self,
        records: &mut [u8],
        (plain, sealed): (&mut Vec<u8>, &mut Vec<u8>),
    ) -> (usize, Result<Flow, TlsFault>) {
        if self.failed {
            return (records.len(), Ok(Flow::Closed));
        }
        let mut used = 0;
        loop {
            let rest = records.get_mut(used..).unwrap_or_default();
            let Status { discard, state } = self.connection.process_tls_records(rest);
            let flow = match state {
                Ok(state) => advance(state, plain, sealed),
                Err(fault) => Err(fault.into()),
            };
            used += discard;
            match flow {
                Ok(None) => {}
                Ok(Some(flow)) => return (used, Ok(flow)),
                Err(fault) => {
                    self.failed = true;
                    self.tell_alert(records.get_mut(used..).unwrap_or_default(), sealed);
                    return (used, Err(fault));
                }
            }
        }
    }

    /// After a fault the connection has at most an alert to say. It is asked once: what it makes
    /// of the rest of the records does not matter any more.
    fn tell_alert(&mut self, rest: &mut [u8], sealed: &mut Vec<u8>) {
        let Status { state, .. } = self.connection.process_tls_records(rest);
        if let Ok(ConnectionState::EncodeTlsData(mut data)) = state
            && let Err(fault) = encode(&mut data, sealed)
        {
            tracing::debug!(%fault, "an alert could not be sent");
        }
    }

    /// Appends `plain` to `sealed` in records. `held` is what `receive` has left of its records:
    /// the connection remembers places in it.
    pub(crate) fn send(
        &mut self,
        plain: &[u8],
        held: &mut Vec<u8>,
        sealed: &mut Vec<u8>,
    ) -> Result<(), TlsFault> {
        let records = plain.len() / RECORD_BYTES + 1;
        let room = plain.len() + records * RECORD_OVERHEAD;
        self.write(held, sealed, |traffic, sealed| {
            append(sealed, room, |out| match traffic.encrypt(plain, out) {
                Err(EncryptError::InsufficientSize(size)) => Err(Room(size.required_size)),
                outcome => Ok(outcome),
            })
        })
    }

    /// Appends the goodbye of TLS.
    pub(crate) fn close(
        &mut self,
        held: &mut Vec<u8>,
        sealed: &mut Vec<u8>,
    ) -> Result<(), TlsFault> {
        self.write(held, sealed, |traffic, sealed| {
            append(sealed, RECORD_OVERHEAD, |out| match traffic.queue_close_notify(out) {
                Err(EncryptError::InsufficientSize(size)) => Err(Room(size.required_size)),
                outcome => Ok(outcome),
            })
        })
    }

    fn write(
        &mut self,
        held: &mut Vec<u8>,
        sealed: &mut Vec<u8>,
        mut write: impl FnMut(
            &mut WriteTraffic<'_, ServerConnectionData>,
            &mut Vec<u8>,
        ) -> Result<(), EncryptError>,
    ) -> Result<(), TlsFault> {
        if !self.is_open() {
            return Err(TlsFault::NotOpen);
        }
        loop {
            let Status { discard, state } = self.connection.process_tls_records(held);
            let written = match state? {
                ConnectionState::WriteTraffic(mut traffic) => {
                    Some(write(&mut traffic, sealed).map_err(TlsFault::Encrypt))
                }
                // `receive` has taken every whole record, so there is none of these with data.
                ConnectionState::EncodeTlsData(mut data) => {
                    encode(&mut data, sealed)?;
                    None
                }
                ConnectionState::TransmitTlsData(data) => {
                    data.done();
                    None
                }
                ConnectionState::PeerClosed => None,
                ConnectionState::Closed
                | ConnectionState::ReadTraffic(_)
                | ConnectionState::ReadEarlyData(_)
                | ConnectionState::BlockedHandshake
                | _ => Some(Err(TlsFault::NotOpen)),
            };
            held.drain(..discard);
            if let Some(written) = written {
                return written;
            }
        }
    }
}

/// One step of `receive`; `None` when there may be another.
fn advance(
    state: ConnectionState<'_, '_, ServerConnectionData>,
    plain: &mut Vec<u8>,
    sealed: &mut Vec<u8>,
) -> Result<Option<Flow>, TlsFault> {
    match state {
        ConnectionState::ReadTraffic(mut traffic) => {
            while let Some(record) = traffic.next_record() {
                plain.extend_from_slice(record?.payload);
            }
            Ok(None)
        }
        ConnectionState::EncodeTlsData(mut data) => encode(&mut data, sealed).map(|()| None),
        ConnectionState::TransmitTlsData(data) => {
            data.done();
            Ok(None)
        }
        ConnectionState::PeerClosed | ConnectionState::Closed => Ok(Some(Flow::Closed)),
        // Early data can be replayed by others; none is offered, so none comes.
        ConnectionState::ReadEarlyData(_)
        | ConnectionState::BlockedHandshake
        | ConnectionState::WriteTraffic(_)
        | _ => Ok(Some(Flow::Open)),
    }
}

/// How much room an encoder asks for.
struct Room(usize);

/// Lets `fill` write to the end of `out`, with as much room as it asks for.
fn append<E>(
    out: &mut Vec<u8>,
    mut room: usize,
    mut fill: impl FnMut(&mut [u8]) -> Result<Result<usize, E>, Room>,
) -> Result<(), E> {
    let start = out.len();
    loop {
        out.resize(start + room, 0);
        match fill(out.get_mut(start..).unwrap_or_default()) {
            Ok(Ok(written)) => {
                out.truncate(start + written);
                return Ok(());
            }
            Ok(Err(fault)) => {
                out.truncate(start);
                return Err(fault);
            }
            Err(Room(more)) => room = more.max(room + 1),
        }
    }
}

fn encode(
    data: &mut EncodeTlsData<'_, ServerConnectionData>,
    sealed: &mut Vec<u8>,
) -> Result<(), TlsFault> {
    let encoded = append(sealed, 0, |out| match data.encode(out) {
        Err(EncodeError::InsufficientSize(size)) => Err(Room(size.required_size)),
        outcome => Ok(outcome),
    });
    encoded.map_err(TlsFault::Encode)
}
