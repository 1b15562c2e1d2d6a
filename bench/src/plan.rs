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
    /// 64 bytes that no dialect takes for a reading: publisher, number, time sent.
    Stamp,
    /// `{"t":21.5,"h":40.1}` with values that change.
    Reading,
}

#[derive(Clone, Debug, Args)]
pub struct LoadPlan {
    #[command(flatten)]
    pub target: Target,
    #[arg(long, default_value_t = 1)]
    pub publishers: u32,
    #[arg(long, default_value_t = 0)]
    pub subscribers: u32,
    /// Publisher and subscriber number i belong to group i modulo this; a subscriber hears its
    /// group.
    #[arg(long, default_value_t = 1)]
    pub groups: u32,
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
    #[arg(long, default_value = "bench")]
    pub topic: String,
    #[arg(long, default_value_t = 1.0)]
    pub warm_up_seconds: f64,
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
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
