//! `althing doctor`: what of this machine could keep a site from its promise.

use std::io;
use std::time::Duration;

use crate::complaint::{Complaint, Exit};
use crate::config::Config;

use super::Context;

mod disk;
mod machine;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    Ok,
    Warn,
    Fail,
}

impl Mark {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) mark: Mark,
    pub(crate) what: &'static str,
    pub(crate) detail: String,
    /// What to do about it, unless it is fine.
    pub(crate) advice: &'static str,
}

impl Finding {
    pub(crate) const fn ok(what: &'static str, detail: String) -> Self {
        Self { mark: Mark::Ok, what, detail, advice: "" }
    }

    pub(crate) const fn warn(what: &'static str, detail: String, advice: &'static str) -> Self {
        Self { mark: Mark::Warn, what, detail, advice }
    }

    pub(crate) const fn fail(what: &'static str, detail: String, advice: &'static str) -> Self {
        Self { mark: Mark::Fail, what, detail, advice }
    }
}

/// # Errors
/// When something must be mended before a site can run here.
pub(crate) fn run(context: &mut Context<'_>) -> Result<(), Complaint> {
    let findings = look(context.config);
    for finding in &findings {
        write(context, finding)?;
    }
    let failed = findings.iter().filter(|finding| finding.mark == Mark::Fail).count();
    if failed > 0 {
        let cause = format!("{failed} of {} checks failed", findings.len());
        return Err(Complaint::new(Exit::Failed, cause).at("this machine"));
    }
    Ok(())
}

fn look(config: &Config) -> Vec<Finding> {
    let running = machine::running_site(config.http.address);
    let mut findings = vec![
        machine::clock(&config.data.dir),
        machine::time_zone(config),
        disk::space(&config.data.dir),
        disk::fsync(&config.data.dir),
        machine::open_files(),
    ];
    let ports = config.addresses().map(|(key, address)| match &*key {
        "http.address" => ("port http", address),
        "postgres.address" => ("port postgres", address),
        _ => ("port mqtt", address),
    });
    let usual = config.postgres.address.is_usual();
    findings.extend(ports.map(|(what, address)| {
        let found = machine::port(what, address, running.is_some());
        // There a site does without.
        let eased = usual && what == "port postgres" && found.mark == Mark::Fail;
        if eased { Finding { mark: Mark::Warn, ..found } } else { found }
    }));
    findings.push(match running {
        Some(detail) => Finding::ok("site", detail),
        None => Finding::ok("site", format!("none runs at http://{}", config.http.address)),
    });
    findings
}

fn write(context: &mut Context<'_>, finding: &Finding) -> io::Result<()> {
    let Finding { mark, what, detail, advice } = finding;
    if context.json {
        let line = serde_json::json!({
            "check": what, "result": mark.word(), "detail": detail, "advice": advice,
        });
        return writeln!(context.out, "{line}");
    }
    writeln!(context.out, "{:<5}{what:<12}{detail}", mark.word())?;
    if !advice.is_empty() {
        writeln!(context.out, "{:<17}{advice}", "")?;
    }
    Ok(())
}

/// As people read it: `0.42 ms`.
fn millis(span: Duration) -> String {
    format!("{:.2} ms", span.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests;
