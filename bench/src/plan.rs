//! What to do to a broker, as flags.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use model::Qos;

/// The broker under load.
#[derive(Clone, Debug, Args)]
pub struct Target {
    #[arg(long)]
    pub address: SocketAddr,
    /// Process whose CPU time and memory are reported.
    #[arg(long)]
    pub broker_pid: u32,
}

/// What the messages hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Content {
    /// Bytes that no dialect takes for a reading: topic, number, time sent, and filling.
    Stamp,
    /// `{"t":21.5,"h":40.1}` with values that change.
    Reading,
}

/// How subscribers subscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listening {
    /// To all topics of the group.
    Wildcard,
    /// To the first topic of the group, by its name.
    Exact,
    /// To all topics of the group, as one shared subscription: each message goes to one of them.
    Shared,
}

#[derive(Clone, Debug, Args)]
pub struct LoadPlan {
    #[command(flatten)]
    pub target: Target,
    #[arg(long, default_value_t = 1)]
    pub publishers: u32,
    #[arg(long, default_value_t = 0)]
    pub subscribers: u32,
    /// Topics of each publisher, which takes them in turn.
    #[arg(long, default_value_t = 1)]
    pub topics: u32,
    /// Topic and subscriber number i belong to group i modulo this; a subscriber hears its group.
    #[arg(long, default_value_t = 1)]
    pub groups: u32,
    #[arg(long, value_enum, default_value_t = Listening::Wildcard)]
    pub listening: Listening,
    /// Exact filters, beside those of the subscribers, which no message meets. A thousand to each
    /// client.
    #[arg(long, default_value_t = 0)]
    pub bystanders: u32,
    /// Of publishers and subscribers.
    #[arg(long, default_value = "0", value_parser = parse_qos)]
    pub qos: Qos,
    /// Messages of one publisher without PUBACK at any time.
    #[arg(long, default_value_t = 1)]
    pub window: u16,
    /// Messages of all publishers on the way to subscribers at any time; 0 for no limit. A
    /// broker that drops them is told apart from a slow one by a pause of `STALL_NS`.
    #[arg(long, default_value_t = 0)]
    pub delivery_window: u64,
    /// Messages a second of all publishers together; 0 sends as fast as the windows allow.
    #[arg(long, default_value_t = 0)]
    pub rate: u64,
    #[arg(long, value_enum, default_value_t = Content::Stamp)]
    pub content: Content,
    /// Of a stamp with its filling.
    #[arg(long, default_value_t = 64)]
    pub payload_bytes: usize,
    #[arg(long, default_value = "bench")]
    pub topic: String,
    #[arg(long, default_value_t = 1.0)]
    pub warm_up_seconds: f64,
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
}

impl LoadPlan {
    pub(crate) const fn streams(&self) -> u32 {
        self.publishers.saturating_mul(self.topics)
    }

    /// Of one stream of numbered messages.
    pub(crate) fn topic_of(&self, stream: u32) -> String {
        format!("{}/{}/{stream}", self.topic, stream % self.groups)
    }

    pub(crate) fn filter_of(&self, group: u32) -> String {
        match self.listening {
            Listening::Wildcard => format!("{}/{group}/#", self.topic),
            Listening::Exact => self.topic_of(group),
            Listening::Shared => format!("$share/bench/{}/{group}/#", self.topic),
        }
    }

    /// Subscribers that hear one message.
    pub(crate) fn copies(&self) -> u64 {
        let members = u64::from(self.subscribers / self.groups.max(1));
        if self.listening == Listening::Shared { members.min(1) } else { members }
    }

    /// # Errors
    /// When the flags contradict each other.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.groups > 0 && self.topics > 0, "--groups and --topics begin at 1");
        let exact = self.listening == Listening::Exact;
        anyhow::ensure!(
            !exact || self.groups == self.streams(),
            "an exact subscriber hears one topic: as many --groups as topics"
        );
        anyhow::ensure!(
            self.payload_bytes >= crate::payload::STAMP_BYTES_MIN,
            "no room for a stamp"
        );
        Ok(())
    }
}

#[derive(Clone, Debug, Args)]
pub struct ConnectPlan {
    #[command(flatten)]
    pub target: Target,
    /// Connections under way at the same time.
    #[arg(long, default_value_t = 50)]
    pub at_once: u32,
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Ends earlier, after so many connections; 0 for no limit.
    #[arg(long, default_value_t = 0)]
    pub count: u32,
    /// Each connection leaves a session behind.
    #[arg(long)]
    pub lasting: bool,
    /// Connects with TLS, and trusts the authority in this PEM file.
    #[arg(long)]
    pub tls_ca: Option<PathBuf>,
}

/// What connections do that stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Manner {
    /// Connects, subscribes if there is a filter, and reads whatever comes.
    Idle,
    /// Connects, subscribes, and reads nothing after that.
    Stalled,
    /// Sends a CONNECT that never ends, one byte after another.
    Drip,
    /// Sends nothing.
    Silent,
}

impl Manner {
    /// Never says who it is.
    pub(crate) const fn is_stranger(self) -> bool {
        matches!(self, Self::Drip | Self::Silent)
    }
}

#[derive(Clone, Debug, Args)]
pub struct HoldPlan {
    #[arg(long)]
    pub address: SocketAddr,
    #[arg(long, default_value_t = 1000)]
    pub connections: u32,
    /// Number of the first: several programs can share the work.
    #[arg(long, default_value_t = 0)]
    pub first: u32,
    #[arg(long, value_enum, default_value_t = Manner::Idle)]
    pub manner: Manner,
    /// Each subscribes to this; `@` stands for its number.
    #[arg(long)]
    pub filter: Option<String>,
    #[arg(long, default_value = "0", value_parser = parse_qos)]
    pub qos: Qos,
    /// Connects with TLS, and trusts the authority in this PEM file.
    #[arg(long)]
    pub tls_ca: Option<PathBuf>,
    /// Attempts that may begin in a second.
    #[arg(long, default_value_t = 5000)]
    pub per_second: u32,
    /// After so long without an answer, others do not wait for one any more.
    #[arg(long, default_value_t = 5.0)]
    pub patience_seconds: f64,
    /// From one byte to the next, for those who drip.
    #[arg(long, default_value_t = 3.0)]
    pub drip_seconds: f64,
    /// Strangers who were closed come again, at most as often as they drip.
    #[arg(long)]
    pub again: bool,
    /// Reports only when asked, and not by itself when all attempts are decided.
    #[arg(long)]
    pub when_asked: bool,
}

/// What a broker shall keep without a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Thing {
    /// Those that `connects --lasting` left behind; a thousand of them are looked at.
    Sessions,
    /// A thousand filters to each of a number of lasting sessions.
    Subscriptions,
    Retained,
}

#[derive(Clone, Debug, Args)]
pub struct StatePlan {
    #[arg(long)]
    pub address: SocketAddr,
    #[arg(long, value_enum)]
    pub thing: Thing,
    #[arg(long, default_value_t = 1_000_000)]
    pub count: u32,
    /// Ends earlier, after so long.
    #[arg(long, default_value_t = 120.0)]
    pub seconds: f64,
    /// Asks for what is there instead, and counts it.
    #[arg(long)]
    pub check: bool,
}

#[derive(Clone, Debug, Args)]
pub struct DiskPlan {
    /// A file is made here and removed.
    #[arg(long)]
    pub directory: PathBuf,
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
}

fn parse_qos(text: &str) -> Result<Qos, String> {
    match text {
        "0" => Ok(Qos::AtMostOnce),
        "1" => Ok(Qos::AtLeastOnce),
        _ => Err("the generator speaks QoS 0 and 1".to_owned()),
    }
}
