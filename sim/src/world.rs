//! Chance and time: devices, network, faults and crashes around one site.

use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use edge::Now;
use history::storage::memory::{Fault, Memory, Unsynced};
use journal::mem::{MemDisk, Trouble};
use registry::Registry;

use crate::device::Device;
use crate::listener::{Listener, News};
use crate::oracle::{self, Violation};
use crate::random::Random;
use crate::site::{Disks, Sabotage, Site, dawn, later};

/// Steps of one run, before the last restart and the last check.
const STEPS: usize = 400;

/// Devices of one run.
const DEVICES: usize = 3;

/// Steps in which everything that is owed has to arrive: each fetches what is committed.
const QUIET_STEPS: usize = 40;

/// What a run reached, so that it can be seen to prove something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub acknowledged: u64,
    pub crashes: u64,
    pub flushes: u64,
    /// Times that files of one day became fewer.
    pub merges: u64,
    /// Wishes to forget a device.
    pub erasures: u64,
    /// Faults of the disks that were planned.
    pub faults: u64,
    /// Messages that the subscriber got.
    pub delivered: u64,
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.crashes += other.crashes;
        self.flushes += other.flushes;
        self.merges += other.merges;
        self.erasures += other.erasures;
        self.faults += other.faults;
        self.delivered += other.delivered;
    }
}

struct World {
    random: Random,
    disks: Disks,
    /// `None` while it is down.
    site: Option<Site>,
    devices: Vec<Device>,
    listener: Listener,
    now: Now,
    sabotage: Sabotage,
    outcome: Outcome,
}

/// Runs the world of one seed to its end.
///
/// # Errors
/// The first violation that the oracle sees.
pub fn run(seed: u64, sabotage: Sabotage) -> Result<Outcome, Violation> {
    let mut world = World::new(seed, sabotage);
    for _ in 0..STEPS {
        world.step()?;
    }
    world.crash();
    world.start(&mut 0)?;
    world.come_to_rest()?;
    oracle::check_delivered(&world.listener, &world.devices)?;
    world.outcome.delivered = world.listener.count();
    world.outcome.acknowledged =
        world.devices.iter().map(|device| device.acknowledged.len() as u64).sum();
    Ok(world.outcome)
}

impl World {
    fn new(seed: u64, sabotage: Sabotage) -> Self {
        let mut random = Random::new(seed);
        let registry = Registry::in_memory();
        assert!(registry.is_ok(), "SQLite has memory");
        let disks = Disks {
            journal: MemDisk::new(random.next_u64()),
            tables: Memory::default(),
            registry: Arc::new(registry.unwrap_or_else(|_fault| unreachable!())),
        };
        let devices = (0..DEVICES)
            .map(|number| Device::new(format!("d{number}"), random.one_in(2)))
            .collect();
        Self {
            random,
            disks,
            site: None,
            devices,
            listener: Listener::default(),
            now: dawn(),
            sabotage,
            outcome: Outcome::default(),
        }
    }

    fn step(&mut self) -> Result<(), Violation> {
        self.now = later(self.now, Duration::from_millis(self.random.below(50) as u64));
        if self.site.is_none() {
            return self.start(&mut 0);
        }
        match self.random.weighted(&[40, 30, 20, 20, 20, 2, 2, 2, 1, 1]) {
            0 => self.somebody_acts(),
            1 => self.network(),
            2 => self.with_site(|site, _, now| site.submit(now)),
            3 => self.with_site(|site, _, _| site.commit()),
            4 => self.with_site(|site, random, now| site.ingest(1 + random.below(20), now)),
            5 => self.flush()?,
            6 => self.plan_fault(),
            7 => self.with_site(|site, _, now| site.timers(now)),
            8 => self.erase(),
            _ => self.crash(),
        }
        self.with_site(|site, _, now| {
            site.settle(now);
            site.fetch();
            site.exchange();
        });
        self.deliver()?;
        if self.site.as_ref().is_some_and(|site| site.failed) {
            self.crash();
        }
        Ok(())
    }

    fn with_site(&mut self, act: impl FnOnce(&mut Site, &mut Random, Now)) {
        if let Some(site) = &mut self.site {
            act(site, &mut self.random, self.now);
        }
    }

    /// One device connects, publishes, or loses its connection; or the listener does.
    fn somebody_acts(&mut self) {
        let index = self.random.below(self.devices.len() + 1);
        if index == self.devices.len() {
            return self.listener_acts();
        }
        let (Some(site), Some(device)) = (&mut self.site, self.devices.get_mut(index)) else {
            return;
        };
        match device.at {
            None => {
                let bytes = device.connect();
                device.at = site.open(self.random.below(2), self.now);
                device.wire = bytes;
            }
            Some(at) if self.random.one_in(25) => {
                site.lose(at, self.now);
                device.lose();
            }
            Some(_) => device.publish(&mut self.random),
        }
    }

    fn listener_acts(&mut self) {
        let Some(site) = &mut self.site else { return };
        match self.listener.at {
            None => {
                self.listener.connect();
                self.listener.at = site.open(self.random.below(2), self.now);
            }
            Some(at) if self.random.one_in(10) => {
                site.lose(at, self.now);
                self.listener.lose();
            }
            Some(_) => {}
        }
    }

    /// Somebody wants a device forgotten that has nothing under way: then all it sent is before the
    /// wish, and what it sends later is after it.
    fn erase(&mut self) {
        let index = self.random.below(self.devices.len());
        let (Some(site), Some(device)) = (&mut self.site, self.devices.get_mut(index)) else {
            return;
        };
        if !device.is_quiet() {
            return;
        }
        if let Some(position) = site.erase(&device.topic(), self.now) {
            device.erase(position);
            self.outcome.erasures += 1;
        }
    }

    /// The network carries some bytes of one device or of the listener to the site.
    fn network(&mut self) {
        let index = self.random.below(self.devices.len() + 1);
        if index == self.devices.len() {
            let count = 1 + self.random.below(self.listener.wire.len());
            return self.listener_sends(count);
        }
        let (Some(site), Some(device)) = (&mut self.site, self.devices.get_mut(index)) else {
            return;
        };
        let Some(at) = device.at else { return };
        let count = 1 + self.random.below(device.wire.len());
        let count = count.min(device.wire.len());
        let bytes: Vec<u8> = device.wire.drain(..count).collect();
        device.at = site.receive(at, &bytes, self.now);
    }

    fn listener_sends(&mut self, count: usize) {
        let (Some(site), Some(at)) = (&mut self.site, self.listener.at) else { return };
        let count = count.min(self.listener.wire.len());
        let bytes: Vec<u8> = self.listener.wire.drain(..count).collect();
        self.listener.at = site.receive(at, &bytes, self.now);
    }

    /// The site's bytes reach the devices; whatever they acknowledge must be visible already.
    fn deliver(&mut self) -> Result<(), Violation> {
        let Some(site) = &mut self.site else { return Ok(()) };
        for device in &mut self.devices {
            let Some(at) = device.at else { continue };
            let most = 1 + self.random.below(200);
            let Some(bytes) = site.send(at, most) else {
                site.lose(at, self.now);
                device.lose();
                continue;
            };
            for number in device.hear(&bytes) {
                oracle::check_acknowledged(&site.reader, &site.horizon, device, number)?;
            }
        }
        let most = 1 + self.random.below(400);
        self.deliver_to_listener(most)
    }

    fn deliver_to_listener(&mut self, most: usize) -> Result<(), Violation> {
        let (Some(site), Some(at)) = (&mut self.site, self.listener.at) else { return Ok(()) };
        let Some(bytes) = site.send(at, most) else {
            site.lose(at, self.now);
            self.listener.lose();
            return Ok(());
        };
        for news in self.listener.hear(&bytes) {
            match news {
                News::SessionLost => return Err(Violation::SessionLost),
                News::Subscribed => {
                    for device in &mut self.devices {
                        let sent = device.sent();
                        device.owed_from.get_or_insert(sent);
                    }
                }
            }
        }
        Ok(())
    }

    /// Nothing new happens, the listener stays connected, and everything that is owed arrives.
    fn come_to_rest(&mut self) -> Result<(), Violation> {
        for _ in 0..QUIET_STEPS {
            if self.site.as_ref().is_none_or(|site| site.failed) {
                self.crash();
                self.start(&mut 0)?;
            }
            if self.listener.at.is_none() {
                self.listener.connect();
                self.listener.at = self.site.as_mut().and_then(|site| site.open(0, self.now));
            }
            self.listener_sends(usize::MAX);
            self.with_site(|site, _, now| {
                site.submit(now);
                site.commit();
                site.ingest(usize::MAX, now);
                site.settle(now);
                site.fetch();
                site.exchange();
            });
            self.deliver_to_listener(usize::MAX)?;
        }
        Ok(())
    }

    /// Whatever files say afterwards, what is seen is the same.
    fn flush(&mut self) -> Result<(), Violation> {
        self.outcome.flushes += 1;
        let mut merges = 0;
        self.with_site(|site, random, now| {
            site.flush(now);
            // A run is short, a day is long: sometimes it is over.
            let days = random.below(3) as u64;
            merges = site.merge(later(now, Duration::from_secs(days * 24 * 3_600)));
        });
        self.outcome.merges += merges;
        match &self.site {
            Some(site) if !site.failed => {
                oracle::check_all(&site.reader, &site.horizon, &self.devices).map(|_seen| ())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// One of the next calls to a disk goes wrong.
    fn plan_fault(&mut self) {
        self.outcome.faults += 1;
        if self.random.one_in(2) {
            let call = self.disks.journal.calls() + self.random.below(12) as u64;
            let trouble = match self.random.below(3) {
                0 => Trouble::Error,
                1 => Trouble::Full,
                _ => Trouble::PowerCut,
            };
            self.disks.journal.plan(call, trouble);
        } else {
            let call = self.disks.tables.calls() + self.random.below(12) as u64;
            let fault = if self.random.one_in(2) { Fault::PowerCut } else { Fault::Once };
            self.disks.tables.fail_at(call, fault);
        }
    }

    /// The process dies, with the power or without it.
    fn crash(&mut self) {
        self.outcome.crashes += 1;
        self.site = None;
        let power = self.random.one_in(2) || self.disks.journal.is_powerless();
        let seed = self.random.next_u64();
        self.disks.journal = if power {
            self.disks.journal.after_power_cut(seed)
        } else {
            self.disks.journal.after_kill()
        };
        let unsynced = match (power, self.random.below(3)) {
            (true, 0) => Unsynced::Lost,
            (true, 1) => Unsynced::NamesOnly,
            _ => Unsynced::Kept,
        };
        self.disks.tables.crash(unsynced);
        assert!(self.disks.registry.reload().is_ok(), "SQLite has memory");
        self.devices.iter_mut().for_each(Device::lose);
        self.listener.lose();
    }

    /// Starts the site, however often it takes, and holds all of history against the devices.
    fn start(&mut self, attempts: &mut u32) -> Result<(), Violation> {
        while self.site.is_none() {
            self.site = Site::start(&self.disks, self.now, self.sabotage);
            *attempts += 1;
            assert!(*attempts < 20, "a site whose disks work starts");
            if self.site.is_none() {
                self.crash();
            }
        }
        match &self.site {
            Some(site) => {
                let last = site.last();
                self.devices.iter_mut().for_each(|device| device.settle_erasures(last));
                oracle::check_all(&site.reader, &site.horizon, &self.devices).map(|_seen| ())
            }
            None => Ok(()),
        }
    }
}
