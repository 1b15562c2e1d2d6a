//! Where a broker spends its time: `perf` beside one row of the comparison, by kinds of work.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::rows::{self, Unit};
use super::runner::Runner;
use super::{Field, Plan as Mqtt};

#[derive(Clone, Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub field: Field,
    /// Its short name. `Core` and `--binary` need their symbols: a release build strips them, so
    /// set `CARGO_PROFILE_RELEASE_STRIP=false` for it.
    #[arg(long, default_value = "fan-in-1")]
    pub row: String,
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Functions that are listed below the kinds of work.
    #[arg(long, default_value_t = 30)]
    pub functions: usize,
}

type Kinds = &'static [(&'static str, &'static [&'static str])];

/// Of functions of the kernel: the first that fits, by a word in the name.
const KERNEL: Kinds = &[
    ("kernel: copying", &["_copy_", "copy_user", "rep_movs", "memcpy", "clear_page"]),
    ("kernel: disk", &["ext4", "jbd2", "blk_", "nvme", "virtblk", "xfs_", "btrfs_", "fsync"]),
    ("kernel: TCP and sockets", &["tcp", "inet", "sock", "skb", "ip_", "net", "loopback", "dev_"]),
    ("kernel: epoll", &["epoll", "ep_"]),
    ("kernel: the rest", &[""]),
];

/// Of functions of a program, likewise, in the name of its object too.
const PROGRAM: Kinds = &[
    ("copying and comparing", &["memcpy", "memmove", "memset", "memcmp"]),
    ("memory of the program", &["malloc", "free", "calloc", "unlink_chunk", "alloc::", "RawVec"]),
    ("journal", &["journal::", "crc32c"]),
    ("mqtt: frames and sessions", &["mqtt::"]),
    ("hub: routes and queues", &["hub::"]),
    ("edge: shards and sockets", &["edge::", "mio::"]),
    ("ingest and dialects", &["ingest::", "dialect::", "serde_json", "registry::"]),
    ("history", &["history::", "arrow", "parquet", "zstd", "ZSTD"]),
    ("TLS", &["rustls::", "ring::", "p256", "aes", "SSL_", "libcrypto", "libssl"]),
    ("other", &[""]),
];

/// # Errors
/// When `perf` is not there, or the broker or its load fails.
pub(super) fn run(plan: &Plan) -> Result<()> {
    ensure!(crate::step::has("perf", "--version"), "perf is not in the PATH (linux-perf)");
    let row = rows::MQTT.iter().chain(rows::INGEST).find(|row| row.id == plan.row);
    let row = row.with_context(|| format!("no row is called {}", plan.row))?;
    ensure!(row.unit != Unit::Connected, "rows of connects are not profiled");
    let runner = Runner::new(&plan.field)?;
    let seconds = plan.seconds;
    let load = Mqtt {
        field: plan.field.clone(),
        rows: Vec::new(),
        rounds: 1,
        seconds,
        // The recording begins and ends with the load.
        warm_up_seconds: 0.0,
    };
    for peer in &plan.field.peers {
        let folder = runner.folder()?;
        let broker = runner.start(*peer, row.tls, folder.path())?;
        let data = folder.path().join("perf.data");
        let mut recorder = record(broker.pid(), &data)?;
        let report = runner.load(&broker, row, None, &load);
        drop(broker);
        recorder.wait()?;
        let delivered = report?.delivered.max(1);
        let functions = read(&data)?;
        crate::say(&format!("\n{} at {}, {delivered} delivered", peer.name(), row.name));
        crate::say(&describe(&functions, plan.functions));
    }
    Ok(())
}

/// Ends with the process that it looks at.
fn record(pid: u32, data: &Path) -> Result<std::process::Child> {
    let mut command = Command::new("perf");
    command.args(["record", "--quiet", "--freq", "997", "--pid", &pid.to_string(), "--output"]);
    command.arg(data).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().context("cannot start perf")
}

/// Part of all samples, object and function.
type Function = (f64, String);

fn read(data: &Path) -> Result<Vec<Function>> {
    let mut command = Command::new("perf");
    command.args(["report", "--stdio", "--no-children", "--fields", "overhead,dso,symbol"]);
    let output = command.arg("--input").arg(data).output().context("cannot start perf")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(parse).collect())
}

fn parse(line: &str) -> Option<Function> {
    let (part, rest) = line.trim().split_once('%')?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    Some((part.parse().ok()?, words.join(" ")))
}

fn kind(function: &str) -> &'static str {
    let kinds = if function.contains("[k]") { KERNEL } else { PROGRAM };
    let fits = |words: &[&str]| words.iter().any(|word| function.contains(word));
    kinds.iter().find(|(_, words)| fits(words)).map_or("other", |(name, _)| *name)
}

fn describe(functions: &[Function], listed: usize) -> String {
    let mut kinds: BTreeMap<&str, f64> = BTreeMap::new();
    for (part, name) in functions {
        *kinds.entry(kind(name)).or_default() += part;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by(|one, other| other.1.total_cmp(&one.1));
    let kinds = kinds.iter().map(|(name, part)| format!("  {part:6.2} %  {name}\n"));
    let functions = functions.iter().take(listed);
    let functions =
        functions.map(|(part, name)| format!("  {part:6.2} %  {name}  ({})\n", kind(name)));
    kinds.chain(["\n".to_owned()]).chain(functions).collect()
}

#[cfg(test)]
mod tests;
