//! The load generator as a program. Prints one JSON object.

use std::net::SocketAddr;

use bench::{ConnectPlan, DiskPlan, LoadPlan};
use clap::Parser;

#[derive(Debug, Parser)]
#[command(about = "Loads an MQTT broker from one thread and counts what came of it")]
enum Command {
    /// Publishers and subscribers on open connections.
    Load(LoadPlan),
    /// Connections that come and go.
    Connects(ConnectPlan),
    /// One block written and synced, again and again: what a promise costs at least.
    Disk(DiskPlan),
    /// Passes bytes on unread, as a broker would that has nothing to decide.
    Forward {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
}

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
fn main() -> anyhow::Result<()> {
    let report = match Command::parse() {
        Command::Load(plan) => serde_json::to_string(&bench::load(&plan)?)?,
        Command::Connects(plan) => serde_json::to_string(&bench::connects(&plan)?)?,
        Command::Disk(plan) => serde_json::to_string(&bench::disk(&plan)?)?,
        Command::Forward { listen } => {
            return bench::forward(listen, |address| println!("mqtt {address}\nready"));
        }
    };
    println!("{report}");
    Ok(())
}
