//! A script against one broker.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use mqtt::{Connect, Disconnect, Packet, Properties, Reason, Version};

use super::heard::Heard;
use super::line::{Line, Marks};
use super::script::{NAME, Phase, Script};

/// One of the two brokers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broker {
    pub(super) address: SocketAddr,
    /// What does not come for so long, does not come.
    pub(super) patience: Duration,
}

/// What each connection heard, in the order in which they were opened.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) heard: Vec<Heard>,
    pub(super) marks: Vec<Marks>,
}

/// Waits for as many messages on each connection as `due` says. The names of `run` are taken by
/// nobody else on this broker.
pub(super) fn play(broker: Broker, script: &Script, run: u64, due: &[Marks]) -> Result<Played> {
    let mut player = Player { broker, run, due, lines: [None, None], over: Vec::new() };
    for phase in &script.phases {
        match phase {
            Phase::Connect { sender, packet, lazy } => {
                player.connect(*sender, script.version(*sender), packet, *lazy)?;
            }
            Phase::Send { sender, packets } => player.send(*sender, packets),
        }
    }
    player.end()
}

struct Player<'a> {
    broker: Broker,
    run: u64,
    due: &'a [Marks],
    lines: [Option<(usize, Line)>; 2],
    /// What was heard on connections that are over, by when they were opened.
    over: Vec<Option<(Heard, Marks)>>,
}

impl Player<'_> {
    fn named(&self, packet: &[u8]) -> Vec<u8> {
        let name = format!("d{:07}", self.run % 10_000_000);
        let mut packet = packet.to_vec();
        let places: Vec<usize> = packet
            .windows(NAME.len())
            .enumerate()
            .filter(|(_, window)| *window == NAME.as_bytes())
            .map(|(at, _)| at)
            .collect();
        for at in places {
            if let Some(place) = packet.get_mut(at..at + NAME.len()) {
                place.copy_from_slice(name.as_bytes());
            }
        }
        packet
    }

    fn connect(
        &mut self,
        sender: usize,
        version: Version,
        packet: &[u8],
        lazy: bool,
    ) -> Result<()> {
        let number = self.over.len();
        let due = self.due.get(number).cloned().unwrap_or_default();
        let line = Line::open(self.broker, version, lazy, due)?.greet(&self.named(packet));
        self.over.push(None);
        let Some(place) = self.lines.get_mut(sender) else { return Ok(()) };
        if let Some((number, mut old)) = place.replace((number, line)) {
            old.read_to_the_end();
            self.finish(number, old);
        }
        self.settle_other(sender);
        Ok(())
    }

    fn send(&mut self, sender: usize, packets: &[Vec<u8>]) {
        let packets: Vec<Vec<u8>> = packets.iter().map(|packet| self.named(packet)).collect();
        let Some(Some((_, line))) = self.lines.get_mut(sender) else { return };
        line.say(&packets);
        if !line.is_open() {
            self.drop_line(sender);
        }
        self.settle_other(sender);
    }

    /// What one sender says may reach the other.
    fn settle_other(&mut self, sender: usize) {
        let other = 1 - sender;
        let Some(Some((_, line))) = self.lines.get_mut(other) else { return };
        line.settle();
        if !line.is_open() {
            self.drop_line(other);
        }
    }

    fn drop_line(&mut self, sender: usize) {
        if let Some((number, line)) = self.lines.get_mut(sender).and_then(Option::take) {
            self.finish(number, line);
        }
    }

    fn finish(&mut self, number: usize, line: Line) {
        let name = self.named(NAME.as_bytes());
        if let Some(place) = self.over.get_mut(number) {
            let (heard, marks) = line.into_heard();
            *place = Some((heard.without_name(&name), marks));
        }
    }

    /// Ends both sessions, so that the broker keeps nothing for clients that never come back.
    fn end(mut self) -> Result<Played> {
        for sender in 0..2 {
            self.drop_line(sender);
            let client_id = format!("{NAME}-{sender}");
            let connect = Connect {
                version: Version::V311,
                clean_start: true,
                keep_alive: 0,
                client_id: &client_id,
                will: None,
                user_name: None,
                password: None,
                properties: Properties::NONE,
            };
            let (mut hello, mut goodbye) = (Vec::new(), Vec::new());
            connect.encode(&mut hello)?;
            let disconnect = Packet::Disconnect(Disconnect::new(Reason::Success));
            disconnect.encode(Version::V311, &mut goodbye)?;
            let hello = self.named(&hello);
            let line = Line::open(self.broker, Version::V311, false, Marks::new())?;
            line.greet(&hello).say(&[goodbye]);
        }
        let (heard, marks) = self.over.into_iter().flatten().unzip();
        Ok(Played { heard, marks })
    }
}
