//! A small site that keeps its promise or breaks it in one chosen way, to prove that torture
//! notices: `faithless-site WAY serve --data DIR ...`. It knows just what torture sends and asks.

mod broker;
mod mail;
mod store;
mod web;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::{Parser, Subcommand, ValueEnum};

use store::Store;

#[derive(Debug, Parser)]
struct Command {
    #[arg(value_enum)]
    way: Way,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Serve {
        #[arg(long)]
        data: PathBuf,
        #[arg(long)]
        mqtt: SocketAddr,
        #[arg(long)]
        http: SocketAddr,
        /// Nobody asks there.
        #[arg(long)]
        postgres: Option<SocketAddr>,
        #[arg(long)]
        anonymous: bool,
        #[arg(long)]
        config: Option<PathBuf>,
    },
}

/// How the promise is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    /// As it should be.
    Faithful,
    /// Acknowledges what is written and not synced: a kill does not show it, a power cut does.
    Unsynced,
    /// Some readings are never written.
    Forgetful,
    /// Some values are off by little.
    Inexact,
    /// Some readings are there twice.
    Doubling,
    /// SQL sees readings only after a restart.
    Tardy,
    /// Some messages are not delivered.
    Undelivering,
    /// Some messages are delivered twice.
    Redelivering,
    /// Sessions end with the process.
    Amnesic,
    /// Retained messages end with the process.
    Unretaining,
}

#[expect(clippy::print_stdout, reason = "the addresses are told on standard output")]
fn main() -> anyhow::Result<()> {
    let Command { way, verb: Verb::Serve { data, mqtt, http, .. } } = Command::parse();
    let store = Arc::new(Mutex::new(Store::open(&data, way)?));
    let (mqtt, http) = (TcpListener::bind(mqtt)?, TcpListener::bind(http)?);
    println!("mqtt {}\nhttp {}\nready", mqtt.local_addr()?, http.local_addr()?);
    let questions = Arc::clone(&store);
    std::thread::spawn(move || {
        for stream in http.incoming().map_while(Result::ok) {
            let questions = Arc::clone(&questions);
            std::thread::spawn(move || web::answer(stream, &questions));
        }
    });
    for stream in mqtt.incoming().map_while(Result::ok) {
        let store = Arc::clone(&store);
        std::thread::spawn(move || broker::serve(stream, &store));
    }
    Ok(())
}
