//! `althing tail`: prints messages as they arrive.

use std::fmt::Write as _;
use std::time::Duration;

use field::client::Options;
use field::{Client, Clock, Event, Stop};
use model::{Qos, TopicFilter};

use crate::cli::TailArgs;
use crate::complaint::{Complaint, Exit, forgive_closed_pipe};

use super::{Context, client_id, field_complaint, login};

const NAP: Duration = Duration::from_millis(100);
/// Of a payload that is no text, so much is shown.
const HEX_BYTES_MAX: usize = 32;

/// # Errors
/// When the server is not there or refuses, or a filter is none.
pub(crate) fn run(context: &mut Context<'_>, args: &TailArgs) -> Result<(), Complaint> {
    for filter in &args.filters {
        TopicFilter::parse(filter).map_err(|fault| {
            Complaint::from_error(Exit::Usage, &fault).at(filter).next("althing tail 'site/+/temp'")
        })?;
    }
    let address = context.mqtt(args.door.mqtt.as_deref());
    let complain = |fault: field::Fault| field_complaint(&fault, &format!("mqtt://{address}"));
    let login = login(&args.door)?;
    let options = Options { login, ..Options::new(&address, &client_id("tail")) };
    let mut client = Client::connect(options, Clock::start(), Stop::default()).map_err(complain)?;
    for filter in &args.filters {
        client.subscribe(filter, Qos::AtMostOnce).map_err(complain)?;
    }
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        client.pump(NAP).map_err(complain)?;
        while let Some(event) = client.poll_event().filter(|_| left > 0) {
            let line = match event {
                Event::Message { topic, payload, qos, retain } => {
                    left -= 1;
                    line(context.json, &topic, &payload, (qos, retain))
                }
                Event::Subscribed { reasons } if reasons.iter().any(|it| it.is_failure()) => {
                    let cause = format!("the server refuses the subscription: {reasons:?}");
                    return Err(Complaint::new(Exit::Failed, cause).at(address));
                }
                Event::Subscribed { .. } | Event::Answered { .. } | Event::Back { .. } => continue,
            };
            let written = writeln!(context.out, "{line}").and_then(|()| context.out.flush());
            if written.is_err() {
                return written.or_else(forgive_closed_pipe);
            }
        }
    }
    Ok(())
}

fn line(json: bool, topic: &str, payload: &[u8], (qos, retain): (Qos, bool)) -> String {
    let text = std::str::from_utf8(payload);
    if json {
        let mut line = serde_json::json!({ "topic": topic, "qos": qos.bits(), "retain": retain });
        let (name, value) = match text {
            Ok(text) => ("payload", text.to_owned()),
            Err(_) => ("payload_hex", hex(payload)),
        };
        if let Some(members) = line.as_object_mut() {
            members.insert(name.to_owned(), value.into());
        }
        return line.to_string();
    }
    match text {
        Ok(text) => format!("{} {}", visible(topic), visible(text)),
        Err(_) => {
            let head = payload.get(..HEX_BYTES_MAX).unwrap_or(payload);
            let more = if head.len() < payload.len() { "…" } else { "" };
            format!("{} {} bytes: {}{more}", visible(topic), payload.len(), hex(head))
        }
    }
}

/// A device may send what moves the cursor or colours the screen: shown, not obeyed.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() { out.extend(letter.escape_default()) } else { out.push(letter) }
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let written = write!(out, "{byte:02x}");
        assert_eq!(written, Ok(()), "a string takes every text");
        out
    })
}

#[cfg(test)]
mod tests;
