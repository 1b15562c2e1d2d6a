//! The `althing` program: command line, configuration, and the way from one to the other.

mod bridges;
mod broker;
mod catalog;
mod cli;
mod commands;
mod complaint;
mod config;
mod credentials;
mod descriptors;
mod erasure;
mod ingest_thread;
mod pages;
mod reload;
mod remote;
mod router;
mod serve;
mod site;
mod web;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use field::Stop;

use cli::{Cli, Command, ConfigCommand, GrafanaCommand};
use commands::{Context, config_complaint};
use complaint::{Complaint, Exit};
use config::{Flag, Loaded};
use serve::DemoPlan;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            let code = if answer.use_stderr() { Exit::Usage } else { Exit::Done };
            return answer.print().map_or(Exit::Failed, |()| code).into();
        }
    };
    match run(&cli) {
        Ok(()) => Exit::Done.into(),
        Err(complaint) => {
            let told = complaint.write(cli.json, &mut io::stderr().lock());
            // With nowhere to write, the exit code has to say it all.
            told.map_or(Exit::Failed, |()| complaint.exit).into()
        }
    }
}

fn run(cli: &Cli) -> Result<(), Complaint> {
    let loaded = load(cli)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut context = Context { config: &loaded.config, json: cli.json, out: &mut out };
    match &cli.command {
        Command::Sql(args) => commands::sql::run(&mut context, args)?,
        Command::Tail(args) => commands::tail::run(&mut context, args)?,
        Command::Top(args) => commands::top::run(&mut context, args, &stop_on_signal()?)?,
        Command::Trace(args) => commands::trace::run(&mut context, args)?,
        Command::Pub(args) => commands::publish::run(&mut context, args)?,
        Command::Erase(args) => commands::erase::run(&mut context, args, &stop_on_signal()?)?,
        Command::Backup(args) => commands::backup::take(&mut context, args)?,
        Command::Restore(args) => commands::backup::restore(&mut context, args)?,
        Command::Verify(args) => commands::backup::verify(&mut context, args)?,
        Command::UpgradeCheck(args) => commands::upgrade::run(&mut context, args)?,
        Command::Credential(args) => commands::credential::run(&mut context, args)?,
        Command::Replay(args) => commands::replay::run(&mut context, args, &stop_on_signal()?)?,
        Command::Import { command } => {
            commands::import::run(&mut context, command, &stop_on_signal()?)?;
        }
        Command::Doctor(_) => commands::doctor::run(&mut context)?,
        Command::Grafana { command: GrafanaCommand::Provision(args) } => {
            commands::grafana::provision(&mut context, args)?;
        }
        Command::Config { command: ConfigCommand::Show { origin } } => {
            commands::show::run(&mut context, &loaded, *origin)?;
        }
        Command::Serve(_) => serve::run(&mut context, None, &stop_on_signal()?, again(cli))?,
        Command::Demo(args) => {
            let plan = DemoPlan { seed: args.seed, past: args.past.get() };
            serve::run(&mut context, Some(plan), &stop_on_signal()?, again(cli))?;
        }
    }
    out.flush().or_else(complaint::forgive_closed_pipe)
}

fn load(cli: &Cli) -> Result<Loaded, Complaint> {
    // What disagrees is shown by `config show`, so it must come that far.
    let shows = matches!(cli.command, Command::Config { .. });
    let check = |loaded: Loaded| {
        if shows { Ok(loaded) } else { loaded.config.check().map(|()| loaded) }
    };
    config::sources(cli.config.as_deref(), flags(cli))
        .and_then(|sources| config::load(&sources))
        .and_then(check)
        .map_err(|fault| config_complaint(&fault))
}

/// Reads the configuration of a running site again.
fn again(cli: &Cli) -> impl Fn() -> Result<Loaded, Complaint> + Send + 'static {
    let (file, flags) = (cli.config.clone(), flags(cli));
    move || {
        config::sources(file.as_deref(), flags.clone())
            .and_then(|sources| config::load(&sources))
            .and_then(|loaded| loaded.config.check().map(|()| loaded))
            .map_err(|fault| config_complaint(&fault))
    }
}

fn flags(cli: &Cli) -> Vec<Flag> {
    match &cli.command {
        Command::Serve(args) => args.flags(),
        Command::Demo(args) => args.flags(),
        Command::Doctor(args) => args.place.flags(),
        Command::Replay(_)
        | Command::Import { .. }
        | Command::Erase(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::Verify(_)
        | Command::UpgradeCheck(_)
        | Command::Sql(_)
        | Command::Tail(_)
        | Command::Top(_)
        | Command::Trace(_)
        | Command::Pub(_)
        | Command::Credential(_)
        | Command::Grafana { .. }
        | Command::Config { .. } => Vec::new(),
    }
}

/// The first signal asks to stop; a second one ends the process as if nobody listened.
fn stop_on_signal() -> io::Result<Stop> {
    let stop = Stop::default();
    let heard = stop.clone();
    let mut signals = signal_hook::iterator::Signals::new([
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
    ])?;
    let listen = move || {
        for signal in &mut signals {
            if heard.is_set() {
                // It fails for signals without a default only, and these two have one.
                drop(signal_hook::low_level::emulate_default_handler(signal));
            }
            heard.stop();
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
    Ok(stop)
}
