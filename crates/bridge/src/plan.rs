//! What the owner of a site chose for one bridge.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use mqtt::Version;

use crate::{Mapping, TlsOptions};

/// Messages above QoS 0 that are on their way in one direction, at most: what the site grants one
/// client. With the largest packets of 1 MiB, 256 MiB for each direction; 64 are the default.
pub const WINDOW_MAX: u16 = 256;

/// One bridge.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What logs call it; the client id at this site is `bridge-` and this.
    pub name: Box<str>,
    pub remote: Remote,
    /// From this site to the other broker.
    pub outward: Mapping,
    /// From the other broker to this site.
    pub inward: Mapping,
    /// Messages above QoS 0 on their way in each direction.
    pub window: u16,
    /// The largest packet that crosses.
    pub packet_bytes_max: u32,
}

/// The other broker, and how the bridge presents itself there.
#[derive(Clone, Debug)]
pub struct Remote {
    /// `host:port`.
    pub address: Box<str>,
    pub tls: Option<TlsOptions>,
    pub client_id: Box<str>,
    pub user: Option<Box<str>>,
    pub password: Option<Password>,
    pub version: Version,
    /// Says in CONNECT that this is a bridge, as Mosquitto does (protocol level 0x84): the broker
    /// then does not send back what came from here. MQTT 5 has a word of its own for it.
    pub bridge_bit: bool,
    pub keep_alive: Duration,
    /// The other broker forgets the bridge while it is away.
    pub clean: bool,
}

/// Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    Text(Box<str>),
    /// Read at the start; a line end behind it does not count.
    File(PathBuf),
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => out.write_str("…"),
            Self::File(path) => path.fmt(out),
        }
    }
}

impl Plan {
    /// The way by which the other broker would send messages of this site back to it, unless it
    /// knows not to. MQTT 5 and the bridge bit tell it; without either there must be none.
    #[must_use]
    pub fn unguarded_return(&self) -> Option<(&str, &str)> {
        if self.remote.version == Version::V5 || self.remote.bridge_bit {
            return None;
        }
        let (out, back) = self.outward.returns_by(&self.inward)?;
        Some((out.filter(), back.filter()))
    }
}
