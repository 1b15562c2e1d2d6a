//! The load generator as a program. Prints one JSON object, or one for each line that it is asked.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, sync_channel};

use anyhow::Result;
use bench::tsbs::{GeneratePlan, generate};
use bench::{ConnectPlan, DiskPlan, HoldPlan, JitterPlan, LoadPlan, StatePlan, WritePlan};
use clap::Parser;
use serde::Serialize;

#[derive(Debug, Parser)]
#[command(about = "Loads an MQTT broker from one thread and counts what came of it")]
enum Command {
    /// Publishers and subscribers on open connections.
    Load(LoadPlan),
    /// The same until standard input ends. Reports for each line of it.
    Watch(LoadPlan),
    /// Connections that come and go.
    Connects(ConnectPlan),
    /// Connections that stay, good ones and bad ones, until standard input ends. Reports when all
    /// are there, and for each line.
    Hold(HoldPlan),
    /// Things that stay without a connection.
    State(StatePlan),
    /// One block written and synced, again and again: what a promise costs at least.
    Disk(DiskPlan),
    /// What the trucks of the Time Series Benchmark Suite say, as files.
    Tsbs(GeneratePlan),
    /// What devices say that send four values at times that are never quite regular, as files.
    Jitter(JitterPlan),
    /// Posts line protocol to a store, from a file or made on the way.
    Write(WritePlan),
    /// Passes bytes on nearly unread, as a broker would that has nothing to decide.
    Forward {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
}

/// Lines that nobody answered yet.
const QUESTIONS_MAX: usize = 16;

fn main() -> Result<()> {
    match Command::parse() {
        Command::Load(plan) => tell(&bench::load(&plan)?),
        Command::Watch(plan) => bench::watch(&plan, &questions(), tell),
        Command::Connects(plan) => tell(&bench::connects(&plan)?),
        Command::Hold(plan) => bench::hold(&plan, &questions(), tell),
        Command::State(plan) => tell(&bench::state(&plan)?),
        Command::Disk(plan) => tell(&bench::disk(&plan)?),
        Command::Tsbs(plan) => tell(&generate(&plan)?),
        Command::Jitter(plan) => tell(&bench::jitter(&plan)?),
        Command::Write(plan) => tell(&bench::write(&plan)?),
        Command::Forward { listen } => bench::forward(listen, ready),
    }
}

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
fn tell(report: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(report)?);
    Ok(std::io::stdout().flush()?)
}

#[expect(clippy::print_stdout, reason = "whoever started it waits for this")]
fn ready(address: SocketAddr) {
    println!("mqtt {address}\nready");
}

/// A question for each line of standard input.
fn questions() -> Receiver<()> {
    let (sender, receiver) = sync_channel(QUESTIONS_MAX);
    // Ends with standard input, or with the process.
    std::thread::spawn(move || {
        for _line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(()).is_err() {
                return;
            }
        }
    });
    receiver
}
