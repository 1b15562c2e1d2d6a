//! `althing trace`: what one client says and hears, a line for each packet.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use crate::cli::TraceArgs;
use crate::complaint::{Complaint, Exit, forgive_closed_pipe};

use super::Context;
use super::tail::visible;

const PATIENCE: Duration = Duration::from_secs(5);

/// # Errors
/// When the site is not there, or does not trace.
pub(crate) fn run(context: &mut Context<'_>, args: &TraceArgs) -> Result<(), Complaint> {
    let address = args.http.unwrap_or(context.config.http.address);
    let (client, seconds, payload) = (encoded(&args.client), args.seconds, args.payload);
    let url =
        format!("http://{address}/api/clients/{client}/trace?seconds={seconds}&payload={payload}");
    let config = Agent::config_builder()
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .http_status_as_error(false)
        .build();
    let answer = Agent::from(config).post(&url).send_empty().map_err(|fault| {
        let cause = format!("no site answers: {fault}");
        Complaint::new(Exit::Unreachable, cause).at(&url).next("althing serve")
    })?;
    let refused = !answer.status().is_success();
    for line in BufReader::new(answer.into_body().into_reader()).lines() {
        let line = line?;
        if refused {
            return Err(complaint(&line, &url));
        }
        let told = if context.json { line } else { shown(&line) };
        let written = writeln!(context.out, "{told}").and_then(|()| context.out.flush());
        if written.is_err() {
            return written.or_else(forgive_closed_pipe);
        }
    }
    Ok(())
}

pub(super) fn complaint(body: &str, url: &str) -> Complaint {
    let told: Value = serde_json::from_str(body).unwrap_or_default();
    let cause = told.pointer("/error/message").and_then(Value::as_str);
    Complaint::new(Exit::Failed, cause.unwrap_or("the site refuses").to_owned()).at(url)
}

/// Everything but letters, digits and a few marks, as an address writes it.
pub(super) fn encoded(client: &str) -> String {
    client.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let written = write!(out, "%{byte:02X}");
            assert_eq!(written, Ok(()), "a string takes every text");
        }
        out
    })
}

/// One line for people. What a client sent is shown, not obeyed.
fn shown(line: &str) -> String {
    let told: Value = serde_json::from_str(line).unwrap_or_default();
    let text = |key: &str| told.get(key).and_then(Value::as_str);
    let number = |key: &str| told.get(key).and_then(Value::as_u64);
    if let Some(client) = text("tracing") {
        let seconds = number("seconds").unwrap_or_default();
        return format!("tracing {} for {seconds} s", visible(client));
    }
    let Some(packet) = text("packet") else {
        return format!("over, {} not shown", number("dropped").unwrap_or_default());
    };
    let arrow = match text("direction") {
        Some("in") => ">",
        Some("out") => "<",
        Some(_) | None => "-",
    };
    let mut parts = vec![text("time").unwrap_or_default().to_owned(), arrow.to_owned()];
    parts.push(visible(packet));
    parts.extend(number("id").map(|id| format!("id={id}")));
    parts.extend(number("reason").filter(|it| *it > 0).map(|it| format!("reason=0x{it:02x}")));
    parts.extend(number("qos").map(|qos| format!("qos={qos}")));
    for flag in ["retain", "dup"] {
        parts.extend((told.get(flag) == Some(&Value::Bool(true))).then(|| flag.to_owned()));
    }
    parts.extend(number("alias").map(|alias| format!("alias={alias}")));
    parts.extend(text("topic").map(visible));
    parts.extend(number("payload_bytes").map(|bytes| format!("{bytes} bytes")));
    parts.extend(text("payload").map(visible));
    let filters = told.get("filters").and_then(Value::as_array);
    parts.extend(filters.into_iter().flatten().filter_map(Value::as_str).map(visible));
    parts.join(" ")
}

#[cfg(test)]
mod tests;
