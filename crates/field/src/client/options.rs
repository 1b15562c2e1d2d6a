//! How a client presents itself and how stubborn it is.

use std::time::Duration;

use mqtt::Version;

#[derive(Clone, Debug)]
pub struct Options {
    /// `host:port`.
    pub address: String,
    pub client_id: String,
    /// For dialects that carry a token here.
    pub user_name: Option<String>,
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
            version: Version::V311,
            clean_start: true,
            keep_alive: Duration::from_secs(30),
            window: 100,
            patience: Duration::from_secs(120),
        }
    }
}
