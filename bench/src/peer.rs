//! Connecting, the slow and simple way: one after the other, waiting for each answer. Only what
//! comes after is measured.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU16;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use model::Qos;
use mqtt::{Connect, Packet, Properties, Reason, Subscription, SubscriptionOptions};

use crate::wire::VERSION;

/// A broker that is alive answers sooner.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Longer than any run, so nobody pings. Not 0: rumqttd refuses who wants no keep-alive.
const KEEP_ALIVE_SECONDS: u16 = u16::MAX;

pub(crate) fn connect_packet(client_id: &str, out: &mut Vec<u8>) -> Result<()> {
    let connect = Connect {
        version: VERSION,
        clean_start: true,
        keep_alive: KEEP_ALIVE_SECONDS,
        client_id,
        will: None,
        user_name: None,
        password: None,
        properties: Properties::NONE,
    };
    connect.encode(out)?;
    Ok(())
}

pub(crate) fn connect(address: SocketAddr, client_id: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).context("cannot reach the broker")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_WAIT))?;
    let mut out = Vec::new();
    connect_packet(client_id, &mut out)?;
    stream.write_all(&out)?;
    // A CONNACK of MQTT 3.1.1 has 4 bytes.
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).context("no answer to CONNECT")?;
    match mqtt::decode(&answer, VERSION, 64)? {
        Some((Packet::ConnAck(ack), _)) if ack.reason == Reason::Success => Ok(stream),
        other => bail!("the broker refused a connection: {other:?}"),
    }
}

pub(crate) fn subscribe(stream: &mut TcpStream, filter: &str, qos: Qos) -> Result<()> {
    let line = Subscription { filter, options: SubscriptionOptions::with_qos(qos) };
    let mut out = Vec::new();
    mqtt::encode_subscribe(VERSION, NonZeroU16::MIN, Properties::NONE, [line], &mut out)?;
    stream.write_all(&out)?;
    // A SUBACK with one code has 5 bytes.
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).context("no answer to SUBSCRIBE")?;
    match mqtt::decode(&answer, VERSION, 64)? {
        Some((Packet::SubAck(ack), _)) if !ack.reasons().any(Reason::is_failure) => Ok(()),
        other => bail!("the broker refused a subscription: {other:?}"),
    }
}
