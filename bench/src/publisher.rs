//! A client that publishes: how many messages it may have under way, and which.

use std::collections::VecDeque;
use std::num::NonZeroU16;

use anyhow::Result;
use model::Qos;
use mqtt::{Ack, Frame, Outgoing};

use crate::Content;
use crate::payload::Stamp;
use crate::wire::VERSION;

const FREE: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Publisher {
    number: u32,
    content: Content,
    /// A whole PUBLISH in which only the packet id and the payload change.
    template: Vec<u8>,
    id_at: Option<usize>,
    payload_bytes: usize,
    /// Packet ids without a message under way. Unused at QoS 0.
    free: Vec<NonZeroU16>,
    /// When the message under each packet id was due; `FREE` without one.
    due_ns: Vec<u64>,
    /// In the open loop: messages that should be on their way already.
    late: VecDeque<u64>,
    pub(crate) sent: u64,
}

impl Publisher {
    pub(crate) fn new(
        number: u32,
        topic: &str,
        qos: Qos,
        window: u16,
        content: Content,
    ) -> Result<Self> {
        let payload = content.blank();
        let blank = Outgoing {
            qos,
            retain: false,
            topic,
            subscription_ids: &[],
            properties: &[],
            expiry_left: None,
            payload: &payload,
        };
        let mut template = Vec::new();
        let id_at = blank.encode(VERSION, &mut template)?;
        Ok(Self {
            number,
            content,
            template,
            id_at,
            payload_bytes: payload.len(),
            free: (1..=window).rev().filter_map(NonZeroU16::new).collect(),
            due_ns: vec![FREE; usize::from(window) + 1],
            late: VecDeque::new(),
            sent: 0,
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
        self.id_at.is_none() || !self.free.is_empty()
    }

    /// Appends the next message. `false` when the window is full.
    pub(crate) fn publish(&mut self, due_ns: u64, out: &mut Vec<u8>) -> bool {
        let id = match self.id_at {
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
        Frame::new(&self.template, self.id_at).write(id, false, out);
        let stamp = Stamp { publisher: self.number, sequence: self.sent, due_ns };
        let start = out.len() - self.payload_bytes;
        self.content.fill(out.get_mut(start..).unwrap_or_default(), &stamp);
        self.sent += 1;
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
    pub(crate) fn open(&self) -> usize {
        if self.id_at.is_none() { 0 } else { self.due_ns.len() - 1 - self.free.len() }
    }
}

#[cfg(test)]
mod tests;
