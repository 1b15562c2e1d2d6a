//! Chance and time: devices, network, faults and crashes around one site.

use std::sync::Arc;
use std::time::Duration;

use edge::Now;
use history::storage::memory::{Fault, Memory, Unsynced};
use journal::mem::{MemDisk, Trouble};
use registry::Registry;

use crate::device::Device;
use crate::oracle::{self, Violation};
use crate::random::Random;
use crate::site::{Disks, Sabotage, Site, dawn, later};

/// Steps of one run, before the last restart and the last check.
const STEPS: usize = 400;

/// Devices of one run.
const DEVICES: usize = 3;

/// What a run reached, so that it can be seen to prove something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub acknowledged: u64,
    pub crashes: u64,
    pub flushes: u64,
    /// Faults of the disks that were planned.
    pub faults: u64,
}

struct World {
    random: Random,
    disks: Disks,
    /// `None` while it is down.
    site: Option<Site>,
    devices: Vec<Device>,
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
        match self.random.weighted(&[40, 30, 20, 20, 20, 2, 2, 2, 1]) {
            0 => self.device_acts(),
            1 => self.network(),
            2 => self.with_site(|site, _, now| site.submit(now)),
            3 => self.with_site(|site, _, _| site.commit()),
            4 => self.with_site(|site, random, now| site.ingest(1 + random.below(20), now)),
            5 => self.flush(),
            6 => self.plan_fault(),
            7 => self.with_site(|site, _, now| site.timers(now)),
            _ => self.crash(),
        }
        self.with_site(|site, _, _| {
            site.settle();
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

    /// One device connects, publishes, or loses its connection.
    fn device_acts(&mut self) {
        let index = self.random.below(self.devices.len());
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

    /// The network carries some bytes of one device to the site.
    fn network(&mut self) {
        let index = self.random.below(self.devices.len());
        let (Some(site), Some(device)) = (&mut self.site, self.devices.get_mut(index)) else {
            return;
        };
        let Some(at) = device.at else { return };
        let count = 1 + self.random.below(device.wire.len());
        let count = count.min(device.wire.len());
        let bytes: Vec<u8> = device.wire.drain(..count).collect();
        device.at = site.receive(at, &bytes, self.now);
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
        Ok(())
    }

    fn flush(&mut self) {
        self.outcome.flushes += 1;
        self.with_site(|site, _, now| site.flush(now));
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
        self.devices.iter_mut().for_each(Device::lose);
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
                oracle::check_all(&site.reader, &site.horizon, &self.devices).map(|_seen| ())
            }
            None => Ok(()),
        }
    }
}
