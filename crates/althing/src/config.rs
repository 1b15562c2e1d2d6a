//! What the owner of a site can choose: defaults, then one TOML file, then the environment, then
//! flags. Every key is here; docs/config.md tells them to people, and a test compares the two.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use model::TopicFilter;
use model::topic::TopicFault;
use serde::{Deserialize, Serialize};

mod bridge;
mod environment;
mod layers;
mod limits;
mod listener;
mod postgres;
mod quantity;
mod remote;

pub(crate) use bridge::{BridgeConfig, BridgeFault};
pub(crate) use environment::{sources, state_folder};
pub(crate) use layers::{Flag, Loaded, Origin, Sources, load};
pub(crate) use limits::{LimitsConfig, OwnLimits};
pub(crate) use listener::{ListenerConfig, ListenerFault};
pub(crate) use postgres::{MaybeAddress, PostgresConfig};
pub(crate) use quantity::{Bytes, Span};
pub(crate) use remote::RemoteConfig;

/// A segment smaller than this is mostly padding; a larger one makes retention coarse.
const SEGMENT_MIN: Bytes = Bytes::mebi(1);
const SEGMENT_MAX: Bytes = Bytes::mebi(1_024);

/// Each is compared with the topic of every message.
const MESSAGES_ONLY_MAX: usize = 64;

/// Everything. An empty file is this with its defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) site: SiteConfig,
    pub(crate) data: DataConfig,
    pub(crate) mqtt: MqttConfig,
    pub(crate) limits: LimitsConfig,
    pub(crate) http: HttpConfig,
    pub(crate) postgres: PostgresConfig,
    pub(crate) journal: JournalConfig,
    pub(crate) history: HistoryConfig,
    pub(crate) remote: RemoteConfig,
    pub(crate) query: QueryConfig,
    pub(crate) log: LogConfig,
    pub(crate) bridge: Vec<BridgeConfig>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SiteConfig {
    /// What the pages call this site.
    pub(crate) name: String,
    /// In which days are cut and times without a zone are read: a name like `Europe/Berlin`, or
    /// `system` for that of the machine.
    pub(crate) time_zone: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DataConfig {
    /// Everything the site keeps. One process at a time.
    pub(crate) dir: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct MqttConfig {
    pub(crate) address: SocketAddr,
    /// Whether devices without credentials are let in.
    pub(crate) anonymous: bool,
    /// Names and secrets of those who may prove who they are; empty for nobody.
    pub(crate) credentials: PathBuf,
    /// Event loops; 0 for one on each core.
    pub(crate) shards: u16,
    /// Where clients are told to go when the site stops; empty for nowhere.
    pub(crate) server_reference: String,
    /// How often `$SYS` topics are told; 0 for never.
    pub(crate) sys_interval: Span,
    /// Further listeners.
    pub(crate) listener: Vec<ListenerConfig>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct HttpConfig {
    /// Of pages, API and metrics.
    pub(crate) address: SocketAddr,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct JournalConfig {
    /// Longest that a message waits for others before the disk is asked to sync. Helps SD cards
    /// only; a commit takes along what came during the one before it anyway.
    pub(crate) commit_delay: Span,
    /// Size of one file of the journal.
    pub(crate) segment: Bytes,
    /// How long messages stay as they came, in the SQL table `messages`.
    pub(crate) keep_age: Span,
    /// How much of them stays, if that is less.
    pub(crate) keep_bytes: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct HistoryConfig {
    /// Readings in memory before they are written to Parquet.
    pub(crate) hot_rows: u64,
    /// Age of the oldest of them, likewise.
    pub(crate) hot_age: Span,
    /// How long readings stay; 0 for ever.
    pub(crate) keep_age: Span,
    /// How long what their hours come to stays; 0 for ever.
    pub(crate) keep_hours: Span,
    /// The same for single device types, by the name of their SQL table.
    pub(crate) keep_types: BTreeMap<String, Span>,
    /// How long files that were merged or dropped stay on disk, for other programs that read them.
    pub(crate) linger: Span,
    /// Topics whose messages are kept as they are, without readings and devices.
    pub(crate) messages_only: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct QueryConfig {
    /// Longest that a statement may run.
    pub(crate) time: Span,
    /// Most that all statements together may use for sorting and grouping.
    pub(crate) memory: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct LogConfig {
    /// As for `RUST_LOG`: a level, or levels by module.
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Default for SiteConfig {
    fn default() -> Self {
        Self { name: "Althing".to_owned(), time_zone: "system".to_owned() }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self { dir: PathBuf::from("./althing-data") }
    }
}

impl Default for MqttConfig {
    fn default() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 1883));
        Self {
            address,
            anonymous: false,
            credentials: PathBuf::new(),
            shards: 0,
            server_reference: String::new(),
            sys_interval: Span::seconds(10),
            listener: Vec::new(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self {
            commit_delay: Span::ZERO,
            segment: Bytes::mebi(64),
            keep_age: Span::days(7),
            keep_bytes: Bytes::mebi(4_096),
        }
    }
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self {
            hot_rows: 8_000_000,
            hot_age: Span::minutes(15),
            keep_age: Span::seconds(0),
            keep_hours: Span::seconds(0),
            keep_types: BTreeMap::new(),
            linger: Span::minutes(60),
            messages_only: Vec::new(),
        }
    }
}

impl Default for QueryConfig {
    fn default() -> Self {
        Self { time: Span::seconds(10), memory: Bytes::mebi(512) }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

/// The owner of the configuration must act on all of these.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigFault {
    #[error("{key} is no key{hint}", hint = did_you_mean(suggestion.as_deref()))]
    UnknownKey { key: Box<str>, suggestion: Option<Box<str>>, place: Origin },
    #[error("{key} has a wrong value: {why}")]
    Value { key: Box<str>, why: Box<str>, place: Origin },
    #[error("the file is no TOML: {why}")]
    Syntax { path: PathBuf, why: Box<str> },
    #[error("the file cannot be read: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error(
        "{key} is {address}, which other machines can reach; people cannot prove who they are yet, \
         and devices have no rights of their own, so only loopback addresses are served"
    )]
    NotLoopback { key: Box<str>, address: SocketAddr },
    #[error("{first} and {second} are the same address")]
    SameAddress { first: Box<str>, second: Box<str> },
    #[error("two of mqtt.listener have the name or the path of {0:?}")]
    SameListener(Box<str>),
    #[error("{} listeners are the most there can be", edge::LISTENERS_MAX)]
    ListenersTooMany,
    #[error("mqtt.listener {name:?} {why}")]
    Listener { name: Box<str>, why: ListenerFault },
    #[error("two bridges have the name {0:?}")]
    SameBridge(Box<str>),
    #[error("{} bridges are the most there can be", bridge::BRIDGES_MAX)]
    BridgesTooMany,
    #[error("bridge {name:?} {why}")]
    Bridge { name: Box<str>, why: BridgeFault },
    #[error("journal.segment is {segment}; it must be from {SEGMENT_MIN} to {SEGMENT_MAX}")]
    Segment { segment: Bytes },
    #[error("journal.keep-bytes is {keep}, less than two segments of {segment}")]
    KeepsTooLittle { keep: Bytes, segment: Bytes },
    #[error("site.time-zone {0:?} is not known on this machine")]
    TimeZone(Box<str>),
    #[error("history.messages-only has {filter:?}, which is no topic filter: {why}")]
    Filter { filter: Box<str>, why: TopicFault },
    #[error("history.messages-only has more than {MESSAGES_ONLY_MAX} filters")]
    FiltersTooMany,
    #[error("remote: {0}")]
    Remote(#[from] s3::OptionsFault),
    #[error("{0} must be more than nothing")]
    Zero(&'static str),
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |key| format!("; did you mean {key}?"))
}

impl ConfigFault {
    /// What helps to mend it.
    #[must_use]
    pub(crate) const fn next(&self) -> &'static str {
        match self {
            Self::UnknownKey { .. } | Self::Value { .. } | Self::Syntax { .. } => {
                "correct it there; docs/config.md lists every key"
            }
            Self::File { .. } => "althing --config FILE",
            Self::NotLoopback { .. }
            | Self::SameAddress { .. }
            | Self::SameListener(_)
            | Self::ListenersTooMany
            | Self::Listener { .. }
            | Self::SameBridge(_)
            | Self::BridgesTooMany
            | Self::Bridge { .. }
            | Self::Segment { .. }
            | Self::KeepsTooLittle { .. }
            | Self::TimeZone(_)
            | Self::Filter { .. }
            | Self::FiltersTooMany
            | Self::Remote(_)
            | Self::Zero(_) => "althing config show --origin",
        }
    }

    /// Where to look.
    #[must_use]
    pub(crate) fn place(&self) -> String {
        match self {
            Self::UnknownKey { place, .. } | Self::Value { place, .. } => place.to_string(),
            Self::Syntax { path, .. } | Self::File { path, .. } => path.display().to_string(),
            Self::NotLoopback { .. }
            | Self::SameAddress { .. }
            | Self::SameListener(_)
            | Self::ListenersTooMany
            | Self::Listener { .. }
            | Self::SameBridge(_)
            | Self::BridgesTooMany
            | Self::Bridge { .. }
            | Self::Segment { .. }
            | Self::KeepsTooLittle { .. }
            | Self::TimeZone(_)
            | Self::Filter { .. }
            | Self::FiltersTooMany
            | Self::Remote(_)
            | Self::Zero(_) => "the configuration as a whole".to_owned(),
        }
    }
}

impl Config {
    /// What no single key can tell.
    ///
    /// # Errors
    /// Names the keys that disagree.
    pub(crate) fn check(&self) -> Result<(), ConfigFault> {
        self.check_addresses()?;
        self.check_listeners()?;
        self.check_bridges()?;
        let JournalConfig { segment, keep_bytes: keep, .. } = self.journal;
        if !(SEGMENT_MIN..=SEGMENT_MAX).contains(&segment) {
            return Err(ConfigFault::Segment { segment });
        }
        if keep.get() / 2 < segment.get() {
            return Err(ConfigFault::KeepsTooLittle { keep, segment });
        }
        self.check_amounts()?;
        self.messages_only()?;
        self.remote.check()?;
        self.zone().map(|_known| ())
    }

    /// Every address that is listened on, by the key that has it.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (Box<str>, SocketAddr)> {
        let own = [("mqtt.address", self.mqtt.address), ("http.address", self.http.address)];
        let own = own.into_iter().map(|(key, address)| (key.into(), address));
        let postgres =
            self.postgres.address.get().map(|address| ("postgres.address".into(), address));
        let key = |name: &str| format!("mqtt.listener.{name}.address").into();
        let further = self.mqtt.listener.iter();
        own.chain(postgres)
            .chain(further.filter_map(move |one| Some((key(&one.name), one.address?))))
    }

    fn check_addresses(&self) -> Result<(), ConfigFault> {
        let mut known: Vec<(Box<str>, SocketAddr)> = Vec::new();
        for (key, address) in self.addresses() {
            if !address.ip().is_loopback() {
                return Err(ConfigFault::NotLoopback { key, address });
            }
            if let Some((first, _)) = known.iter().find(|(_, other)| *other == address) {
                return Err(ConfigFault::SameAddress { first: first.clone(), second: key });
            }
            if address.port() != 0 {
                known.push((key, address));
            }
        }
        Ok(())
    }

    fn check_listeners(&self) -> Result<(), ConfigFault> {
        // Besides that of `mqtt.address`.
        if self.mqtt.listener.len() >= edge::LISTENERS_MAX {
            return Err(ConfigFault::ListenersTooMany);
        }
        for (index, one) in self.mqtt.listener.iter().enumerate() {
            let name = || one.name.as_str().into();
            let limits = self.limits.with(&one.limits);
            one.resolve(limits.resolve(false))
                .map_err(|why| ConfigFault::Listener { name: name(), why })?;
            if let Some(key) = limits.zero() {
                return Err(ConfigFault::Zero(key));
            }
            if self.mqtt.listener.iter().skip(index + 1).any(|other| one.meets(other)) {
                return Err(ConfigFault::SameListener(name()));
            }
        }
        Ok(())
    }

    fn check_bridges(&self) -> Result<(), ConfigFault> {
        if self.bridge.len() > bridge::BRIDGES_MAX {
            return Err(ConfigFault::BridgesTooMany);
        }
        for (index, one) in self.bridge.iter().enumerate() {
            let name = || one.name.as_str().into();
            one.resolve().map_err(|why| ConfigFault::Bridge { name: name(), why })?;
            if self.bridge.iter().skip(index + 1).any(|other| other.name == one.name) {
                return Err(ConfigFault::SameBridge(name()));
            }
        }
        Ok(())
    }

    fn check_amounts(&self) -> Result<(), ConfigFault> {
        let amounts = [
            ("journal.keep-age", self.journal.keep_age.get().is_zero()),
            ("history.hot-rows", self.history.hot_rows == 0),
            ("history.hot-age", self.history.hot_age.get().is_zero()),
            ("postgres.connections-max", self.postgres.connections_max == 0),
            ("query.time", self.query.time.get().is_zero()),
            ("query.memory", self.query.memory.get() == 0),
        ];
        let zero = amounts.into_iter().find(|(_, nothing)| *nothing).map(|(key, _)| key);
        match zero.or_else(|| self.limits.zero()) {
            Some(key) => Err(ConfigFault::Zero(key)),
            None => Ok(()),
        }
    }

    /// Topics whose messages are not read.
    ///
    /// # Errors
    /// When one of them is no filter, or there are too many.
    pub(crate) fn messages_only(&self) -> Result<Vec<TopicFilter>, ConfigFault> {
        let filters = &self.history.messages_only;
        if filters.len() > MESSAGES_ONLY_MAX {
            return Err(ConfigFault::FiltersTooMany);
        }
        let parse = |text: &String| {
            let filter = text.as_str().into();
            TopicFilter::parse(text).map_err(|why| ConfigFault::Filter { filter, why })
        };
        filters.iter().map(parse).collect()
    }

    /// # Errors
    /// When the machine does not know the zone.
    pub(crate) fn zone(&self) -> Result<jiff::tz::TimeZone, ConfigFault> {
        if self.site.time_zone == "system" {
            return Ok(jiff::tz::TimeZone::system());
        }
        jiff::tz::TimeZone::get(&self.site.time_zone)
            .map_err(|_unknown| ConfigFault::TimeZone(self.site.time_zone.as_str().into()))
    }
}

#[cfg(test)]
mod tests;
