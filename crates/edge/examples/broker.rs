//! The broker alone: shards over a journal, without history or pages. For profiles, because it builds
//! in seconds: `cargo run --release -p edge --example broker -- 127.0.0.1:1883 FOLDER [SHARDS]`.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use edge::{Clock, Common, Limits, Listener, Loops, Methods, Place};
use journal::{FsDisk, Journal, Log, Options};
use model::Horizon;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, address, folder, rest @ ..] = &arguments[..] else {
        return Err("usage: broker ADDRESS FOLDER [SHARDS]".into());
    };
    let shards = rest.first().map_or(Ok(1), |text| text.parse())?;
    serve(address.parse()?, Path::new(folder), shards)
}

/// As the site does: some files are left for the journal.
fn connections_max() -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    files
        .and_then(|files| usize::try_from(files).ok())
        .map_or(usize::MAX, |files| files.saturating_sub(1_024).max(1))
}

fn serve(address: SocketAddr, folder: &Path, shards: u16) -> Result<(), Box<dyn Error>> {
    let clock = Clock::start();
    let loops = Loops::new(shards)?;
    std::fs::create_dir_all(folder)?;
    let disk = FsDisk::open(folder)?;
    let (log, _) = Log::open(disk, Options::default(), clock.now().timestamp)?;
    let bell = loops.bell();
    let (horizon, durable, _) = Horizon::new(log.last(), &[], Box::new(move |_| bell.ring()));
    let common = Common {
        subscriptions: Arc::default(),
        retained: Arc::default(),
        meter: Arc::default(),
        limits: Limits { anonymous: true, connections_max: connections_max(), ..Limits::default() },
        methods: Methods::default(),
    };
    let meter = Arc::clone(&common.meter);
    let (journal, _commits) =
        Journal::start(log, durable, meter, Box::new(|_| std::process::abort()))?;
    let listener = Listener::plain("broker", Place::Network(address), common.limits);
    let edge = loops.serve(vec![listener], &common, (clock, &journal, &horizon), &[])?;
    loop {
        std::thread::park();
        assert!(!edge.places().is_empty(), "it listens");
    }
}
