//! `althing pub`: sends one message and says what became of it.

use std::io::Read;

use field::client::Options;
use field::{Client, Clock, Event, Stop};
use model::Qos;
use mqtt::{Reason, Version};

use crate::cli::PubArgs;
use crate::complaint::{Complaint, Exit};

use super::{Context, client_id, field_complaint, login};

/// What a server takes by default in one message.
const MESSAGE_BYTES_MAX: u64 = 1 << 20;

/// # Errors
/// When the server is not there, refuses the message, or the message is none.
pub(crate) fn run(context: &mut Context<'_>, args: &PubArgs) -> Result<(), Complaint> {
    let payload = payload(&args.message)?;
    let qos = Qos::from_bits(args.qos).unwrap_or(Qos::AtLeastOnce);
    let address = context.mqtt(args.door.mqtt.as_deref());
    let place = format!("mqtt://{address}");
    let options = Options {
        version: Version::V5,
        login: login(&args.door)?,
        ..Options::new(&address, &client_id("pub"))
    };
    let answer = send(options, &args.topic, &payload, (qos, args.retain));
    let answer = answer.map_err(|fault| field_complaint(&fault, &place))?;
    if let Some((reason, _)) = answer.filter(|(reason, _)| reason.is_failure()) {
        let cause = format!("the server did not take the message: {reason:?}");
        return Err(Complaint::new(Exit::Failed, cause).at(place));
    }
    let position = answer.and_then(|(_, position)| position);
    if context.json {
        let line = serde_json::json!({
            "topic": args.topic, "durable": answer.is_some(), "position": position,
        });
        return Ok(writeln!(context.out, "{line}")?);
    }
    match (answer, position) {
        (None, _) => writeln!(context.out, "sent; QoS 0 is not acknowledged")?,
        (Some(_), None) => writeln!(context.out, "durable")?,
        (Some(_), Some(position)) => writeln!(context.out, "durable at position {position}")?,
    }
    Ok(())
}

/// The answer, if the QoS asks for one.
fn send(
    options: Options,
    topic: &str,
    payload: &[u8],
    (qos, retain): (Qos, bool),
) -> Result<Option<(Reason, Option<u64>)>, field::Fault> {
    let mut client = Client::connect(options, Clock::start(), Stop::default())?;
    client.publish(topic, payload, qos, retain)?;
    client.drain()?;
    let mut answer = None;
    while let Some(event) = client.poll_event() {
        if let Event::Answered { reason, position, .. } = event {
            answer = Some((reason, position));
        }
    }
    // The message is with the server: a line that breaks in the goodbye took nothing with it.
    drop(client.disconnect());
    Ok(answer)
}

fn payload(message: &str) -> Result<Vec<u8>, Complaint> {
    if message != "-" {
        return Ok(message.as_bytes().to_vec());
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(MESSAGE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MESSAGE_BYTES_MAX {
        let cause = format!("the message has more than {MESSAGE_BYTES_MAX} bytes");
        return Err(Complaint::new(Exit::Usage, cause).at("standard input"));
    }
    Ok(bytes)
}
