//! A client that publishes: how many messages it may have under way, and which.

use std::collections::VecDeque;
use std::num::NonZeroU16;

use anyhow::Result;
use mqtt::{Ack, Frame, Outgoing};

use crate::payload::Stamp;
use crate::wire::VERSION;
use crate::{Content, LoadPlan};

const FREE: u64 = u64::MAX;

/// One topic and the numbered messages on it.
#[derive(Debug)]
struct Stream {
    number: u32,
    /// A whole PUBLISH in which only the packet id and the payload change.
    template: Vec<u8>,
    id_at: Option<usize>,
    sent: u64,
}

#[derive(Debug)]
pub(crate) struct Publisher {
    streams: Vec<Stream>,
    /// Whose turn it is.
    turn: usize,
    content: Content,
    payload_bytes: usize,
    acknowledged: bool,
    /// Packet ids without a message under way. Unused at QoS 0.
    free: Vec<NonZeroU16>,
    /// When the message under each packet id was due; `FREE` without one.
    due_ns: Vec<u64>,
    /// In the open loop: messages that should be on their way already.
    late: VecDeque<u64>,
}

impl Publisher {
    pub(crate) fn new(number: u32, plan: &LoadPlan) -> Result<Self> {
        let payload = plan.content.blank(plan.payload_bytes);
        let first = number * plan.topics;
        let streams =
            (first..first + plan.topics).map(|stream| Stream::new(stream, plan, &payload));
        Ok(Self {
            streams: streams.collect::<Result<_>>()?,
            turn: 0,
            content: plan.content,
            payload_bytes: payload.len(),
            acknowledged: plan.qos != model::Qos::AtMostOnce,
            free: (1..=plan.window).rev().filter_map(NonZeroU16::new).collect(),
            due_ns: vec![FREE; usize::from(plan.window) + 1],
            late: VecDeque::new(),
        })
    }

    pub(crate) fn owe(&mut self, due_ns: u64) {
        self.late.push_back(due_ns);
    }

    /// When the next message was due, in the open loop.
    pub(crate) fn next_late(&self) -> Option<u64> {
        self.late.front().copied()
    }

    pub(crate) fn may_publish(&self) -> bool {
        !self.acknowledged || !self.free.is_empty()
    }

    /// Appends the next message. `false` when the window is full.
    pub(crate) fn publish(&mut self, due_ns: u64, out: &mut Vec<u8>) -> bool {
        let Some(stream) = self.streams.get_mut(self.turn) else { return false };
        let id = match stream.id_at {
            None => 0,
            Some(_) => match self.free.pop() {
                Some(id) => id.get(),
                None => return false,
            },
        };
        if let Some(place) = self.due_ns.get_mut(usize::from(id)) {
            *place = due_ns;
        }
        self.late.pop_front();
        Frame::new(&stream.template, stream.id_at).write(id, false, out);
        let stamp = Stamp { stream: stream.number, sequence: stream.sent, due_ns };
        let start = out.len() - self.payload_bytes;
        self.content.fill(out.get_mut(start..).unwrap_or_default(), &stamp);
        stream.sent += 1;
        self.turn = (self.turn + 1) % self.streams.len();
        true
    }

    /// The age of the message that a PUBACK answers; `None` for one we did not wait for.
    pub(crate) fn acknowledged(&mut self, ack: &Ack<'_>, now_ns: u64) -> Option<u64> {
        let id = ack.packet_id;
        let due_ns = self.due_ns.get_mut(usize::from(id.get())).filter(|due| **due != FREE)?;
        let age_ns = now_ns.saturating_sub(*due_ns);
        *due_ns = FREE;
        self.free.push(id);
        Some(age_ns)
    }

    /// Messages without a PUBACK.
    pub(crate) const fn open(&self) -> usize {
        if self.acknowledged { self.due_ns.len() - 1 - self.free.len() } else { 0 }
    }

    /// By stream.
    pub(crate) fn sent(&self) -> impl Iterator<Item = u64> {
        self.streams.iter().map(|stream| stream.sent)
    }
}

impl Stream {
    fn new(number: u32, plan: &LoadPlan, payload: &[u8]) -> Result<Self> {
        let blank = Outgoing {
            qos: plan.qos,
            retain: false,
            topic: &plan.topic_of(number),
            subscription_ids: &[],
            properties: &[],
            expiry_left: None,
            payload,
        };
        let mut template = Vec::new();
        let id_at = blank.encode(VERSION, &mut template)?;
        Ok(Self { number, template, id_at, sent: 0 })
    }
}

#[cfg(test)]
mod tests;
