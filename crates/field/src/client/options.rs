//! How a client presents itself and how stubborn it is.

use std::fmt;
use std::time::Duration;

use mqtt::Version;

#[derive(Clone, Debug)]
pub struct Options {
    /// `host:port`.
    pub address: String,
    pub client_id: String,
    /// For dialects that carry a token here.
    pub user_name: Option<String>,
    /// Proved to the server by SCRAM-SHA-256, which MQTT 5 has only.
    pub login: Option<Login>,
    pub version: Version,
    /// False keeps the session on the server over a cut, so that QoS 2 stays exactly once.
    pub clean_start: bool,
    pub keep_alive: Duration,
    /// Messages in flight before `publish` waits. The server may allow fewer.
    pub window: u16,
    /// How long a lost server is looked for.
    pub patience: Duration,
}

impl Options {
    #[must_use]
    pub fn new(address: &str, client_id: &str) -> Self {
        Self {
            address: address.to_owned(),
            client_id: client_id.to_owned(),
            user_name: None,
            login: None,
            version: Version::V311,
            clean_start: true,
            keep_alive: Duration::from_secs(30),
            window: 100,
            patience: Duration::from_secs(120),
        }
    }
}

/// A name and the password that belongs to it, which never leaves this process.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    pub name: String,
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Login").field("name", &self.name).finish_non_exhaustive()
    }
}
