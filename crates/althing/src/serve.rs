//! `serve` and `demo`: a site from its configuration to its end.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use edge::{Limits, Listener, Methods, Place};
use field::Stop;
use field::demo::{self, Tally};
use history::Keep;
use jiff::tz::TimeZone;
use model::Timestamp;

use crate::commands::{Context, config_complaint};
use crate::complaint::{Complaint, Exit};
use crate::config::{BridgeConfig, Config, ConfigFault, Loaded, LogConfig, LogFormat};
use crate::credentials::CredentialsFile;
use crate::reload::Reload;
use crate::site::{RunningSite, SiteOptions};

/// How often the demo says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// The simulated devices of a demo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DemoPlan {
    pub(crate) seed: u64,
    pub(crate) past: Duration,
}

/// Runs a site until it is told to stop.
pub(crate) fn run(
    context: &mut Context<'_>,
    demo: Option<DemoPlan>,
    stop: &Stop,
    again: impl Fn() -> Result<Loaded, Complaint> + Send + 'static,
) -> Result<(), Complaint> {
    let config = context.config;
    start_log(&config.log)?;
    let zone = config.zone().map_err(|fault| config_complaint(&fault))?;
    let mut options = options(config, &zone, (secret()?, secret()?), demo.is_some())
        .map_err(|fault| config_complaint(&fault))?;
    let credentials = credentials(config)?;
    options.methods = credentials.as_ref().map(CredentialsFile::methods).unwrap_or_default();
    let site = RunningSite::start(&options).map_err(|fault| refused(&fault, config))?;
    let reload = Reload {
        reloader: site.reloader(),
        meter: site.meter(),
        anonymous: demo.is_some(),
        credentials,
    };
    reload.on_signal(again)?;
    announce(context, &site)?;
    let played = match demo {
        Some(plan) => play(&site, plan, &zone, stop),
        None => {
            while !stop.wait(Duration::from_secs(3_600)) {}
            Ok(())
        }
    };
    site.stop().map_err(|fault| Complaint::from_error(Exit::Failed, fault.as_ref()))?;
    played
}

fn options(
    config: &Config,
    zone: &TimeZone,
    (salt_seed, identity): (u64, u64),
    demo: bool,
) -> Result<SiteOptions, ConfigFault> {
    let limits = limits(config, demo);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cores = u16::try_from(cores).unwrap_or(u16::MAX);
    let journal = journal::Options {
        segment_bytes: config.journal.segment.get(),
        retain_age: config.journal.keep_age.get(),
        retain_bytes: config.journal.keep_bytes.get(),
        commit_delay: config.journal.commit_delay.get(),
        salt_seed,
        ..journal::Options::default()
    };
    let mut history = history::Options::new(&config.data.dir);
    history.hot_rows_max = config.history.hot_rows;
    history.hot_age_max = config.history.hot_age.get();
    history.linger = config.history.linger.get();
    history.keep = Some(config.history.keep_age.get()).filter(|age| !age.is_zero());
    history.keep_hours = Some(config.history.keep_hours.get()).filter(|age| !age.is_zero());
    Ok(SiteOptions {
        data: config.data.dir.clone(),
        listeners: listeners(config, demo)?,
        bridges: bridges(config)?,
        identity,
        http: config.http.address,
        postgres: config.postgres.clone(),
        shards: if config.mqtt.shards == 0 { cores } else { config.mqtt.shards },
        limits,
        methods: Methods::default(),
        elsewhere: Some(config.mqtt.server_reference.as_str())
            .filter(|reference| !reference.is_empty())
            .map(Into::into),
        journal,
        history,
        keep_types: keep_types(config),
        remote: config.remote.resolve()?,
        messages_only: config.messages_only()?,
        query: query::Limits {
            time: config.query.time.get(),
            memory_bytes: usize::try_from(config.query.memory.get()).unwrap_or(usize::MAX),
            ..query::Limits::default()
        },
        name: if demo { "Demo".to_owned() } else { config.site.name.clone() },
        zone: zone.clone(),
        demo,
    })
}

/// By the name of the type; zero is for ever, as for all others.
fn keep_types(config: &Config) -> BTreeMap<String, Keep> {
    let keep = |span: Duration| if span.is_zero() { Keep::Ever } else { Keep::For(span) };
    let types = config.history.keep_types.iter();
    types.map(|(name, span)| (registry::slug(name), keep(span.get()))).collect()
}

/// Those of the site.
pub(crate) fn limits(config: &Config, demo: bool) -> Limits {
    let possible = crate::descriptors::connections_max();
    let wanted = usize::try_from(config.limits.connections).unwrap_or(usize::MAX);
    let connections_max = if wanted == 0 { possible } else { wanted.min(possible) };
    let sys_interval = config.mqtt.sys_interval.get();
    let anonymous = config.mqtt.anonymous || demo;
    Limits { connections_max, sys_interval, ..config.limits.resolve(anonymous) }
}

/// That of `mqtt.address`, then those of `mqtt.listener`.
pub(crate) fn listeners(config: &Config, demo: bool) -> Result<Vec<Listener>, ConfigFault> {
    let anonymous = config.mqtt.anonymous || demo;
    let limits = config.limits.resolve(anonymous);
    let mut listeners = vec![Listener::plain("mqtt", Place::Network(config.mqtt.address), limits)];
    for one in &config.mqtt.listener {
        let fault = |why| ConfigFault::Listener { name: one.name.as_str().into(), why };
        let limits = config.limits.with(&one.limits).resolve(anonymous);
        listeners.push(one.resolve(limits).map_err(fault)?);
    }
    Ok(listeners)
}

fn bridges(config: &Config) -> Result<Vec<bridge::Plan>, ConfigFault> {
    let resolve = |one: &BridgeConfig| {
        one.resolve().map_err(|why| ConfigFault::Bridge { name: one.name.as_str().into(), why })
    };
    config.bridge.iter().map(resolve).collect()
}

/// Those of the file that is named, if one is.
fn credentials(config: &Config) -> Result<Option<CredentialsFile>, Complaint> {
    let path = &config.mqtt.credentials;
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    CredentialsFile::open(path).map(Some).map_err(|fault| {
        let place = path.display().to_string();
        Complaint::from_error(Exit::Usage, &fault).at(place).next("althing credential NAME")
    })
}

/// What nobody outside can guess.
fn secret() -> Result<u64, Complaint> {
    getrandom::u64().map_err(|fault| {
        Complaint::from_error(Exit::Failed, &fault).at("the system's random numbers")
    })
}

fn start_log(log: &LogConfig) -> Result<(), Complaint> {
    let filter = tracing_subscriber::EnvFilter::try_new(&log.filter).map_err(|fault| {
        Complaint::from_error(Exit::Usage, &fault)
            .at(format!("log.filter = {:?}", log.filter))
            .next("for example: info, or info,edge=debug")
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match log.format {
        LogFormat::Text => builder.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|fault| Complaint::from_error(Exit::Failed, fault.as_ref()))
}

fn refused(fault: &anyhow::Error, config: &Config) -> Complaint {
    Complaint::from_error(Exit::Failed, fault.as_ref())
        .at(config.data.dir.display().to_string())
        .next("althing doctor")
}

/// Says where the site listens, in a form that people and scripts read.
fn announce(context: &mut Context<'_>, site: &RunningSite) -> io::Result<()> {
    let (mqtt, http) = (site.mqtt(), site.http());
    let postgres = site.postgres().map_or_else(|| "off".to_owned(), |at| at.to_string());
    let named = &context.config.mqtt.listener;
    let further = named.iter().zip(site.places().iter().skip(1));
    let mut further =
        further.map(|(one, place)| (&one.name, one.transport.word(), place.to_string()));
    if context.json {
        let listeners = further.map(|(name, transport, at)| {
            serde_json::json!({ "name": name, "transport": transport, "at": at })
        });
        let addresses = serde_json::json!({
            "mqtt": mqtt.to_string(),
            "http": http.to_string(),
            "postgres": postgres,
            "listeners": listeners.collect::<Vec<_>>(),
            "replayed": site.replayed().get(),
            "ready": true,
        });
        writeln!(context.out, "{addresses}")?;
        return context.out.flush();
    }
    writeln!(context.out, "mqtt {mqtt}\nhttp {http}\npostgres {postgres}")?;
    further.try_for_each(|(name, transport, at)| {
        writeln!(context.out, "listener {name} {transport} {at}")
    })?;
    writeln!(context.out, "ready")?;
    if io::stdout().is_terminal() {
        let (ip, port) = (mqtt.ip(), mqtt.port());
        writeln!(context.out, "\nOpen  http://{http}/")?;
        writeln!(
            context.out,
            "Try   mosquitto_pub -h {ip} -p {port} -q 1 -t farm/barn/temperature -m 21.5\n",
        )?;
    }
    context.out.flush()
}

/// Lets the simulated devices speak until somebody says stop.
fn play(site: &RunningSite, plan: DemoPlan, zone: &TimeZone, stop: &Stop) -> Result<(), Complaint> {
    let now = jiff::Timestamp::now();
    let options = demo::Options {
        address: site.mqtt().to_string(),
        seed: plan.seed,
        utc_offset: zone.to_offset(now).seconds(),
        past: plan.past,
        known_until: site.newest_reading().filter(|newest| *newest <= timestamp_of(now)),
    };
    let tally = Arc::new(Tally::default());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| show_progress(&tally, stop, &done));
        let played = demo::run(&options, field::Clock::start(), &tally, stop);
        done.store(true, Ordering::Release);
        played
    })
    .map_err(|fault| Complaint::from_error(Exit::Failed, &fault))
}

fn timestamp_of(now: jiff::Timestamp) -> Timestamp {
    Timestamp::from_micros(now.as_microsecond())
}

/// How far the past is, on a terminal: a line that is written over.
fn show_progress(tally: &Tally, stop: &Stop, done: &AtomicBool) {
    let mut out = io::stderr();
    if !out.is_terminal() {
        return;
    }
    while !stop.wait(PROGRESS_EVERY) && !done.load(Ordering::Acquire) {
        let line = format!(
            "\r{} of {} devices live, {} readings of the past, {} live ",
            tally.devices_live(),
            tally.devices(),
            tally.past_readings(),
            tally.live_readings()
        );
        if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}
