//! Just enough of MQTT: CONNECT, PUBLISH with the answers of QoS 1 and 2, and one subscription that
//! is served a message at a time.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZeroU16;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use model::Qos;
use mqtt::{
    Ack, ConnAck, Packet, Properties, Publish, PublishProperties, Reason, Subscribe, Version,
    encode_suback,
};

use crate::mail::{Due, Post};
use crate::store::{Message, Store};

const PACKET_BYTES_MAX: u32 = 1 << 16;

/// How often a subscriber is looked after that says nothing.
const LOOK: Duration = Duration::from_millis(2);

/// Behind this, messages are readings.
const READINGS: &str = "torture/";

pub(crate) fn serve(mut stream: TcpStream, store: &Mutex<Store>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = Connection::new(store);
    let (mut input, mut chunk) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let count = match stream.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(fault) if matches!(fault.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(fault) => return Err(fault.into()),
        };
        input.extend_from_slice(chunk.get(..count).unwrap_or_default());
        let used = connection.take_all(&input)?;
        input.drain(..used);
        connection.deliver()?;
        if connection.subscribed {
            stream.set_read_timeout(Some(LOOK))?;
        }
        stream.write_all(&connection.out)?;
        connection.out.clear();
    }
}

struct Connection<'a> {
    store: &'a Mutex<Store>,
    version: Version,
    client: String,
    subscribed: bool,
    /// What is due was sent in this connection.
    sent: bool,
    readings: Vec<Message>,
    posts: Vec<Post>,
    out: Vec<u8>,
}

impl<'a> Connection<'a> {
    const fn new(store: &'a Mutex<Store>) -> Self {
        Self {
            store,
            version: Version::V311,
            client: String::new(),
            subscribed: false,
            sent: false,
            readings: Vec::new(),
            posts: Vec::new(),
            out: Vec::new(),
        }
    }

    fn store(&self) -> MutexGuard<'a, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers are in `out` only when what they confirm is stored.
    fn take_all(&mut self, input: &[u8]) -> Result<usize> {
        let mut used = 0;
        while let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) {
            let found = mqtt::decode(rest, self.version, PACKET_BYTES_MAX)?;
            let Some((packet, len)) = found else { break };
            self.take(&packet)?;
            used += len;
        }
        let (readings, posts) =
            (std::mem::take(&mut self.readings), std::mem::take(&mut self.posts));
        let mut store = self.store();
        store.take(readings)?;
        if !posts.is_empty() {
            posts.iter().try_for_each(|post| store.mail.post(post))?;
            store.mail.sync()?;
        }
        Ok(used)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else comes is wrong here")]
    fn take(&mut self, packet: &Packet<'_>) -> Result<()> {
        match packet {
            Packet::Connect(connect) => {
                self.version = connect.version;
                connect.client_id.clone_into(&mut self.client);
                self.welcome(connect.clean_start)
            }
            Packet::Publish(publish) => self.publish(publish),
            Packet::PubRel(ack) => self.answer(&Packet::PubComp(done(ack.packet_id))),
            Packet::Subscribe(subscribe) => self.subscribe(subscribe),
            Packet::PubRec(ack) => {
                self.store().mail.received(&self.client, ack.packet_id.get())?;
                self.answer(&Packet::PubRel(done(ack.packet_id)))
            }
            Packet::PubAck(ack) | Packet::PubComp(ack) => {
                self.sent = false;
                self.store().mail.done(&self.client, ack.packet_id.get())
            }
            Packet::Disconnect(_) => Ok(()),
            other => bail!("{other:?} is not known here"),
        }
    }

    fn answer(&mut self, packet: &Packet<'_>) -> Result<()> {
        packet.encode(self.version, &mut self.out)?;
        Ok(())
    }

    fn welcome(&mut self, clean_start: bool) -> Result<()> {
        let session_present = !clean_start && self.store().mail.resume(&self.client)?;
        self.subscribed = session_present;
        let (reason, properties) = (Reason::Success, Properties::NONE);
        self.answer(&Packet::ConnAck(ConnAck { session_present, reason, properties }))
    }

    fn publish(&mut self, publish: &Publish<'_>) -> Result<()> {
        if publish.topic.starts_with(READINGS) {
            self.readings.push(read(publish)?);
        }
        let twice_confirmed = publish.qos == Qos::ExactlyOnce;
        self.posts.push(Post {
            topic: publish.topic.to_owned(),
            payload: String::from_utf8(publish.payload.to_vec())?,
            twice_confirmed,
            retain: publish.retain,
        });
        let ack = done(publish.packet_id.context("torture sends no QoS 0")?);
        self.answer(&if twice_confirmed { Packet::PubRec(ack) } else { Packet::PubAck(ack) })
    }

    /// To readings in a session that lasts, or to what is retained.
    fn subscribe(&mut self, subscribe: &Subscribe<'_>) -> Result<()> {
        let (id, granted) = (subscribe.packet_id(), [Reason::GrantedQos2]);
        encode_suback(self.version, id, Properties::NONE, granted, &mut self.out)?;
        let store = self.store();
        if subscribe.subscriptions().any(|line| line.filter.starts_with(READINGS)) {
            self.subscribed = true;
            let mut store = store;
            return store.mail.subscribe(&self.client);
        }
        for (id, post) in (1..).zip(store.mail.retained()) {
            write(id, post, self.version, &mut self.out)?;
        }
        Ok(())
    }

    fn deliver(&mut self) -> Result<()> {
        if self.sent || !self.subscribed {
            return Ok(());
        }
        let due = self.store().mail.due(&self.client);
        self.sent = due.is_some();
        match due {
            Some(Due::Message(id, post)) => write(id, &post, self.version, &mut self.out),
            Some(Due::Release(id)) => {
                let id = NonZeroU16::new(id).context("ids begin at 1")?;
                self.answer(&Packet::PubRel(done(id)))
            }
            None => Ok(()),
        }
    }
}

fn write(id: u16, post: &Post, version: Version, out: &mut Vec<u8>) -> Result<()> {
    let qos = if post.twice_confirmed { Qos::ExactlyOnce } else { Qos::AtLeastOnce };
    let publish = Publish {
        dup: false,
        qos,
        retain: post.retain,
        topic: &post.topic,
        packet_id: NonZeroU16::new(id),
        properties: PublishProperties::NONE,
        payload: post.payload.as_bytes(),
    };
    publish.encode(version, out)?;
    Ok(())
}

const fn done<'a>(id: NonZeroU16) -> Ack<'a> {
    Ack::new(id, Reason::Success)
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
