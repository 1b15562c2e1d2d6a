//! `althing erase`: forgets a device, and says how far that is.

use std::time::Duration;

use field::Stop;
use serde_json::Value;
use ureq::Agent;

use crate::cli::EraseArgs;
use crate::complaint::{Complaint, Exit};

use super::Context;
use super::tail::visible;
use super::trace::{complaint, encoded};

/// A site whose disk is full answers after ten seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// Between two questions how far it is.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// # Errors
/// When the site is not there, does not know the device, or takes nothing.
pub(crate) fn run(
    context: &mut Context<'_>,
    args: &EraseArgs,
    stop: &Stop,
) -> Result<(), Complaint> {
    let address = args.http.unwrap_or(context.config.http.address);
    let site = Site { base: format!("http://{address}"), agent: agent() };
    let Some(device) = &args.device else {
        let told = site.get("/api/erasures")?;
        let list = told.get("erasures").and_then(Value::as_array).cloned().unwrap_or_default();
        return list.iter().try_for_each(|erasure| context.tell(None, erasure));
    };
    let mut told = site.delete(&format!("/api/devices/{}", encoded(device)))?;
    context.tell(Some(device), &told)?;
    let position = told.get("position").and_then(Value::as_u64).unwrap_or_default();
    let mut before = told.clone();
    while args.wait && told.get("state") != Some(&Value::from("done")) {
        if stop.wait(LOOK_EVERY) {
            return Err(Complaint::new(
                Exit::Failed,
                "it goes on without being watched".to_owned(),
            )
            .at(format!("erasure {position}"))
            .next("althing erase"));
        }
        told = site.get(&format!("/api/erasures/{position}"))?;
        if told != before {
            context.tell(Some(device), &told)?;
            before = told.clone();
        }
    }
    Ok(())
}

impl Context<'_> {
    fn tell(&mut self, device: Option<&str>, told: &Value) -> Result<(), Complaint> {
        let line = if self.json { told.to_string() } else { shown(device, told) };
        writeln!(self.out, "{line}")?;
        Ok(self.out.flush()?)
    }
}

/// One line for people. The device is named only by who asked: the site has forgotten it.
fn shown(device: Option<&str>, told: &Value) -> String {
    let number = |key: &str| told.get(key).and_then(Value::as_u64);
    let position = number("position").unwrap_or_default();
    let left = match told.get("state").and_then(Value::as_str).unwrap_or_default() {
        "in memory" => "the snapshot and memory are still to be written".to_owned(),
        "rewriting" => match (number("files"), number("unreadable").unwrap_or_default()) {
            (Some(files), 0) => format!("{files} files are still to be looked at"),
            (Some(files), bad) => {
                format!("{files} files are left, {bad} in days that cannot be read")
            }
            (None, _) => "files are still to be looked at".to_owned(),
        },
        "leaving" => {
            let files = number("leaving").unwrap_or_default();
            format!("{files} replaced files wait for history.linger")
        }
        _ => "nothing is left in tables and snapshots".to_owned(),
    };
    let raw = if told.get("raw_messages") == Some(&Value::Bool(true)) {
        "; messages as they came leave the journal with journal.keep-age"
    } else {
        ""
    };
    let name = device.map(|device| format!("{} ", visible(device))).unwrap_or_default();
    format!("{name}erased at {position}: {left}{raw}")
}

struct Site {
    base: String,
    agent: Agent,
}

fn agent() -> Agent {
    let config = Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
    Agent::from(config.build())
}

impl Site {
    fn get(&self, path: &str) -> Result<Value, Complaint> {
        let url = format!("{}{path}", self.base);
        answer(self.agent.get(&url).call(), &url)
    }

    fn delete(&self, path: &str) -> Result<Value, Complaint> {
        let url = format!("{}{path}", self.base);
        answer(self.agent.delete(&url).call(), &url)
    }
}

fn answer(
    told: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    url: &str,
) -> Result<Value, Complaint> {
    let mut told = told.map_err(|fault| {
        let cause = format!("no site answers: {fault}");
        Complaint::new(Exit::Unreachable, cause).at(url).next("althing serve")
    })?;
    let body = told.body_mut().read_to_string().map_err(|fault| {
        Complaint::new(Exit::Failed, format!("the answer ends early: {fault}")).at(url)
    })?;
    if told.status() == ureq::http::StatusCode::NOT_FOUND {
        let next = "althing sql 'SELECT device FROM devices'";
        return Err(Complaint { exit: Exit::NotFound, ..complaint(&body, url) }.next(next));
    }
    if !told.status().is_success() {
        return Err(complaint(&body, url));
    }
    serde_json::from_str(&body).map_err(|_fault| {
        Complaint::new(Exit::Failed, "the answer is none of an Althing".to_owned()).at(url)
    })
}

#[cfg(test)]
mod tests;
