//! Where clients of PostgreSQL find SQL.

use std::fmt;
use std::net::{AddrParseError, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where such clients look by themselves.
const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5432);

const OFF: &str = "off";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct PostgresConfig {
    /// `off` for nowhere.
    pub(crate) address: MaybeAddress,
    /// Connections at the same time.
    pub(crate) connections_max: usize,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        let limits = postgres::Limits::default();
        Self { address: MaybeAddress(Some(USUAL)), connections_max: limits.connections }
    }
}

/// An address, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct MaybeAddress(Option<SocketAddr>);

impl MaybeAddress {
    #[must_use]
    pub(crate) const fn get(self) -> Option<SocketAddr> {
        self.0
    }

    /// The default, which may belong to a PostgreSQL server: where it is taken, the site does without.
    #[must_use]
    pub(crate) fn is_usual(self) -> bool {
        self.0 == Some(USUAL)
    }
}

impl FromStr for MaybeAddress {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        if text == OFF { Ok(Self(None)) } else { text.parse().map(Some).map(Self) }
    }
}

impl TryFrom<String> for MaybeAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let what = || format!("{text:?} is neither an address like 127.0.0.1:5432 nor \"off\"");
        text.parse().map_err(|_unclear| what())
    }
}

impl fmt::Display for MaybeAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => write!(out, "{address}"),
            None => out.write_str(OFF),
        }
    }
}

impl From<MaybeAddress> for String {
    fn from(address: MaybeAddress) -> Self {
        address.to_string()
    }
}
