//! Lets the demo world speak: real connections, first the past that each device kept, then live.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use model::{Qos, Timestamp};

use crate::client::{Client, Event, Options as ClientOptions};
use crate::world::{Device, Link, Parcel, World, past_times};
use crate::{Clock, Fault, Stop};

/// Threads that share the connections: the work is mostly waiting.
const WORKERS: usize = 2;
/// Of a device's past between two looks at the devices that are already live.
const PAST_TURN: usize = 16;
const NAP_MAX: Duration = Duration::from_millis(250);
/// Messages of a device in flight. Those of the past hold some 4 KB each.
const WINDOW: u16 = 100;
/// How long a connection that was lost is looked for: a server that restarts with a large journal
/// needs some seconds, and a demo has nothing better to do than to wait.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub struct Options {
    /// `host:port` of the MQTT listener.
    pub address: String,
    pub seed: u64,
    /// Seconds east of Greenwich, for sunrise and shifts.
    pub utc_offset: i32,
    /// How far the past of each device goes back.
    pub past: Duration,
    /// What came until here is known to the site and is not sent again.
    pub known_until: Option<Timestamp>,
}

impl Options {
    #[must_use]
    pub fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            seed: 1,
            utc_offset: 0,
            past: Duration::from_secs(7 * 86_400),
            known_until: None,
        }
    }
}

/// How far the demo is, for whoever wants to show it.
#[derive(Debug, Default)]
pub struct Tally {
    devices_live: AtomicU64,
    devices: AtomicU64,
    past_readings: AtomicU64,
    live_readings: AtomicU64,
    answered: AtomicU64,
}

impl Tally {
    /// Devices that have sent their past and are live.
    #[must_use]
    pub fn devices_live(&self) -> u64 {
        self.devices_live.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn devices(&self) -> u64 {
        self.devices.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn past_readings(&self) -> u64 {
        self.past_readings.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn live_readings(&self) -> u64 {
        self.live_readings.load(Ordering::Relaxed)
    }

    /// Messages that the server acknowledged.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

/// Plays until someone says stop.
///
/// # Errors
/// When the server cannot be reached, refuses, or stays away.
pub fn run(options: &Options, clock: Clock, tally: &Arc<Tally>, stop: &Stop) -> Result<(), Fault> {
    let world = Arc::new(World::new(options.seed, hour_of(Clock::wall()), options.utc_offset));
    let devices = u64::try_from(world.devices().len()).unwrap_or(u64::MAX);
    tally.devices.store(devices, Ordering::Relaxed);
    let mut workers = Vec::new();
    for share in 0..WORKERS {
        let worker = Worker {
            options: options.clone(),
            clock,
            tally: Arc::clone(tally),
            stop: stop.clone(),
            world: Arc::clone(&world),
            live: BTreeMap::new(),
            next_entry: 0,
        };
        let named = thread::Builder::new().name(format!("demo-{share}"));
        let halt = stop.clone();
        let thread = named.spawn(move || {
            let ended = worker.run(share);
            // One connection that cannot go on ends the demo: half a world would mislead.
            halt.stop();
            ended
        });
        workers.push(thread.map_err(Fault::Thread)?);
    }
    let mut ended = Ok(());
    for worker in workers {
        match worker.join() {
            Ok(Ok(()) | Err(Fault::Stopped)) => {}
            Ok(Err(fault)) => ended = Err(fault),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    ended
}

/// The troubles of the world keep their place over a restart within the hour.
fn hour_of(at: Timestamp) -> Timestamp {
    const HOUR_US: i64 = 3_600_000_000;
    Timestamp::from_micros(at.micros().div_euclid(HOUR_US) * HOUR_US)
}

struct Worker {
    options: Options,
    clock: Clock,
    tally: Arc<Tally>,
    stop: Stop,
    world: Arc<World>,
    /// Live connections by when they have something to say; the number breaks ties.
    live: BTreeMap<(Timestamp, u64), Entry>,
    next_entry: u64,
}

/// A live connection and when each of its devices speaks next.
struct Entry {
    client: Client,
    dues: Vec<(usize, Timestamp)>,
}

impl Worker {
    fn run(mut self, share: usize) -> Result<(), Fault> {
        let world = Arc::clone(&self.world);
        for link in world.links().iter().skip(share).step_by(WORKERS) {
            self.join(&world, link)?;
        }
        while !self.stop.is_set() {
            let now = Clock::wall();
            self.speak(now)?;
            let next = self.live.keys().next().map_or(now, |(due, _)| *due);
            if self.stop.wait(next.since(Clock::wall()).min(NAP_MAX)) {
                break;
            }
        }
        self.leave();
        Ok(())
    }

    /// Connects, sends the past of the link's devices, and adds it to the live ones.
    fn join(&mut self, world: &World, link: &Link) -> Result<(), Fault> {
        let mut client = self.connect(link)?;
        let now = Clock::wall();
        let week = now.saturating_sub(self.options.past);
        let from = self.options.known_until.map_or(week, |known| known.max(week));
        let members = link.devices.clone();
        let devices = members.clone().filter_map(|index| world.devices().get(index));
        for device in devices {
            let mut past = world.past(device, past_times(from..now)).peekable();
            while past.peek().is_some() {
                let turn = past.by_ref().take(PAST_TURN);
                self.send(&mut client, turn, &self.tally.past_readings)?;
                self.speak(Clock::wall())?;
            }
        }
        client.drain()?;
        self.count_answers(&mut client);
        let count = u64::try_from(members.len()).unwrap_or_default();
        self.tally.devices_live.fetch_add(count, Ordering::Relaxed);
        let now = Clock::wall();
        let entry = Entry { client, dues: members.map(|index| (index, now)).collect() };
        self.put(entry);
        self.speak(now)
    }

    fn connect(&self, link: &Link) -> Result<Client, Fault> {
        let options = ClientOptions {
            user_name: link.user_name.clone(),
            patience: PATIENCE,
            window: WINDOW,
            ..ClientOptions::new(&self.options.address, &link.client_id)
        };
        Client::connect(options, self.clock, self.stop.clone())
    }

    /// Lets everyone speak who is due.
    fn speak(&mut self, now: Timestamp) -> Result<(), Fault> {
        let world = Arc::clone(&self.world);
        while let Some(entry) = self.live.first_entry().filter(|first| first.key().0 <= now) {
            let mut entry = entry.remove();
            for (index, due) in entry.dues.iter_mut().filter(|(_, due)| *due <= now) {
                let Some(device) = world.devices().get(*index) else { continue };
                let parcels = world.live(device, now);
                self.send(&mut entry.client, parcels.into_iter(), &self.tally.live_readings)?;
                *due = next_due(device, *due, now);
            }
            entry.client.pump(Duration::ZERO)?;
            self.count_answers(&mut entry.client);
            self.put(entry);
        }
        Ok(())
    }

    fn send(
        &self,
        client: &mut Client,
        parcels: impl Iterator<Item = Parcel>,
        counter: &AtomicU64,
    ) -> Result<(), Fault> {
        for parcel in parcels {
            let payload = parcel.payload.as_bytes();
            client.publish(&parcel.topic, payload, Qos::AtLeastOnce, false)?;
            let readings = u64::try_from(parcel.readings).unwrap_or_default();
            counter.fetch_add(readings, Ordering::Relaxed);
            self.count_answers(client);
        }
        Ok(())
    }

    fn count_answers(&self, client: &mut Client) {
        while let Some(event) = client.poll_event() {
            if let Event::Answered { .. } = event {
                self.tally.answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn put(&mut self, entry: Entry) {
        let due = entry.dues.iter().map(|(_, due)| *due).min().unwrap_or_default();
        self.live.insert((due, self.next_entry), entry);
        self.next_entry += 1;
    }

    /// A server that is already gone needs no goodbye.
    fn leave(self) {
        for entry in self.live.into_values() {
            drop(entry.client.disconnect());
        }
    }
}

/// A device keeps its rhythm, but does not make up for what it slept through.
fn next_due(device: &Device, due: Timestamp, now: Timestamp) -> Timestamp {
    let next = due.saturating_add(device.every);
    if next > now { next } else { now.saturating_add(device.every) }
}

#[cfg(test)]
mod tests;
