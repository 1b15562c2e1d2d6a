//! What a broker keeps in memory for each connection that does nothing, and for each thing that
//! needs no connection.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bench::{ConnectReport, HoldReport, StateReport, memory_of};
use clap::Args;

use super::figures::per;
use super::peers::Running;
use super::runner::{Runner, target};
use super::{Field, Peer, one_line};
use crate::clock::{Stopwatch, pause};

/// Until a broker has tidied up behind what it was just asked.
const SETTLE: Duration = Duration::from_secs(2);

/// Of one generator: it keeps some files of its own.
const CONNECTIONS_MAX: u32 = 10_000;

/// Opening all connections takes less, at 5,000 a second or as fast as TLS lets them.
const OPEN_SECONDS: &str = "60";

#[derive(Clone, Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub field: Field,
    /// Only rows whose name contains one of these.
    #[arg(long, value_delimiter = ',')]
    pub rows: Vec<String>,
    /// Of each row of connections. Where a process may have 20,000 files, a site takes 18,976.
    #[arg(long, default_value_t = 18_900)]
    pub connections: u32,
    /// Sessions, retained messages and subscriptions, each.
    #[arg(long, default_value_t = 1_000_000)]
    pub things: u32,
    /// The longest that things are made; what is there by then counts.
    #[arg(long, default_value_t = 120.0)]
    pub seconds: f64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Connections {
        flags: &'static [&'static str],
        tls: bool,
    },
    /// The word is for `bench state`.
    Things(&'static str),
}

const ROWS: &[(&str, Kind)] = &[
    ("idle connections", Kind::Connections { flags: &[], tls: false }),
    (
        "idle connections, each with a qos 1 subscription",
        Kind::Connections { flags: &["--filter=dev/@/in", "--qos=1"], tls: false },
    ),
    ("idle connections, TLS", Kind::Connections { flags: &[], tls: true }),
    ("lasting sessions without a connection", Kind::Things(SESSIONS)),
    ("retained messages", Kind::Things("retained")),
    ("lasting subscriptions, a thousand to a client", Kind::Things("subscriptions")),
];

const SESSIONS: &str = "sessions";

/// # Errors
/// When a broker cannot be had, or Althing fails in a row.
pub(super) fn run(plan: &Plan) -> Result<()> {
    let runner = Runner::new(&plan.field)?;
    let wanted = |name: &str| plan.rows.is_empty() || plan.rows.iter().any(|it| name.contains(it));
    let (mut table, mut faults) = (Vec::new(), 0);
    for (name, kind) in ROWS.iter().filter(|(name, _)| wanted(name)) {
        table.push(format!("\n{name}"));
        for peer in plan.field.peers.iter().copied().filter(|peer| *peer != Peer::Limit) {
            let line = match measure(&runner, plan, peer, *kind) {
                Ok(line) => line,
                Err(fault) => {
                    faults += u32::from(peer.is_ours());
                    format!("failed: {}", one_line(&fault))
                }
            };
            let line = format!("  {:10} {line}", peer.name());
            crate::say(&format!("{name}: {line}"));
            table.push(line);
        }
    }
    crate::say("\nMemory of the broker's own (RssAnon), without what the kernel keeps.");
    crate::say(&table.join("\n"));
    ensure!(faults == 0, "Althing failed in a row");
    Ok(())
}

fn measure(runner: &Runner<'_>, plan: &Plan, peer: Peer, kind: Kind) -> Result<String> {
    match kind {
        Kind::Connections { tls: true, .. } if !peer.speaks_tls() => {
            Ok("not measured: no TLS here".to_owned())
        }
        Kind::Connections { flags, tls } => connections(runner, plan, (peer, tls), flags),
        Kind::Things(thing) => things(runner, plan, peer, thing),
    }
}

fn settled_memory(broker: &Running) -> Result<u64> {
    pause(SETTLE);
    memory_of(broker.pid())
}

fn connections(
    runner: &Runner<'_>,
    plan: &Plan,
    (peer, tls): (Peer, bool),
    flags: &[&str],
) -> Result<String> {
    let folder = runner.folder()?;
    let broker = runner.start(peer, tls, folder.path())?;
    let before = settled_memory(&broker)?;
    let (address, since) = (broker.address().to_string(), Stopwatch::start());
    let authority = runner.certificates.authority.to_string_lossy();
    let mut all = Vec::new();
    for first in (0..plan.connections).step_by(usize::try_from(CONNECTIONS_MAX)?) {
        let count = (plan.connections - first).min(CONNECTIONS_MAX).to_string();
        let first = first.to_string();
        let mut line = vec!["hold", "--address", &address, "--connections", &count];
        line.extend(["--first", &first, "--patience-seconds", OPEN_SECONDS]);
        line.extend(flags);
        if tls {
            line.extend(["--tls-ca", &authority]);
        }
        all.push(runner.generator.start(plan.field.load_core, 0, &line)?);
    }
    let mut open = 0;
    for holder in &mut all {
        let report: HoldReport = holder.next()?;
        open += report.open;
    }
    let took = since.elapsed().as_secs_f64();
    let after = settled_memory(&broker)?;
    ensure!(open > 0, "no connection was welcomed");
    let each = per(after.saturating_sub(before), u64::from(open));
    let total = after >> 20;
    Ok(format!("{each:8.0} bytes each, {open} open after {took:.1} s, {total} MB in all"))
}

fn things(runner: &Runner<'_>, plan: &Plan, peer: Peer, thing: &str) -> Result<String> {
    let folder = runner.folder()?;
    let broker = runner.start_durable(peer, folder.path())?;
    let before = settled_memory(&broker)?;
    let made = make(runner, plan, &broker, thing)?;
    ensure!(made.count > 0, "nothing was taken");
    let after = settled_memory(&broker)?;
    let each = per(after.saturating_sub(before), made.count);
    let again = match again(runner, plan, (peer, thing), (broker, folder.path()), made.count) {
        Ok(words) => words,
        Err(fault) => format!("start again failed: {}", one_line(&fault)),
    };
    let (count, seconds) = (made.count, made.seconds);
    let refused =
        if made.refused > 0 { format!(", {} refused", made.refused) } else { String::new() };
    Ok(format!("{each:8.0} bytes each, {count} in {seconds:.1} s{refused}; {again}"))
}

fn make(runner: &Runner<'_>, plan: &Plan, broker: &Running, thing: &str) -> Result<StateReport> {
    let (count, seconds) = (plan.things.to_string(), plan.seconds.to_string());
    let ask = ["--count", &count, "--seconds", &seconds];
    let core = plan.field.load_core;
    if thing == SESSIONS {
        let target = target(broker);
        let mut flags = vec!["connects", "--lasting", "--at-once=100"];
        flags.extend(ask);
        flags.extend(target.iter().map(String::as_str));
        let report: ConnectReport = runner.generator.run(core, plan.seconds, &flags)?;
        let (count, asked) = (report.connected, u64::from(plan.things));
        return Ok(StateReport { count, asked, seconds: report.seconds, refused: 0 });
    }
    let address = broker.address().to_string();
    let flags = [&["state", "--address", &address, "--thing", thing][..], &ask[..]].concat();
    runner.generator.run(core, plan.seconds, &flags)
}

/// Ends the broker, a site with kill -9, starts it again, and looks whether everything is there.
fn again(
    runner: &Runner<'_>,
    plan: &Plan,
    (peer, thing): (Peer, &str),
    (broker, folder): (Running, &Path),
    count: u64,
) -> Result<String> {
    if !peer.keeps_state() {
        return Ok("keeps nothing here beyond its end".to_owned());
    }
    broker.end().context("end")?;
    let since = Stopwatch::start();
    let broker = runner.start_durable(peer, folder)?;
    let ready = since.elapsed().as_secs_f64();
    let (address, count_text) = (broker.address().to_string(), count.to_string());
    let flags =
        ["state", "--check", "--address", &address, "--thing", thing, "--count", &count_text];
    let found: StateReport = runner.generator.run(plan.field.load_core, 120.0, &flags)?;
    let memory = settled_memory(&broker)? >> 20;
    let (there, asked) = (found.count, found.asked);
    Ok(format!("ready again after {ready:.2} s, {there} of {asked} there, {memory} MB"))
}
