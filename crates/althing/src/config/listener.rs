//! `[[mqtt.listener]]`: doors for MQTT besides `mqtt.address`.

use std::net::SocketAddr;
use std::path::PathBuf;

use edge::{Limits, Listener, Origins, Place, TlsFiles};
use serde::{Deserialize, Serialize};

use super::{Bytes, OwnLimits};

/// What MQTT can say of a packet's length, and with it the largest packet there is.
const PACKET_MAX: Bytes = Bytes::mebi(256);
/// A CONNECT with a client's name and credentials has to fit.
const PACKET_MIN: Bytes = Bytes::kibi(1);

/// Tables in this table.
pub(crate) const NESTED: &[(&str, &[&str])] = &[("limits", super::limits::KEYS)];

/// Keys of this table, for suggestions and for the guide.
pub(crate) const KEYS: &[&str] = &[
    "name",
    "transport",
    "address",
    "path",
    "certificate",
    "key",
    "client-ca",
    "origins",
    "proxy-protocol",
    "connections-max",
    "packet-max",
    "limits",
];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ListenerConfig {
    /// What logs call it.
    pub(crate) name: String,
    pub(crate) transport: TransportConfig,
    /// Where it listens, unless it is a Unix domain socket.
    pub(crate) address: Option<SocketAddr>,
    /// Where its Unix domain socket is.
    pub(crate) path: Option<PathBuf>,
    /// PEM: the certificate, then those that lead to its root.
    pub(crate) certificate: Option<PathBuf>,
    /// PEM: the certificate's key.
    pub(crate) key: Option<PathBuf>,
    /// PEM: clients must show a certificate of one of these authorities.
    pub(crate) client_ca: Option<PathBuf>,
    /// Pages that may open a WebSocket, besides those of this machine.
    #[serde(default)]
    pub(crate) origins: Vec<String>,
    /// A proxy stands in front and says for whom it speaks (PROXY protocol, version 2).
    #[serde(default)]
    pub(crate) proxy_protocol: bool,
    #[serde(default = "connections_max")]
    pub(crate) connections_max: u32,
    /// The largest MQTT packet that is taken.
    #[serde(default = "packet_max")]
    pub(crate) packet_max: Bytes,
    /// Where they are other than those of the site.
    #[serde(default)]
    pub(crate) limits: OwnLimits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TransportConfig {
    Tcp,
    Tls,
    /// WebSocket.
    Ws,
    /// WebSocket over TLS.
    Wss,
    Unix,
}

/// More than a process has file descriptors, unless somebody asked for them.
const fn connections_max() -> u32 {
    100_000
}

const fn packet_max() -> Bytes {
    Bytes::mebi(1)
}

/// What is wrong with one listener by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenerFault {
    #[error("has no {0}, which its transport needs")]
    Missing(&'static str),
    #[error("has {0}, which its transport does not use")]
    Idle(&'static str),
    #[error("has packet-max {0}; it must be from {PACKET_MIN} to {PACKET_MAX}")]
    PacketMax(Bytes),
    #[error("has connections-max 0, so that nobody could connect")]
    NoConnections,
    #[error("needs a name")]
    Nameless,
}

impl TransportConfig {
    const fn has_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    const fn has_web(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Unix => "unix",
        }
    }
}

impl ListenerConfig {
    /// What the listener is to the edge, with the other `limits` of its clients.
    ///
    /// # Errors
    /// Names what is missing or makes no sense.
    pub(crate) fn resolve(&self, limits: Limits) -> Result<Listener, ListenerFault> {
        self.check_keys()?;
        if self.name.is_empty() {
            return Err(ListenerFault::Nameless);
        }
        if !(PACKET_MIN..=PACKET_MAX).contains(&self.packet_max) {
            return Err(ListenerFault::PacketMax(self.packet_max));
        }
        if self.connections_max == 0 {
            return Err(ListenerFault::NoConnections);
        }
        let place = match (self.address, &self.path) {
            (Some(address), _) => Place::Network(address),
            (None, Some(path)) => Place::Path(path.clone()),
            (None, None) => return Err(ListenerFault::Missing("address")),
        };
        Ok(Listener {
            name: self.name.as_str().into(),
            place,
            tls: self.tls()?,
            web: self.transport.has_web().then(|| Origins::new(self.origins.iter().cloned())),
            proxy: self.proxy_protocol,
            limits: Limits {
                connections_max: usize::try_from(self.connections_max).unwrap_or(usize::MAX),
                packet_bytes_max: u32::try_from(self.packet_max.get()).unwrap_or(u32::MAX),
                ..limits
            },
        })
    }

    /// Every key is there where it is needed, and nowhere else.
    fn check_keys(&self) -> Result<(), ListenerFault> {
        let unix = self.transport == TransportConfig::Unix;
        let (tls, web) = (self.transport.has_tls(), self.transport.has_web());
        let keys = [
            ("address", self.address.is_some(), !unix, !unix),
            ("path", self.path.is_some(), unix, unix),
            ("certificate", self.certificate.is_some(), tls, tls),
            ("key", self.key.is_some(), tls, tls),
            ("client-ca", self.client_ca.is_some(), tls, false),
            ("origins", !self.origins.is_empty(), web, false),
        ];
        for (key, present, used, needed) in keys {
            if present && !used {
                return Err(ListenerFault::Idle(key));
            }
            if needed && !present {
                return Err(ListenerFault::Missing(key));
            }
        }
        Ok(())
    }

    fn tls(&self) -> Result<Option<TlsFiles>, ListenerFault> {
        if !self.transport.has_tls() {
            return Ok(None);
        }
        let file = |path: &Option<PathBuf>, key| path.clone().ok_or(ListenerFault::Missing(key));
        Ok(Some(TlsFiles {
            certificate: file(&self.certificate, "certificate")?,
            key: file(&self.key, "key")?,
            client_ca: self.client_ca.clone(),
        }))
    }

    /// Whether the two get into each other's way. Addresses are compared with all others.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.name == other.name || (self.path.is_some() && self.path == other.path)
    }
}
