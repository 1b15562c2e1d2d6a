//! Beginning connections without waiting for them, from many addresses of this machine, plain or
//! with TLS.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use socket2::{Domain, Socket, Type};

use crate::wire::Wire;

/// A closed connection keeps its pair of ports for a minute. 28,000 ports from each of 200
/// addresses of the loopback net last for 90,000 connections a second.
const SOURCES: u32 = 200;

/// The connection is under way. `std` has no stable word for it.
const EINPROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();

pub(crate) struct Dialer {
    broker: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    /// What the kernel may keep for a reader that does not read; its own choice if `None`.
    receive_bytes: Option<usize>,
}

impl Dialer {
    /// With an authority, connections are TLS.
    pub(crate) fn new(broker: SocketAddr, tls_ca: Option<&Path>) -> Result<Self> {
        Ok(Self { broker, tls: tls_ca.map(trust).transpose()?, receive_bytes: None })
    }

    pub(crate) const fn receive_at_most(mut self, bytes: usize) -> Self {
        self.receive_bytes = Some(bytes);
        self
    }

    /// Begins to connect; `number` chooses the source.
    pub(crate) fn begin(&self, number: u32) -> Result<Wire> {
        let stream = self.open(number)?;
        let Some(tls) = &self.tls else { return Ok(Wire::new(stream)?) };
        let name = ServerName::try_from("localhost")?;
        Ok(Wire::tls(stream, ClientConnection::new(Arc::clone(tls), name)?)?)
    }

    fn open(&self, number: u32) -> Result<std::net::TcpStream> {
        let socket = Socket::new(Domain::for_address(self.broker), Type::STREAM, None)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        if let Some(bytes) = self.receive_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        if self.broker.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            let host = u8::try_from(1 + number % SOURCES).unwrap_or(1);
            socket.bind(&SocketAddr::from(([127, 0, 0, host], 0)).into())?;
        }
        match socket.connect(&self.broker.into()) {
            Ok(()) => {}
            Err(fault) if fault.raw_os_error() == Some(EINPROGRESS) => {}
            Err(fault) => return Err(fault).context("cannot reach the broker"),
        }
        Ok(socket.into())
    }
}

/// Every handshake is a whole one: no tickets are kept.
fn trust(authority: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
