//! One connection: what is in flight on it, and who waits for that.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU16;

use model::Qos;
use mqtt::{Connect, Packet, Properties, Publish, PublishProperties, Reason, Version, decode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};

use super::{Dial, Order, Refused, tell};

/// Messages in flight: what the broker allows a client by itself is more.
const WINDOW: usize = 512;

/// A broker says little to a client that only publishes.
const PACKET_BYTES_MAX: u32 = 64 << 10;
const READ_BYTES: usize = 16 << 10;

type Waiting = oneshot::Sender<Result<(), Refused>>;

pub(super) struct Line {
    socket: UnixStream,
    inbox: Vec<u8>,
    flights: BTreeMap<NonZeroU16, Waiting>,
    next_id: u16,
}

impl Line {
    pub(super) async fn open(dial: &Dial, client_id: &str) -> io::Result<Self> {
        let socket = dial()?;
        socket.set_nonblocking(true)?;
        let socket = UnixStream::from_std(socket)?;
        let (inbox, flights) = (Vec::new(), BTreeMap::new());
        let mut line = Self { socket, inbox, flights, next_id: 0 };
        let connect = Packet::Connect(Connect {
            version: Version::V5,
            clean_start: true,
            keep_alive: 0,
            client_id,
            will: None,
            user_name: None,
            password: None,
            properties: Properties::NONE,
        });
        line.send(&connect).await?;
        loop {
            let mut welcomed = None;
            line.take_packets(|packet| {
                if let Packet::ConnAck(answer) = packet {
                    welcomed = Some(answer.reason);
                }
            })?;
            match welcomed {
                Some(Reason::Success) => return Ok(line),
                Some(reason) => return Err(io::Error::other(format!("refused: {reason:?}"))),
                None => line.read().await?,
            }
        }
    }

    /// Works off orders until the connection ends, or nobody can give any more.
    pub(super) async fn serve(
        &mut self,
        first: Order,
        orders: &mut mpsc::Receiver<Order>,
    ) -> io::Result<()> {
        self.publish(first).await?;
        let mut chunk = vec![0; READ_BYTES];
        loop {
            tokio::select! {
                order = orders.recv(), if self.flights.len() < WINDOW => match order {
                    Some(order) => self.publish(order).await?,
                    None if self.flights.is_empty() => return Ok(()),
                    None => return self.drain().await,
                },
                count = self.socket.read(&mut chunk) => {
                    self.heard(chunk.get(..count?).unwrap_or_default())?;
                    self.settle()?;
                }
            }
        }
    }

    /// Nothing more comes; what is in flight is waited for.
    async fn drain(&mut self) -> io::Result<()> {
        while !self.flights.is_empty() {
            self.read().await?;
            self.settle()?;
        }
        Ok(())
    }

    async fn publish(&mut self, order: Order) -> io::Result<()> {
        let id = self.free_id();
        let publish = Packet::Publish(Publish {
            dup: false,
            qos: Qos::AtLeastOnce,
            retain: false,
            topic: &order.topic,
            packet_id: Some(id),
            properties: PublishProperties::NONE,
            payload: &order.payload,
        });
        self.flights.insert(id, order.done);
        self.send(&publish).await
    }

    /// Fewer are in flight than there are ids.
    fn free_id(&mut self) -> NonZeroU16 {
        loop {
            self.next_id = self.next_id.wrapping_add(1);
            if let Some(id) = NonZeroU16::new(self.next_id)
                && !self.flights.contains_key(&id)
            {
                return id;
            }
        }
    }

    async fn send(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        let mut bytes = Vec::new();
        packet.encode(Version::V5, &mut bytes).map_err(io::Error::other)?;
        self.socket.write_all(&bytes).await
    }

    async fn read(&mut self) -> io::Result<()> {
        let mut chunk = vec![0; READ_BYTES];
        let count = self.socket.read(&mut chunk).await?;
        self.heard(chunk.get(..count).unwrap_or_default())
    }

    fn heard(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.inbox.extend_from_slice(bytes);
        Ok(())
    }

    /// Tells those whose message was answered.
    fn settle(&mut self) -> io::Result<()> {
        let mut answered = Vec::new();
        let mut closed = None;
        self.take_packets(|packet| {
            if let Packet::PubAck(ack) = packet {
                answered.push((ack.packet_id, ack.reason));
            } else if let Packet::Disconnect(disconnect) = packet {
                closed = Some(disconnect.reason);
            }
        })?;
        for (id, reason) in answered {
            let code = reason.code();
            let told =
                if code < Reason::Unspecified.code() { Ok(()) } else { Err(Refused::Reason(code)) };
            if let Some(waiting) = self.flights.remove(&id) {
                tell(waiting, told);
            }
        }
        closed.map_or(Ok(()), |reason| Err(io::Error::other(format!("closed: {reason:?}"))))
    }

    fn take_packets(&mut self, mut each: impl FnMut(&Packet<'_>)) -> io::Result<()> {
        let mut done = 0;
        loop {
            let rest = self.inbox.get(done..).unwrap_or_default();
            match decode(rest, Version::V5, PACKET_BYTES_MAX).map_err(io::Error::other)? {
                None => break,
                Some((packet, length)) => {
                    each(&packet);
                    done += length;
                }
            }
        }
        self.inbox.drain(..done);
        Ok(())
    }
}
