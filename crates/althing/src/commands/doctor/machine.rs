//! Clock, zone, ports, limits, and whether a site already runs.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, SystemTime};

use field::Clock;
use model::Timestamp;
use rustix::process::{Resource, getrlimit};
use ureq::Agent;

use crate::config::Config;

use super::Finding;

/// No version of this program is older.
const NOT_BEFORE: Timestamp = Timestamp::from_millis(1_735_689_600_000);
const AHEAD_MAX: Duration = Duration::from_secs(60);
/// The service of systemd leaves this file when the clock has been set by the network.
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";
/// A connection is one, and so are the files of the history.
const FILES_FEW: u64 = 4_096;
const SITE_PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn clock(data: &Path) -> Finding {
    clock_at(Clock::wall(), newest(data), Path::new(SYNCHRONIZED).exists())
}

pub(super) fn clock_at(now: Timestamp, newest: Option<Timestamp>, synchronized: bool) -> Finding {
    let advice = "set the clock: readings without a time of their own get this one";
    let text = jiff::Timestamp::from_microsecond(now.micros())
        .map_or_else(|_| "no date".to_owned(), |at| format!("{at:.0}"));
    if now < NOT_BEFORE {
        return Finding::fail("clock", format!("{text} is long past"), advice);
    }
    if newest.is_some_and(|newest| newest.since(now) > AHEAD_MAX) {
        let detail = format!("{text}, but the data directory holds newer files");
        return Finding::fail("clock", detail, advice);
    }
    let source = if synchronized { ", set by the network" } else { "" };
    Finding::ok("clock", format!("{text}{source}"))
}

/// When something in the data directory was changed last. Only its first level: deep enough to
/// see a clock that went back, and quick.
fn newest(data: &Path) -> Option<Timestamp> {
    let entries = fs::read_dir(data).ok()?.filter_map(Result::ok);
    let changed = entries.filter_map(|entry| entry.metadata().ok()?.modified().ok());
    let newest = changed.max()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::EPOCH.saturating_add(newest))
}

pub(super) fn time_zone(config: &Config) -> Finding {
    let zone = match config.zone() {
        Ok(zone) => zone,
        Err(fault) => {
            return Finding::fail("time zone", fault.to_string(), "see site.time-zone");
        }
    };
    let now = jiff::Timestamp::from_microsecond(Clock::wall().micros()).unwrap_or_default();
    let offset = zone.to_offset(now);
    match zone.iana_name() {
        Some(name) => Finding::ok("time zone", format!("{name}, now UTC{offset}")),
        None => Finding::warn(
            "time zone",
            format!("without a name, now UTC{offset}"),
            "set site.time-zone: days are cut there and times without a zone are read so",
        ),
    }
}

pub(super) fn open_files() -> Finding {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or_else(|| "any number".to_owned(), |most| most.to_string());
    match limit.current {
        Some(current) if current < FILES_FEW => Finding::warn(
            "open files",
            format!("{current}, may be raised to {most}"),
            "every connection is one: raise it with ulimit -n or LimitNOFILE",
        ),
        Some(current) => Finding::ok("open files", current.to_string()),
        None => Finding::ok("open files", "no limit".to_owned()),
    }
}

pub(super) fn port(what: &'static str, address: SocketAddr, site_runs: bool) -> Finding {
    match TcpListener::bind(address) {
        Ok(_free) => Finding::ok(what, format!("{address} is free")),
        Err(_) if site_runs => Finding::ok(what, format!("{address} is taken, by a site it seems")),
        Err(cause) => Finding::fail(
            what,
            format!("{address}: {cause}"),
            "another program is there; choose with --mqtt and --http",
        ),
    }
}

/// What a site says of itself, if one runs at the address.
pub(super) fn running_site(address: SocketAddr) -> Option<String> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(SITE_PATIENCE))
        .build();
    let agent: Agent = config.into();
    let good = |path: &str| {
        let answer = agent.get(format!("http://{address}/{path}")).call();
        answer.is_ok_and(|answer| answer.status().is_success())
    };
    if !good("healthz") {
        return None;
    }
    let state = if good("readyz") { "ready" } else { "not ready yet" };
    Some(format!("one runs at http://{address} and is {state}"))
}
