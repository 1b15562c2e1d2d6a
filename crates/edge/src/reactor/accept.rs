//! How connections come in and go: who is let in, and what a connection takes with it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use hub::ConnectionKey;
use mio::Token;
use model::Event;

use super::{LISTENERS, Reactor};
use crate::clock::Now;
use crate::gate::Refusal;
use crate::transport::{Mark, Wire};

/// New connections a listener takes in one turn, so that a flood of them does not starve the others.
const ACCEPTS_PER_TURN: usize = 256;

/// When to try again after there was no file descriptor for a connection.
const STARVED_FOR: Duration = Duration::from_millis(100);

impl Reactor {
    pub(super) fn accept(&mut self, index: usize, now: Now) {
        for _ in 0..ACCEPTS_PER_TURN {
            let Some(listener) = self.listeners.get(index) else { return };
            match listener.accept() {
                Ok((socket, peer)) => self.welcome(index, socket, peer, now),
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => return,
                // A peer that left at once; the next one is behind it.
                Err(fault) if fault.kind() == ErrorKind::ConnectionAborted => {}
                Err(fault) => {
                    // Out of file descriptors: the connections that are open go on. The poll tells
                    // of new ones only once, so somebody has to come back for these.
                    self.shared.meter.count(Event::ConnectionRefused);
                    tracing::warn!(%fault, "a connection could not be accepted");
                    self.shard.evict(self.shard.most_unfinished(), now);
                    self.starved = Some(now.moment.saturating_add(STARVED_FOR));
                    return;
                }
            }
        }
        // Edge-triggered: nobody will say again that there are more.
        if let Some(listener) = self.listeners.get_mut(index) {
            let _woken = listener.rearm(self.poll.registry(), Token(LISTENERS + index));
        }
    }

    fn welcome(&mut self, index: usize, socket: OwnedFd, peer: SocketAddr, now: Now) {
        if let Err(refusal) = self.let_in(index, peer, now) {
            return self.shared.meter.count(refusal.event());
        }
        let Some(door) = self.shared.doors.get(index) else { return };
        match door.wire(socket, u8::try_from(index).unwrap_or(u8::MAX)) {
            Ok(mut wire) => {
                wire.set(Mark::Counted, !door.proxy);
                if self.adopt(wire, peer, now).is_some() {
                    self.shared.meter.count(Event::ConnectionOpened);
                }
            }
            Err(fault) => {
                if !door.proxy {
                    door.gate.leave_from(&door.limits(), peer.ip(), now.moment);
                }
                door.gate.leave();
                self.shared.meter.count(Event::TransportFailed);
                tracing::warn!(%fault, "a connection could not be prepared");
            }
        }
    }

    /// Whether a listener has room for one more. Where only the unfinished take up too much of it,
    /// the oldest of them goes.
    fn let_in(&mut self, index: usize, peer: SocketAddr, now: Now) -> Result<(), Refusal> {
        let doors = &self.shared.doors;
        let Some(door) = doors.get(index) else { return Err(Refusal::Full) };
        let limits = door.limits();
        let mut made_room = false;
        match door.gate.enter(&limits, now.moment) {
            Err(Refusal::Full) if self.shard.evict(index, now) => {
                made_room = true;
                door.gate.enter_anyway();
            }
            entered => entered?,
        }
        // Who speaks through a proxy is known later.
        if !door.proxy {
            let entered = door.gate.enter_from(&limits, peer.ip(), now.moment);
            entered.inspect_err(|_refused| door.gate.leave())?;
        }
        let all: usize = doors.iter().map(|door| door.gate.connections()).sum();
        let full = all > self.shared.connections_max && !made_room;
        if full && !self.shard.evict(self.shard.most_unfinished(), now) {
            if !door.proxy {
                door.gate.leave_from(&limits, peer.ip(), now.moment);
            }
            door.gate.leave();
            return Err(Refusal::Full);
        }
        if !full && !made_room && self.shard.is_crowded(index) {
            self.shard.evict(index, now);
        }
        Ok(())
    }

    /// Listeners that could accept nobody for want of file descriptors try again.
    pub(super) fn accept_again(&mut self, now: Now) {
        if self.starved.is_none_or(|at| at > now.moment) {
            return;
        }
        self.starved = None;
        for index in 0..self.listeners.len() {
            self.accept(index, now);
        }
    }

    /// Registers a socket and opens its connection.
    pub(super) fn adopt(
        &mut self,
        wire: Wire,
        peer: SocketAddr,
        now: Now,
    ) -> Option<ConnectionKey> {
        let Some(key) = self.shard.open_at((peer, u16::from(wire.door)), now.moment) else {
            self.shared.meter.count(Event::ConnectionRefused);
            self.close(wire, peer);
            return None;
        };
        let slot = key.0 as usize;
        if let Err(fault) = wire.register(self.poll.registry(), Token(slot)) {
            tracing::debug!(%fault, "a connection could not be registered");
            self.shard.release(key);
            self.close(wire, peer);
            return None;
        }
        if self.wires.len() <= slot {
            self.wires.resize_with(slot + 1, || None);
        }
        if let Some(place) = self.wires.get_mut(slot) {
            *place = Some(wire);
        }
        Some(key)
    }

    /// Dropping the socket closes it, which also takes it out of the poll.
    pub(super) fn close(&self, wire: Wire, peer: SocketAddr) {
        if let Some(door) = self.shared.doors.get(usize::from(wire.door)) {
            if wire.is(Mark::Counted) {
                let now = self.shared.clock.now();
                door.gate.leave_from(&door.limits(), peer.ip(), now.moment);
            }
            door.gate.leave();
        }
        drop(wire);
    }
}
