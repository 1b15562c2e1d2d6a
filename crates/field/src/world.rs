//! The demo world: a greenhouse co-operative, a bottling line and a water network.
//!
//! A pure function of seed, device and time: the same question has the same answer, so a second
//! run repeats the first one and the past of a device fits its present.

use std::ops::Range;
use std::time::Duration;

use model::Timestamp;

mod bottling;
mod calendar;
mod devices;
mod greenhouse;
mod noise;
mod sample;
mod sky;
mod trouble;
mod water;
mod wire;

use calendar::Local;
pub use devices::{Device, Kind, Link, Speech};
use noise::Noise;
pub use sample::Sample;
use sample::Samples;
pub use trouble::{Trouble, What};
pub use wire::{LEAVES_MAX, Parcel};

/// A world from a seed. See `World::samples`.
#[derive(Debug)]
pub struct World {
    noise: Noise,
    /// The troubles are placed around this time, so that a visitor at this time sees them.
    anchor: Timestamp,
    utc_offset: i64,
    devices: Vec<Device>,
    links: Vec<Link>,
    troubles: Vec<Trouble>,
    plan: bottling::Plan,
    demand: water::Demand,
}

/// One moment as a device sees it.
struct Here<'a> {
    world: &'a World,
    at: Timestamp,
    local: Local,
    /// Of this device alone.
    noise: Noise,
    /// `1` for `pump-1`.
    number: u8,
}

impl World {
    /// `utc_offset` in seconds moves sunrise and shifts to where the visitor is.
    #[must_use]
    pub fn new(seed: u64, anchor: Timestamp, utc_offset: i32) -> Self {
        let (devices, links) = devices::list();
        Self {
            noise: Noise::new(seed),
            anchor,
            utc_offset: i64::from(utc_offset),
            devices,
            links,
            troubles: trouble::around(anchor),
            plan: bottling::Plan::new(),
            demand: water::Demand::new(),
        }
    }

    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The connections, each with the devices that speak over it: one, or those of a gateway.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// What goes wrong in this world, and when.
    #[must_use]
    pub fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }

    /// What a device measures at a time; nothing when it is silent.
    #[must_use]
    pub fn samples(&self, device: &Device, at: Timestamp) -> Vec<Sample> {
        if self.in_trouble(device, What::Silent, at).is_some()
            || (device.kind.is_bottling() && self.trouble(What::PowerCut, at).is_some())
        {
            return Vec::new();
        }
        let mut samples = self.measure(device, at);
        if let Some(stuck) = self.in_trouble(device, What::Stuck, at) {
            let frozen = self.measure(device, stuck.from);
            if let (Some(first), Some(old)) = (samples.first_mut(), frozen.first()) {
                *first = *old;
            }
        }
        samples
    }

    /// The messages of one moment, as the device sends them while it is connected.
    #[must_use]
    pub fn live(&self, device: &Device, at: Timestamp) -> Vec<Parcel> {
        wire::live(device, at, &self.samples(device, at))
    }

    /// The messages of many moments, as a device sends what it kept while it was not connected.
    pub fn past<'a>(
        &'a self,
        device: &'a Device,
        times: impl Iterator<Item = Timestamp> + 'a,
    ) -> impl Iterator<Item = Parcel> + 'a {
        let rows = times.map(move |at| (at, self.samples(device, at)));
        wire::past(device, rows.filter(|(_, samples)| !samples.is_empty()))
    }

    fn measure(&self, device: &Device, at: Timestamp) -> Vec<Sample> {
        let here = Here {
            world: self,
            at,
            local: Local::new(at, self.utc_offset),
            noise: self.noise.of(device.salt()),
            number: device.number,
        };
        let mut samples = Samples::default();
        measure(device.kind, &here, &mut samples);
        samples.into_vec()
    }

    fn trouble(&self, what: What, at: Timestamp) -> Option<&Trouble> {
        self.troubles.iter().find(|it| it.what == what && it.holds(at))
    }

    fn in_trouble(&self, device: &Device, what: What, at: Timestamp) -> Option<&Trouble> {
        self.trouble(what, at).filter(|it| it.device == device.name)
    }
}

impl Here<'_> {
    /// Whole minutes since midnight, to look something up.
    fn minute_of_day(&self) -> usize {
        let local = self.at.micros().saturating_add(self.world.utc_offset * 1_000_000);
        usize::try_from(local.div_euclid(60_000_000).rem_euclid(1_440)).unwrap_or_default()
    }

    /// The same place at another time.
    fn earlier(&self, by: Duration) -> Self {
        let at = self.at.saturating_sub(by);
        Here { at, local: Local::new(at, self.world.utc_offset), ..*self }
    }

    /// Nearby moments differ little: within about `span` the value wanders by about one.
    fn drift(&self, salt: u64, span: Duration) -> f64 {
        self.noise.of(salt).smooth(self.at, span)
    }

    /// What a cheap sensor adds to every value, about one.
    fn jitter(&self, salt: u64) -> f64 {
        self.noise.of(salt).normal(self.at.millis())
    }

    /// Fixed for a device, between -1 and 1: no two are mounted alike.
    fn bias(&self, salt: u64) -> f64 {
        self.noise.of(salt).uniform(0).mul_add(2.0, -1.0)
    }

    fn trouble(&self, what: What) -> Option<&Trouble> {
        self.world.trouble(what, self.at)
    }

    /// The trouble of this kind, when it is at the device of this kind and number.
    fn own_trouble(&self, what: What, kind: Kind) -> Option<&Trouble> {
        self.trouble(what).filter(|it| it.device == devices::name(kind, self.number))
    }
}

fn measure(kind: Kind, here: &Here<'_>, out: &mut Samples) {
    match kind {
        Kind::Weather => greenhouse::weather(here, out),
        Kind::Climate => greenhouse::climate(here, out),
        Kind::Soil => greenhouse::soil(here, out),
        Kind::Irrigation => greenhouse::irrigation(here, out),
        Kind::Coldstore => greenhouse::coldstore(here, out),
        Kind::Boiler => greenhouse::boiler(here, out),
        Kind::Filler => bottling::machine(here, out, bottling::filler),
        Kind::Capper => bottling::machine(here, out, bottling::capper),
        Kind::Labeller => bottling::machine(here, out, bottling::labeller),
        Kind::Packer => bottling::machine(here, out, bottling::packer),
        Kind::Vibration => bottling::vibration(here, out),
        Kind::Compressor => bottling::compressor(here, out),
        Kind::Chiller => bottling::chiller(here, out),
        Kind::Hall => bottling::hall(here, out),
        Kind::Meter => bottling::meter(here, out),
        Kind::Tank => water::tank(here, out),
        Kind::Pump => water::pump(here, out),
        Kind::Well => water::well(here, out),
        Kind::Zone => water::zone(here, out),
        Kind::Quality => water::quality(here, out),
    }
}

/// The times at which a device of the past measured: every five minutes for the week, every minute
/// for the last twelve hours, on the marks of the clock, so that a second run repeats them.
pub fn past_times(range: Range<Timestamp>) -> impl Iterator<Item = Timestamp> {
    const COARSE_US: i64 = 300_000_000;
    const FINE_US: i64 = 60_000_000;
    const FINE_SPAN: Duration = Duration::from_secs(12 * 3600);
    let fine_from = range.end.saturating_sub(FINE_SPAN);
    let first = range.start.micros().div_euclid(FINE_US) * FINE_US + FINE_US;
    let fine = move |at: &i64| *at >= fine_from.micros() || at.rem_euclid(COARSE_US) == 0;
    let times = std::iter::successors(Some(first), |at| at.checked_add(FINE_US));
    let end = range.end.micros();
    times.take_while(move |at| *at < end).filter(fine).map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests;
