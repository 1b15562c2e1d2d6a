//! Two connections, coupled: what comes from one side goes to the other, and is acknowledged when
//! the other side has it.
//!
//! Contract: after every `handle_*`, take `poll_wish` and `poll_news` until they are empty, write
//! `outbox` of both sides, and call `handle_timeout` at `poll_timeout`.

use std::collections::VecDeque;
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use model::{Event, Meter, Moment};
use mqtt::{FilterAck, Malformed, Packet, Reason, RetainHandling, SubscriptionOptions, Version};

use crate::end::{End, Hello, Side, State};
use crate::oversize::{self, Oversize};
use crate::pipe::Pipe;
use crate::plan::{Plan, WINDOW_MAX};
use crate::{Cause, Mapping};

mod crossing;

/// More waits for no socket: then the side it comes from is not read. A socket takes some 200 KiB
/// at once, so that it never runs dry.
const OUTBOX_BYTES_MAX: usize = 256 << 10;
/// Messages in one direction. A side that keeps to its window does not get there: as many may wait
/// from one connection of the other side as are on their way from the next.
const PASSING_MAX: usize = 2 * WINDOW_MAX as usize;
/// The site answers at once or is gone.
const SITE_KEEP_ALIVE: std::time::Duration = std::time::Duration::from_secs(60);

/// What the shell has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Answered by `handle_connected` or `handle_lost`.
    Dial(Side),
    /// Close it; no answer is expected.
    Hang(Side),
}

/// What a person would like to know. A state that goes on is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    Connected { side: Side, resumed: bool },
    Lost { side: Side, cause: Cause },
    SubscriptionRefused { side: Side, filter: Box<str>, reason: Reason },
}

#[derive(Debug)]
pub struct Bridge {
    /// This site's, by side.
    ends: [End; 2],
    /// By the side they come from.
    pipes: [Pipe; 2],
    mappings: [Mapping; 2],
    /// By which a message says that it was here.
    identity: Box<str>,
    meter: Arc<Meter>,
    wishes: VecDeque<Wish>,
    news: VecDeque<News>,
}

impl Bridge {
    /// `password` is that of the other broker. `identity` is this site's among all sites; the seed
    /// spreads reconnects.
    #[must_use]
    pub fn new(
        plan: &Plan,
        password: Option<Box<str>>,
        (identity, seed): (u64, u64),
        meter: Arc<Meter>,
    ) -> Self {
        let echo = plan.outward.returns_by(&plan.inward).is_some();
        let (window, packet_bytes_max) = limits(plan);
        let remote = &plan.remote;
        let site = Hello {
            version: Version::V5,
            bridge_bit: false,
            client_id: format!("bridge-{}", plan.name).into(),
            user: None,
            password: None,
            clean: false,
            keep_alive: SITE_KEEP_ALIVE,
            window,
            packet_bytes_max,
            subscriptions: subscriptions(&plan.outward, true),
        };
        let away = Hello {
            version: remote.version,
            bridge_bit: remote.bridge_bit && remote.version == Version::V311,
            client_id: remote.client_id.clone(),
            user: remote.user.clone(),
            password,
            clean: remote.clean,
            keep_alive: remote.keep_alive,
            window,
            packet_bytes_max,
            // Not every broker knows no-local, so it is asked for where it matters.
            subscriptions: subscriptions(&plan.inward, echo),
        };
        Self {
            ends: [End::new(site, seed), End::new(away, seed.rotate_left(32))],
            pipes: [Pipe::default(), Pipe::default()],
            mappings: [plan.outward.clone(), plan.inward.clone()],
            identity: format!("{identity:016x}").into(),
            meter,
            wishes: VecDeque::new(),
            news: VecDeque::new(),
        }
    }

    /// The line is there.
    pub fn handle_connected(&mut self, side: Side, now: Moment) {
        self.end_mut(side).greet(now);
    }

    /// The line is gone, or could not be had.
    pub fn handle_lost(&mut self, side: Side, cause: Cause, now: Moment) {
        let end = self.end_mut(side);
        let was_up = end.is_up();
        if end.lost(cause, now) {
            self.news.push_back(News::Lost { side, cause });
        }
        if was_up && side == Side::Remote {
            self.meter.count(Event::BridgeLost);
        }
        self.pipe_mut(side.other()).target_lost();
    }

    pub fn handle_bytes(&mut self, side: Side, bytes: &[u8], now: Moment) {
        self.end_mut(side).heard(now);
        let mut inbox = std::mem::take(&mut self.end_mut(side).inbox);
        inbox.extend_from_slice(bytes);
        match self.read(side, &mut inbox, now) {
            Ok(()) => self.end_mut(side).inbox = inbox,
            Err(cause) => self.hang_up(side, cause, now),
        }
        self.pump(Side::Site);
        self.pump(Side::Remote);
    }

    pub fn handle_timeout(&mut self, now: Moment) {
        for side in [Side::Site, Side::Remote] {
            if !self.wants_read(side) {
                // It may have answered; nobody looked.
                self.end_mut(side).heard(now);
            }
            if let State::Down(until) = self.end(side).state
                && until <= now
            {
                self.end_mut(side).state = State::Dialing;
                self.wishes.push_back(Wish::Dial(side));
            }
            if let Err(cause) = self.end_mut(side).handle_timeout(now) {
                self.hang_up(side, cause, now);
            }
        }
    }

    /// `bytes` of the outbox are written.
    pub fn wrote(&mut self, side: Side, bytes: usize, now: Moment) {
        self.end_mut(side).wrote(bytes, now);
        self.pump(side.other());
    }

    /// Says goodbye on both sides; what is in the outboxes then is the last of it.
    pub fn stop(&mut self) {
        self.ends.iter_mut().for_each(End::say_goodbye);
    }

    #[must_use]
    pub fn outbox(&self, side: Side) -> &[u8] {
        self.end(side).outbox()
    }

    /// Whether more of this side would have a place to go.
    ///
    /// A broker that speaks MQTT 5 was told how much it may send, and not all keep to that. The site
    /// does, and is always read: its acknowledgements must come through, or both sides would wait
    /// for each other.
    #[must_use]
    pub fn wants_read(&self, side: Side) -> bool {
        let hello = &self.end(side).hello;
        let most = match hello.version {
            Version::V311 => usize::from(hello.window.get()),
            Version::V5 => PASSING_MAX,
        };
        let room = side == Side::Site || self.pipe(side).len() < most;
        room && self.outbox(side.other()).len() < OUTBOX_BYTES_MAX
    }

    #[must_use]
    pub fn is_up(&self, side: Side) -> bool {
        self.end(side).is_up()
    }

    pub fn poll_wish(&mut self) -> Option<Wish> {
        self.wishes.pop_front()
    }

    pub fn poll_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.ends.iter().filter_map(End::timeout).min()
    }

    /// Ends a connection from our side.
    fn hang_up(&mut self, side: Side, cause: Cause, now: Moment) {
        self.handle_lost(side, cause, now);
        self.wishes.push_back(Wish::Hang(side));
    }

    fn read(&mut self, side: Side, inbox: &mut Vec<u8>, now: Moment) -> Result<(), Cause> {
        let hello = &self.end(side).hello;
        let (version, most) = (hello.version, hello.packet_bytes_max.get());
        let mut at = self.skip(side, inbox.len());
        loop {
            let rest = inbox.get(at..).unwrap_or_default();
            match mqtt::decode(rest, version, most) {
                Ok(Some((packet, bytes))) => {
                    self.on_packet(side, packet, now)?;
                    at += bytes;
                }
                Ok(None) => break,
                Err(Malformed::TooLarge { .. }) => {
                    let Some(head) = oversize::head(rest).map_err(Cause::Unexpected)? else {
                        break;
                    };
                    self.pass_over(side, head);
                    at += self.skip(side, rest.len());
                }
                Err(broken) => return Err(broken.into()),
            }
        }
        inbox.drain(..at);
        Ok(())
    }

    /// How many of `present` bytes belong to a packet that is passed over.
    fn skip(&mut self, side: Side, present: usize) -> usize {
        let end = self.end_mut(side);
        let skipped = end.skip.min(present);
        end.skip -= skipped;
        skipped
    }

    /// A message that is too large is lost, not the bridge.
    fn pass_over(&mut self, side: Side, head: Oversize) {
        self.meter.count(Event::BridgeTooLarge);
        let end = self.end_mut(side);
        end.skip = head.bytes;
        if let Some(packet_id) = head.packet_id {
            end.acknowledge(packet_id);
        }
    }

    fn on_packet(&mut self, side: Side, packet: Packet<'_>, now: Moment) -> Result<(), Cause> {
        let unexpected = Cause::Unexpected(packet.kind());
        match (packet, self.is_up(side)) {
            (Packet::ConnAck(answer), false) => {
                self.end_mut(side).welcome(&answer, now)?;
                self.on_welcome(side, answer.session_present);
                Ok(())
            }
            (Packet::Publish(publish), true) => self.on_publish(side, &publish),
            (Packet::PubAck(ack), true) => self.on_puback(side, &ack),
            (Packet::SubAck(answer), true) => {
                self.on_suback(side, &answer);
                Ok(())
            }
            (Packet::Disconnect(end), true) => Err(Cause::Dismissed(end.reason)),
            (Packet::PingResp | Packet::UnsubAck(_), true) => Ok(()),
            _ => Err(unexpected),
        }
    }

    /// What was on its way when the connection was lost is said again before anything else, in the
    /// order in which it came.
    fn on_welcome(&mut self, side: Side, resumed: bool) {
        if !resumed {
            self.pipe_mut(side).source_forgot();
            self.pipe_mut(side.other()).target_forgot();
        }
        if side == Side::Remote {
            self.meter.count(Event::BridgeConnected);
        }
        self.news.push_back(News::Connected { side, resumed });
        let [site, remote] = &self.pipes;
        let into = if side == Side::Site { remote } else { site };
        let end = match (side, &mut self.ends) {
            (Side::Site, [end, _]) | (Side::Remote, [_, end]) => end,
        };
        end.subscribe(resumed, |end| end.free_id(|id| into.uses(id)));
        self.pump(side.other());
    }

    fn on_suback(&mut self, side: Side, answer: &FilterAck<'_>) {
        let filter = self.end_mut(side).subscribed(answer.packet_id()).map(Box::from);
        let refused = answer.reasons().find(|reason| reason.is_failure());
        if let (Some(filter), Some(reason)) = (filter, refused) {
            self.news.push_back(News::SubscriptionRefused { side, filter, reason });
        }
    }

    /// The end that a pipe leads to, and the pipe.
    const fn ends_of(&mut self, from: Side) -> (&mut End, &mut Pipe) {
        let ([site, remote], [outward, inward]) = (&mut self.ends, &mut self.pipes);
        match from {
            Side::Site => (remote, outward),
            Side::Remote => (site, inward),
        }
    }

    const fn end(&self, side: Side) -> &End {
        let [site, remote] = &self.ends;
        match side {
            Side::Site => site,
            Side::Remote => remote,
        }
    }

    const fn end_mut(&mut self, side: Side) -> &mut End {
        let [site, remote] = &mut self.ends;
        match side {
            Side::Site => site,
            Side::Remote => remote,
        }
    }

    const fn pipe(&self, from: Side) -> &Pipe {
        let [outward, inward] = &self.pipes;
        match from {
            Side::Site => outward,
            Side::Remote => inward,
        }
    }

    const fn pipe_mut(&mut self, from: Side) -> &mut Pipe {
        let [outward, inward] = &mut self.pipes;
        match from {
            Side::Site => outward,
            Side::Remote => inward,
        }
    }

    const fn mapping(&self, from: Side) -> &Mapping {
        let [outward, inward] = &self.mappings;
        match from {
            Side::Site => outward,
            Side::Remote => inward,
        }
    }
}

fn limits(plan: &Plan) -> (NonZeroU16, NonZeroU32) {
    let window = NonZeroU16::new(plan.window.min(WINDOW_MAX)).unwrap_or(NonZeroU16::MIN);
    let packet = NonZeroU32::new(plan.packet_bytes_max).unwrap_or(NonZeroU32::MAX);
    (window, packet)
}

/// MQTT 3.1.1 has the QoS only, and the rest is not written there.
fn subscriptions(mapping: &Mapping, no_local: bool) -> Vec<(Box<str>, SubscriptionOptions)> {
    let each = mapping.routes().iter().map(|route| {
        let retain_handling =
            if route.retains() { RetainHandling::SendIfNew } else { RetainHandling::DoNotSend };
        let options = SubscriptionOptions {
            qos: route.qos(),
            no_local,
            retain_as_published: route.retains(),
            retain_handling,
        };
        (route.filter().into(), options)
    });
    each.collect()
}

#[cfg(test)]
mod tests;
