//! `althing import`: readings from other programs' files into a running site.

mod door;

use std::io::IsTerminal as _;
use std::time::Duration;

use field::replay::When;
use field::{Clock, Stop};
use import::{
    CsvFile, DeviceFrom, DoorFault, Extent, HomeAssistant, ImportFault, Layout, LineFile, Options,
    ParquetFile, Parts, Report, Skip, Source, Summary, ThingsBoard,
};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::Timestamp;

use super::{Context, field_complaint};
use crate::cli::{ColumnFlags, HomePart, ImportCommand, ImportFlags};
use crate::complaint::{Complaint, Exit};
use door::HttpDoor;

/// Devices that are named as examples.
const EXAMPLES: usize = 5;

/// # Errors
/// When the file is not what it is taken for, or the site does not take it.
pub(crate) fn run(
    context: &mut Context<'_>,
    command: &ImportCommand,
    stop: &Stop,
) -> Result<(), Complaint> {
    let flags = command.flags();
    let site = format!("http://{}", flags.http.unwrap_or(context.config.http.address));
    let complain = |fault: &ImportFault| complaint(fault, &site, flags);
    let mut source = source(command)?.map_err(|fault| complain(&fault))?;
    let mut door = HttpDoor::new(&site, flags.patience.get(), stop);
    let options = Options {
        resume: flags.resume.clone(),
        identity: format!("{site} {:?} {}", command.prefix(), command.identity()),
        prefix: command.prefix().to_owned(),
        now: Clock::wall(),
    };
    let clock = Clock::start();
    let bar = bar(source.extent());
    let mut show = |report: Report| show(&bar, report, clock);
    let through: Option<&mut dyn import::Door> = if flags.dry_run { None } else { Some(&mut door) };
    let ended = import::run(&mut *source, through, &options, (stop, &mut show));
    bar.finish_and_clear();
    let summary = ended.map_err(|fault| complain(&fault))?;
    let seconds = clock.moment().since(model::Moment::START);
    let told = Told { summary: &summary, dry: flags.dry_run, retries: door.retries, seconds };
    if context.json { told.json(context) } else { told.text(context) }
}

/// Two kinds of faults: of the flags, and of the file.
fn source(command: &ImportCommand) -> Result<Result<Box<dyn Source>, ImportFault>, Complaint> {
    fn boxed<S: Source + 'static>(source: S) -> Box<dyn Source> {
        Box::new(source)
    }
    let file = &command.flags().file;
    Ok(match command {
        ImportCommand::Csv(args) => {
            CsvFile::open(file, args.delimiter, &layout(&args.columns)?).map(boxed)
        }
        ImportCommand::Parquet(args) => ParquetFile::open(file, &layout(&args.columns)?).map(boxed),
        ImportCommand::LineProtocol(args) => {
            LineFile::open(file, args.database.as_deref()).map(boxed)
        }
        ImportCommand::HomeAssistant(args) => {
            let parts = match args.only {
                HomePart::All => Parts::All,
                HomePart::States => Parts::States,
                HomePart::Statistics => Parts::Statistics,
            };
            HomeAssistant::open(file, parts).map(boxed)
        }
        ImportCommand::Thingsboard(_) => ThingsBoard::open(file).map(boxed),
    })
}

fn layout(flags: &ColumnFlags) -> Result<Layout, Complaint> {
    let zone = When::zone_of(&flags.timezone)
        .map_err(|fault| field_complaint(&fault.into(), "--timezone"))?;
    let epoch = flags.epoch();
    let format = flags.time_format.clone().filter(|_| epoch.is_none());
    let device = match (&flags.device, &flags.device_name) {
        (Some(column), _) => DeviceFrom::Column(column.clone()),
        (None, Some(name)) => DeviceFrom::Name(name.clone()),
        (None, None) => DeviceFrom::Guess,
    };
    Ok(Layout {
        time: flags.time.clone(),
        when: When { format, zone, ..When::default() },
        epoch,
        device,
        signal: flags.signal.clone(),
        value: flags.value.clone(),
        unit: flags.unit_column.clone(),
        columns: flags.columns.clone(),
        without: flags.without.clone(),
        missing: flags.missing.clone(),
        units: flags.unit.clone(),
    })
}

fn bar(extent: Extent) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let (total, template) = match extent {
        Extent::Bytes(bytes) => (bytes, "{bar:32} {bytes}/{total_bytes}  {msg}  {eta}"),
        Extent::Rows(rows) => (rows, "{bar:32} {human_pos}/{human_len} rows  {msg}  {eta}"),
    };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    // The template is fixed; without it there is still the plain bar.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, report: Report, clock: Clock) {
    bar.set_position(report.done);
    let millis = clock.moment().since(model::Moment::START).as_millis().max(1);
    let rate = u128::from(report.readings) * 1_000 / millis;
    let rate = HumanCount(u64::try_from(rate).unwrap_or(u64::MAX));
    bar.set_message(format!("{} readings, {rate}/s", HumanCount(report.readings)));
}

/// What a person or a script hears at the end.
struct Told<'a> {
    summary: &'a Summary,
    dry: bool,
    retries: u64,
    seconds: Duration,
}

impl Told<'_> {
    fn json(&self, context: &mut Context<'_>) -> Result<(), Complaint> {
        let survey = &self.summary.survey;
        let skipped = survey.skipped.iter().map(|(why, skipped)| {
            let first = skipped.first;
            serde_json::json!({ "why": why.why(), "count": skipped.count, "first": first })
        });
        let renamed = survey.renamed_first.as_ref().map(|(own, becomes)| [own, becomes]);
        let line = serde_json::json!({
            "dry_run": self.dry,
            "rows": self.summary.rows,
            "rows_resumed": self.summary.rows_resumed,
            "devices": survey.devices(),
            "signals": survey.signals,
            "readings": survey.readings,
            "from": survey.times.map(|(from, _)| written(from)),
            "to": survey.times.map(|(_, to)| written(to)),
            "left_out": skipped.collect::<Vec<_>>(),
            "renamed": survey.renamed,
            "renamed_first": renamed,
            "batches": self.summary.batches,
            "retries": self.retries,
            "seconds": self.seconds.as_secs_f64(),
        });
        Ok(writeln!(context.out, "{line}")?)
    }

    fn text(&self, context: &mut Context<'_>) -> Result<(), Complaint> {
        let (out, survey) = (&mut *context.out, &self.summary.survey);
        writeln!(out, "rows      {}", self.summary.rows)?;
        if self.summary.rows_resumed > 0 {
            writeln!(out, "  taken by a run before: {}", self.summary.rows_resumed)?;
        }
        let examples = survey.examples(EXAMPLES);
        let more = if survey.devices() > examples.len() { ", …" } else { "" };
        let names =
            if examples.is_empty() { String::new() } else { format!("  {}", examples.join(", ")) };
        writeln!(out, "devices   {}{names}{more}", survey.devices())?;
        writeln!(out, "signals   {}", survey.signals)?;
        let word = if self.dry { "would be written" } else { "written, durable and visible" };
        writeln!(out, "readings  {}  {word}", survey.readings)?;
        if let Some((from, to)) = survey.times {
            writeln!(out, "from      {}\nto        {}", written(from), written(to))?;
        }
        for (why, skipped) in &survey.skipped {
            let word = if *why == Skip::Quality { "not kept" } else { "left out" };
            let (count, first) = (skipped.count, skipped.first);
            writeln!(out, "{word}  {count}: {}; the first at line or row {first}", why.why())?;
        }
        if let Some((own, becomes)) = &survey.renamed_first {
            let count = survey.renamed;
            writeln!(out, "renamed   {count} names, the first: {own:?} becomes {becomes:?}")?;
        }
        if self.retries > 0 {
            writeln!(out, "waited    {} times for the site", self.retries)?;
        }
        writeln!(out, "seconds   {:.1}", self.seconds.as_secs_f64())?;
        Ok(())
    }
}

fn written(at: Timestamp) -> String {
    let micros = jiff::Timestamp::from_microsecond(at.micros());
    micros.map_or_else(|_| at.micros().to_string(), |at| at.to_string())
}

fn complaint(fault: &ImportFault, site: &str, flags: &ImportFlags) -> Complaint {
    use std::io::ErrorKind;
    let file = flags.file.display().to_string();
    let resume = if flags.resume.is_some() {
        "the same command goes on from there"
    } else {
        "the same command again: readings that are there already stay one; --resume FILE goes on"
    };
    let (exit, place, next) = match fault {
        ImportFault::Input { source, .. } if source.kind() == ErrorKind::NotFound => {
            (Exit::NotFound, &*file, "")
        }
        ImportFault::Unfit { .. } | ImportFault::NoColumn { .. } | ImportFault::NoSignals => {
            (Exit::Usage, &*file, "althing import --help")
        }
        ImportFault::Unit(_) => (Exit::Usage, "--unit", "write it as °C, kWh or µg/m³"),
        ImportFault::TooManySignals => (Exit::Failed, &*file, "--device, --signal or --columns"),
        ImportFault::Progress(_) => (Exit::Failed, "--resume", ""),
        ImportFault::Door(DoorFault::Unreachable(_)) => (Exit::Unreachable, site, "althing serve"),
        ImportFault::Door(DoorFault::Refused { status: 404, .. }) => {
            (Exit::NotFound, site, "is this the address of an Althing site of this version?")
        }
        ImportFault::Door(DoorFault::Overloaded(_)) => (Exit::Failed, site, resume),
        ImportFault::Door(_) => (Exit::Failed, site, "althing doctor"),
        ImportFault::Stopped => (Exit::Failed, site, resume),
        ImportFault::Input { .. }
        | ImportFault::Csv { .. }
        | ImportFault::Parquet { .. }
        | ImportFault::Column { .. }
        | ImportFault::Sqlite { .. }
        | ImportFault::Line { .. } => (Exit::Failed, &*file, ""),
    };
    Complaint::from_error(exit, fault).at(place).next(next)
}
