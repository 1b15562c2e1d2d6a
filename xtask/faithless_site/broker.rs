//! Just enough of MQTT: CONNECT, PUBLISH and the answers of QoS 1 and 2.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use model::Qos;
use mqtt::{Ack, ConnAck, Packet, Properties, Publish, Reason, Version};

use crate::store::{Message, Store};

const VERSION: Version = Version::V311;
const PACKET_BYTES_MAX: u32 = 1 << 16;

pub(crate) fn serve(mut stream: TcpStream, store: &Mutex<Store>) -> Result<()> {
    stream.set_nodelay(true)?;
    let (mut input, mut chunk, mut out) = (Vec::new(), vec![0; 64 * 1024], Vec::new());
    loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        input.extend_from_slice(chunk.get(..count).unwrap_or_default());
        let (mut used, mut batch) = (0, Vec::new());
        while let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) {
            let Some((packet, len)) = mqtt::decode(rest, VERSION, PACKET_BYTES_MAX)? else { break };
            take(&packet, &mut batch, &mut out)?;
            used += len;
        }
        input.drain(..used);
        store.lock().unwrap_or_else(PoisonError::into_inner).take(batch)?;
        stream.write_all(&out)?;
        out.clear();
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else comes is wrong here")]
fn take(packet: &Packet<'_>, batch: &mut Vec<Message>, out: &mut Vec<u8>) -> Result<()> {
    let answer = match packet {
        Packet::Connect(_) => Packet::ConnAck(ConnAck {
            session_present: false,
            reason: Reason::Success,
            properties: Properties::NONE,
        }),
        Packet::Publish(publish) => {
            batch.push(read(publish)?);
            let id = publish.packet_id.context("torture sends no QoS 0")?;
            let ack = Ack::new(id, Reason::Success);
            if publish.qos == Qos::ExactlyOnce { Packet::PubRec(ack) } else { Packet::PubAck(ack) }
        }
        Packet::PubRel(ack) => Packet::PubComp(Ack::new(ack.packet_id, Reason::Success)),
        other => bail!("{other:?} is not known here"),
    };
    answer.encode(VERSION, out)?;
    Ok(())
}

fn read(publish: &Publish<'_>) -> Result<Message> {
    let payload: serde_json::Value = serde_json::from_slice(publish.payload)?;
    let number = |name: &str| payload.get(name).and_then(serde_json::Value::as_f64);
    let ms = payload.get("ts").and_then(serde_json::Value::as_i64);
    Ok(Message {
        device: publish.topic.to_owned(),
        ms: ms.context("a time")?,
        x: number("x").context("x")?,
        y: number("y").context("y")?,
    })
}
