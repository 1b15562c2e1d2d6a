//! `althing replay`: the flags of the command line as a replay, and a bar that shows how far it is.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use field::replay::{self, Form, Mapping, Options, Report, Summary, Template, TimeSource, When};
use field::{Clock, MappingFault, Stop};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::Qos;

use crate::cli::{FormArg, ReplayArgs};
use crate::complaint::{Complaint, Exit};

use super::{Context, client_id, field_complaint, login};

/// # Errors
/// When the flags do not fit the files, a file cannot be read, or the server is lost.
pub(crate) fn run(
    context: &mut Context<'_>,
    args: &ReplayArgs,
    stop: &Stop,
) -> Result<(), Complaint> {
    let address = context.mqtt(args.door.mqtt.as_deref());
    let mut options = options(args, &address)
        .map_err(|fault| field_complaint(&fault.into(), "the flags of the command"))?;
    options.client.login = login(&args.door)?;
    let bar = bar();
    let mut show = |report: Report| {
        bar.set_length(report.rows_total);
        bar.set_position(report.rows_done);
        bar.set_message(format!("{} acknowledged", report.acknowledged));
    };
    let played = replay::run(&options, Clock::start(), stop, &mut show);
    bar.finish_and_clear();
    let summary = played.map_err(|fault| field_complaint(&fault, &format!("mqtt://{address}")))?;
    write(context, &summary)?;
    if summary.refused > 0 {
        let cause = format!("the server refused {} messages", summary.refused);
        return Err(Complaint::new(Exit::Failed, cause).at(format!("mqtt://{address}")));
    }
    Ok(())
}

fn options(args: &ReplayArgs, address: &str) -> Result<Options, MappingFault> {
    let source = match (&args.time, args.time_columns.is_empty()) {
        (Some(column), _) => TimeSource::Column(column.clone()),
        (None, false) => TimeSource::Parts(args.time_columns.clone()),
        (None, true) => TimeSource::Guess,
    };
    let when = When { source, format: args.time_format.clone(), zone: When::zone_of(&args.zone)? };
    let mapping = Mapping {
        topic: Template::parse(&args.topic)?,
        device: args.device.as_deref().map(Template::parse).transpose()?,
        when,
        columns: args.columns.clone(),
        without: args.without.clone(),
        missing: args.missing.clone(),
        rename: args.rename.clone(),
        units: args.unit.clone(),
        form: match args.form {
            FormArg::Json => Form::Json,
            FormArg::Senml => Form::Senml,
        },
    };
    let options = Options {
        files: unique(&args.files),
        mapping,
        speed: args.speed,
        shift: args.shift,
        qos: Qos::from_bits(args.qos).unwrap_or(Qos::AtLeastOnce),
        resume: args.resume.clone(),
        client: field::client::Options {
            window: args.window,
            patience: args.patience.get(),
            ..field::client::Options::new(address, &client_id("replay"))
        },
    };
    options.check()?;
    Ok(options)
}

/// A file that a shell pattern names twice is read once.
fn unique(files: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    for file in files {
        if !seen.contains(file) {
            seen.push(file.clone());
        }
    }
    seen
}

fn bar() -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} rows  {msg}  {per_sec}  {eta}");
    // The template is fixed; without it there is still the plain bar.
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn write(context: &mut Context<'_>, summary: &Summary) -> Result<(), Complaint> {
    let seconds = Duration::from_millis(summary.millis).as_secs_f64();
    let skipped = summary.first_skipped.as_ref();
    let first = skipped.map(|it| format!("{}:{}: {}", it.file.display(), it.line, it.why));
    if context.json {
        let line = serde_json::json!({
            "rows": summary.rows,
            "rows_resumed": summary.rows_resumed,
            "rows_empty": summary.rows_empty,
            "rows_skipped": summary.rows_skipped,
            "first_skipped": first,
            "messages": summary.messages,
            "readings": summary.readings,
            "acknowledged": summary.acknowledged,
            "refused": summary.refused,
            "reconnects": summary.reconnects,
            "shift_seconds": summary.shift,
            "seconds": seconds,
        });
        return Ok(writeln!(context.out, "{line}")?);
    }
    let out = &mut *context.out;
    writeln!(out, "rows          {}", summary.rows)?;
    let rare = [
        ("of a run before", summary.rows_resumed),
        ("without a value", summary.rows_empty),
        ("not readable", summary.rows_skipped),
        ("reconnects", summary.reconnects),
    ];
    for (what, count) in rare.into_iter().filter(|(_, count)| *count > 0) {
        writeln!(out, "  {what}: {count}")?;
    }
    if let Some(first) = first {
        writeln!(out, "  first: {first}")?;
    }
    writeln!(out, "messages      {}", summary.messages)?;
    writeln!(out, "readings      {}", summary.readings)?;
    writeln!(out, "acknowledged  {}", summary.acknowledged)?;
    writeln!(out, "seconds       {seconds:.1}")?;
    Ok(())
}

#[cfg(test)]
mod tests;
