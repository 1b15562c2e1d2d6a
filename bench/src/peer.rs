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

/// Filters of one SUBSCRIBE.
const FILTERS_AT_ONCE: usize = 100;

/// A session that is `lasting` stays behind when its connection ends.
pub(crate) fn connect_packet(client_id: &str, lasting: bool, out: &mut Vec<u8>) -> Result<()> {
    let connect = Connect {
        version: VERSION,
        clean_start: !lasting,
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
    Ok(begin(address, client_id, false)?.0)
}

/// Connects to a lasting session, and says whether it was there already.
pub(crate) fn resume(address: SocketAddr, client_id: &str) -> Result<(TcpStream, bool)> {
    begin(address, client_id, true)
}

fn begin(address: SocketAddr, client_id: &str, lasting: bool) -> Result<(TcpStream, bool)> {
    let mut stream = TcpStream::connect(address).context("cannot reach the broker")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_WAIT))?;
    let mut out = Vec::new();
    connect_packet(client_id, lasting, &mut out)?;
    stream.write_all(&out)?;
    // A CONNACK of MQTT 3.1.1 has 4 bytes.
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).context("no answer to CONNECT")?;
    match mqtt::decode(&answer, VERSION, 64)? {
        Some((Packet::ConnAck(ack), _)) if ack.reason == Reason::Success => {
            Ok((stream, ack.session_present))
        }
        other => bail!("the broker refused a connection: {other:?}"),
    }
}

/// Subscribes to all of them before it waits for the answers.
pub(crate) fn subscribe(stream: &mut TcpStream, filters: &[String], qos: Qos) -> Result<()> {
    let mut out = Vec::new();
    for chunk in filters.chunks(FILTERS_AT_ONCE) {
        subscribe_packet(chunk, qos, &mut out)?;
    }
    stream.write_all(&out)?;
    for chunk in filters.chunks(FILTERS_AT_ONCE) {
        // Kind, length in one byte, packet id, and a code for each filter.
        let mut answer = vec![0; 4 + chunk.len()];
        stream.read_exact(&mut answer).context("no answer to SUBSCRIBE")?;
        match mqtt::decode(&answer, VERSION, 1024)? {
            Some((Packet::SubAck(ack), _)) if !ack.reasons().any(Reason::is_failure) => {}
            other => bail!("the broker refused a subscription: {other:?}"),
        }
    }
    Ok(())
}

pub(crate) fn subscribe_packet(filters: &[String], qos: Qos, out: &mut Vec<u8>) -> Result<()> {
    let options = SubscriptionOptions::with_qos(qos);
    let lines = filters.iter().map(|filter| Subscription { filter, options });
    mqtt::encode_subscribe(VERSION, NonZeroU16::MIN, Properties::NONE, lines, out)?;
    Ok(())
}
