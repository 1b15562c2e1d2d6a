//! `[[bridge]]`: other brokers that this site connects to.

use std::path::PathBuf;

use bridge::{Mapping, MappingFault, Password, Plan, Remote, Route, TlsOptions, WINDOW_MAX};
use model::Qos;
use mqtt::Version;
use serde::{Deserialize, Serialize};

use super::{Bytes, Span};

/// Bridges of a site: each is a thread and, at the worst, two directions of `in-flight` packets of
/// `packet-max`. With the defaults 16 are 2 GiB at the worst and some MB in practice.
pub(crate) const BRIDGES_MAX: usize = 16;
/// The largest packet there is, and one in which a line of a mapping still has room.
const PACKET_MAX: Bytes = Bytes::mebi(256);
const PACKET_MIN: Bytes = Bytes::kibi(1);
/// What fits into the 16 bits of a CONNECT.
const KEEP_ALIVE_MAX: Span = Span::seconds(65_535);
/// In a CONNECT each of these has a length of 16 bits.
const TEXT_MAX: usize = 65_535;

/// Keys of these tables, for suggestions and for the guide.
pub(crate) const KEYS: &[&str] = &[
    "name",
    "address",
    "tls",
    "version",
    "bridge-bit",
    "client-id",
    "user",
    "password",
    "password-file",
    "keep-alive",
    "clean",
    "in-flight",
    "packet-max",
    "out",
    "in",
];
pub(crate) const TLS_KEYS: &[&str] = &["ca", "certificate", "key", "server-name", "alpn"];
pub(crate) const ROUTE_KEYS: &[&str] = &["filter", "prefix-remove", "prefix-add", "qos", "retain"];
/// The keys that hold tables themselves.
pub(crate) const NESTED: &[(&str, &[&str])] =
    &[("tls", TLS_KEYS), ("out", ROUTE_KEYS), ("in", ROUTE_KEYS)];
/// Not for other eyes.
pub(crate) const SECRET: &str = "password";

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct BridgeConfig {
    /// What logs call it; at this site it is the client `bridge-` and this.
    pub(crate) name: String,
    /// `host:port` of the other broker.
    pub(crate) address: String,
    pub(crate) tls: Option<BridgeTls>,
    #[serde(default)]
    pub(crate) version: BridgeVersion,
    /// Tells a broker of MQTT 3.1.1 that this is a bridge, as Mosquitto does.
    #[serde(default)]
    pub(crate) bridge_bit: bool,
    /// At the other broker; `bridge-` and the name if it is not given.
    pub(crate) client_id: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) password_file: Option<PathBuf>,
    #[serde(default = "keep_alive")]
    pub(crate) keep_alive: Span,
    /// The other broker forgets this bridge while it is away.
    #[serde(default)]
    pub(crate) clean: bool,
    /// Messages above QoS 0 on their way in each direction.
    #[serde(default = "in_flight")]
    pub(crate) in_flight: u16,
    /// The largest packet that crosses.
    #[serde(default = "packet_max")]
    pub(crate) packet_max: Bytes,
    /// From this site to the other broker.
    #[serde(default)]
    pub(crate) out: Vec<RouteConfig>,
    /// From the other broker to this site.
    #[serde(default)]
    pub(crate) r#in: Vec<RouteConfig>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct BridgeTls {
    /// PEM: authorities, one of which the other broker's certificate must come from.
    pub(crate) ca: PathBuf,
    /// PEM: our certificate, then those that lead to its root.
    pub(crate) certificate: Option<PathBuf>,
    /// PEM: the certificate's key.
    pub(crate) key: Option<PathBuf>,
    /// What the other broker's certificate is for, if not the host of its address.
    pub(crate) server_name: Option<String>,
    /// Protocols to name.
    #[serde(default)]
    pub(crate) alpn: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RouteConfig {
    pub(crate) filter: String,
    /// Taken from the front of each topic; the filter must begin with it.
    #[serde(default)]
    pub(crate) prefix_remove: String,
    /// Put there instead.
    #[serde(default)]
    pub(crate) prefix_add: String,
    /// 0 or 1.
    #[serde(default = "qos")]
    pub(crate) qos: u8,
    /// Retained messages stay retained, and a new subscription gets them.
    #[serde(default = "retain")]
    pub(crate) retain: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum BridgeVersion {
    #[serde(rename = "3.1.1")]
    V311,
    #[default]
    #[serde(rename = "5")]
    V5,
}

/// What is wrong with one bridge.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BridgeFault {
    #[error("needs a name of letters, digits, '-' and '_', at most 32")]
    Name,
    #[error("has the address {0:?}; it must be a host and a port, like broker.example:8883")]
    Address(Box<str>),
    #[error("has both password and password-file")]
    TwoPasswords,
    #[error("has a password but no user, which MQTT 3.1.1 does not allow")]
    PasswordAlone,
    #[error("has tls.{0} but not its counterpart; certificate and key go together")]
    Half(&'static str),
    #[error("has a {0} of more than 65,535 bytes")]
    TextTooLong(&'static str),
    #[error("has keep-alive {0}; it must be from 1s to {KEEP_ALIVE_MAX}")]
    KeepAlive(Span),
    #[error("has in-flight {0}; it must be from 1 to {WINDOW_MAX}")]
    InFlight(u16),
    #[error("has packet-max {0}; it must be from {PACKET_MIN} to {PACKET_MAX}")]
    PacketMax(Bytes),
    #[error("has neither out nor in, so that nothing would cross")]
    Idle,
    #[error("has bridge-bit with version 5, which has its own word for it")]
    BridgeBit,
    #[error("{0}")]
    Mapping(#[from] MappingFault),
    #[error("has qos {0}; a bridge speaks QoS 0 and 1")]
    Qos(u8),
    #[error(
        "would loop: what goes out by {out:?} comes back by {back:?}; let the two not meet, or use \
         version = \"5\", or bridge-bit = true if the other broker knows it"
    )]
    Loop { out: Box<str>, back: Box<str> },
}

const fn keep_alive() -> Span {
    Span::seconds(60)
}

const fn in_flight() -> u16 {
    64
}

const fn packet_max() -> Bytes {
    Bytes::mebi(1)
}

const fn qos() -> u8 {
    1
}

const fn retain() -> bool {
    true
}

impl BridgeConfig {
    /// # Errors
    /// Names what is missing or makes no sense.
    pub(crate) fn resolve(&self) -> Result<Plan, BridgeFault> {
        self.check()?;
        let client_id = self.client_id.clone().unwrap_or_else(|| format!("bridge-{}", self.name));
        let password = self.password.as_deref().map(|text| Password::Text(text.into()));
        let plan = Plan {
            name: self.name.as_str().into(),
            remote: Remote {
                address: self.address.as_str().into(),
                tls: self.tls.as_ref().map(BridgeTls::resolve).transpose()?,
                client_id: client_id.into(),
                user: self.user.as_deref().map(Into::into),
                password: password.or_else(|| self.password_file.clone().map(Password::File)),
                version: self.version.resolve(),
                bridge_bit: self.bridge_bit,
                keep_alive: self.keep_alive.get(),
                clean: self.clean,
            },
            outward: mapping(&self.out)?,
            inward: mapping(&self.r#in)?,
            window: self.in_flight,
            packet_bytes_max: u32::try_from(self.packet_max.get()).unwrap_or(u32::MAX),
        };
        match plan.unguarded_return() {
            Some((out, back)) => Err(BridgeFault::Loop { out: out.into(), back: back.into() }),
            None => Ok(plan),
        }
    }

    fn check(&self) -> Result<(), BridgeFault> {
        let of_name = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_');
        if self.name.is_empty() || self.name.len() > 32 || !self.name.bytes().all(of_name) {
            return Err(BridgeFault::Name);
        }
        let place = self.address.rsplit_once(':');
        if !place.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
            return Err(BridgeFault::Address(self.address.as_str().into()));
        }
        self.check_credentials()?;
        if !(Span::seconds(1)..=KEEP_ALIVE_MAX).contains(&self.keep_alive) {
            return Err(BridgeFault::KeepAlive(self.keep_alive));
        }
        if !(1..=WINDOW_MAX).contains(&self.in_flight) {
            return Err(BridgeFault::InFlight(self.in_flight));
        }
        if !(PACKET_MIN..=PACKET_MAX).contains(&self.packet_max) {
            return Err(BridgeFault::PacketMax(self.packet_max));
        }
        if self.out.is_empty() && self.r#in.is_empty() {
            return Err(BridgeFault::Idle);
        }
        if self.bridge_bit && self.version == BridgeVersion::V5 {
            return Err(BridgeFault::BridgeBit);
        }
        Ok(())
    }

    fn check_credentials(&self) -> Result<(), BridgeFault> {
        if self.password.is_some() && self.password_file.is_some() {
            return Err(BridgeFault::TwoPasswords);
        }
        let secret = self.password.is_some() || self.password_file.is_some();
        if secret && self.user.is_none() && self.version == BridgeVersion::V311 {
            return Err(BridgeFault::PasswordAlone);
        }
        let texts =
            [("client-id", &self.client_id), ("user", &self.user), ("password", &self.password)];
        let long = |(_, text): &(_, &Option<String>)| {
            text.as_ref().is_some_and(|text| text.len() > TEXT_MAX)
        };
        match texts.into_iter().find(long) {
            Some((key, _)) => Err(BridgeFault::TextTooLong(key)),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for BridgeConfig {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, address) = (&self.name, &self.address);
        out.debug_struct("BridgeConfig")
            .field("name", name)
            .field("address", address)
            .finish_non_exhaustive()
    }
}

impl BridgeTls {
    fn resolve(&self) -> Result<TlsOptions, BridgeFault> {
        match (&self.certificate, &self.key) {
            (Some(_), None) => return Err(BridgeFault::Half("certificate")),
            (None, Some(_)) => return Err(BridgeFault::Half("key")),
            (Some(_), Some(_)) | (None, None) => {}
        }
        Ok(TlsOptions {
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            server_name: self.server_name.as_deref().map(Into::into),
            alpn: self.alpn.iter().map(|one| one.as_str().into()).collect(),
        })
    }
}

impl BridgeVersion {
    const fn resolve(self) -> Version {
        match self {
            Self::V311 => Version::V311,
            Self::V5 => Version::V5,
        }
    }
}

fn mapping(lines: &[RouteConfig]) -> Result<Mapping, BridgeFault> {
    let route = |line: &RouteConfig| {
        let qos = Qos::from_bits(line.qos).filter(|qos| *qos != Qos::ExactlyOnce);
        let qos = qos.ok_or(BridgeFault::Qos(line.qos))?;
        let prefixes = (line.prefix_remove.as_str(), line.prefix_add.as_str());
        Ok(Route::new(&line.filter, prefixes, qos)?.retaining(line.retain))
    };
    let routes = lines.iter().map(route).collect::<Result<Vec<_>, BridgeFault>>()?;
    Ok(Mapping::new(routes)?)
}
