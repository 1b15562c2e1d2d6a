//! Two bottling lines with shifts, breaks and stops, and the plant around them.

use std::time::Duration;

use super::calendar::{DAY_S, Local};
use super::sky::Sky;
use super::{Here, Kind, Samples, What};

const MINUTES_5: Duration = Duration::from_secs(300);
const MINUTES_40: Duration = Duration::from_secs(2_400);

/// A slot has one stop with this chance.
const STOP_CHANCE: f64 = 0.12;
const SLOT_MINUTES: f64 = 15.0;
const CHANGEOVER_MINUTES: f64 = 35.0;
/// Minutes without a person at the line: breaks and the change of shifts.
const BREAKS: [(f64, f64); 3] = [(600.0, 620.0), (840.0, 852.0), (1_080.0, 1_100.0)];

/// The hours worked, without the accidents of a day: what the counters of energy go by.
#[derive(Debug)]
pub(super) struct Plan {
    /// Hours worked from Monday midnight to the end of each minute of the week.
    worked: Vec<f64>,
}

impl Plan {
    pub(super) fn new() -> Self {
        let mut sum = 0.0;
        let minutes = (0..7_i64).flat_map(|weekday| (0_u16..1_440).map(move |at| (weekday, at)));
        let worked = minutes.map(|(weekday, at)| {
            let local = Local { day: 0, minute: f64::from(at), weekday };
            sum += if staffed(local) { 1.0 / 60.0 } else { 0.0 };
            sum
        });
        Self { worked: worked.collect() }
    }

    /// Hours worked since a Monday in 1970: a counter that only grows.
    fn hours(&self, local: Local, minute_of_day: usize) -> f64 {
        let week = (local.day - local.weekday).div_euclid(7) as f64;
        let day = usize::try_from(local.weekday).unwrap_or_default();
        let this_week = self.worked.get(day * 1_440 + minute_of_day).copied();
        let whole = self.worked.last().copied().unwrap_or_default();
        week * whole + this_week.unwrap_or_default()
    }
}

/// Monday to Friday two shifts, Saturday one, Sunday none.
fn staffed(local: Local) -> bool {
    let until = match local.weekday {
        0..=4 => 1_320.0,
        5 => 840.0,
        _ => 0.0,
    };
    (360.0..until).contains(&local.minute)
        && !BREAKS.iter().any(|(from, to)| (*from..*to).contains(&local.minute))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Off,
    Pause,
    Changeover,
    Stopped,
    Running,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Pause => "pause",
            Self::Changeover => "changeover",
            Self::Stopped => "stopped",
            Self::Running => "running",
        }
    }
}

/// The state of a line at a minute of the day of `here`. All machines of a line share it.
fn state(here: &Here<'_>, local: Local) -> State {
    let line = here.world.noise.of(700 + u64::from(here.number));
    if !staffed(local) {
        let pause = local.weekday < 6 && (360.0..1_320.0).contains(&local.minute);
        return if pause && staffed(local.at_minute(599.0)) && local.minute < 1_101.0 {
            State::Pause
        } else {
            State::Off
        };
    }
    let changeover = 420.0 + 780.0 * line.of(1).uniform(local.day);
    if (changeover..changeover + CHANGEOVER_MINUTES).contains(&local.minute) {
        return State::Changeover;
    }
    let slots = (local.minute / SLOT_MINUTES).floor();
    let since = local.minute - slots * SLOT_MINUTES;
    // Only a key: its bits name the slot as well as a number would.
    let slot = slots.to_bits().cast_signed();
    let line = line.of(local.day.cast_unsigned());
    if line.of(4).uniform(slot) >= STOP_CHANCE {
        return State::Running;
    }
    let from = 8.0 * line.of(2).uniform(slot);
    let lasts = 1.0 + 6.0 * line.of(3).uniform(slot);
    if (from..from + lasts).contains(&since) { State::Stopped } else { State::Running }
}

/// Bottles a minute at full speed.
fn nominal(here: &Here<'_>) -> f64 {
    if here.number == 1 { 200.0 } else { 320.0 }
}

/// How the line is doing, for the machines on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    running: bool,
    /// Since midnight.
    bottles: f64,
}

/// What the machines of a line have in common: five signals, and what one of them adds.
pub(super) fn machine(here: &Here<'_>, out: &mut Samples, own: fn(&Here<'_>, Run, &mut Samples)) {
    let state = state(here, here.local);
    let running = state == State::Running;
    let pace = 0.965 + 0.012 * here.drift(1, MINUTES_5);
    let speed = if running { nominal(here) * pace } else { 0.0 };
    let heat = recent_work(here);
    out.number("carousel_rpm", "rpm", speed / 32.0 + small(here, running, 0.01), 2);
    out.number("motor_temp_C", "Cel", 23.0 + 31.0 * heat + 0.25 * here.jitter(2), 1);
    let power = 0.35 + if running { 5.4 * pace + 0.12 * here.jitter(3) } else { 0.0 };
    out.number("power_kW", "kW", power, 2);
    let run = Run { running, bottles: bottles_today(here) };
    out.number("bottles_today", "count", run.bottles, 0);
    out.text("state", state.word());
    own(here, run, out);
}

fn small(here: &Here<'_>, running: bool, size: f64) -> f64 {
    if running { size * here.jitter(9) } else { 0.0 }
}

/// The share of the last 40 minutes that the line ran, recent ones first.
fn recent_work(here: &Here<'_>) -> f64 {
    let mut heat = 0.0;
    let mut weight = 1.0;
    let mut weights = 0.0;
    for back in 0..40_u32 {
        let then = here.earlier(Duration::from_secs(60) * back);
        heat += if state(&then, then.local) == State::Running { weight } else { 0.0 };
        weights += weight;
        weight *= 0.94;
    }
    heat / weights
}

fn bottles_today(here: &Here<'_>) -> f64 {
    let ran = |minute: &f64| state(here, here.local.at_minute(*minute)) == State::Running;
    let minutes =
        here.local.minutes().filter(ran).map(|minute| (here.local.minute - minute).min(1.0));
    minutes.sum::<f64>() * nominal(here) * 0.965
}

pub(super) fn filler(here: &Here<'_>, run: Run, out: &mut Samples) {
    let pressure = if run.running { 2.55 } else { 1.9 };
    out.number("bowl_bar", "bar", pressure + 0.015 * here.jitter(11), 2);
    out.number("product_temp_C", "Cel", 6.4 + 0.5 * here.drift(12, MINUTES_40), 1);
    let level = 62.0 + 2.2 * here.drift(13, MINUTES_5) + 0.4 * here.jitter(17);
    out.number("bowl_pct", "%", level, 1);
}

pub(super) fn capper(here: &Here<'_>, run: Run, out: &mut Samples) {
    let torque = if run.running { 1.62 + 0.03 * here.jitter(14) } else { 0.0 };
    out.number("head_torque", "N.m", torque, 2);
    out.number("rejects_today", "count", (run.bottles * 0.0011).floor(), 0);
}

pub(super) fn labeller(here: &Here<'_>, run: Run, out: &mut Samples) {
    let drop = if run.running { 1.8 } else { 0.0 };
    out.number("glue_temp_C", "Cel", 148.0 - drop + 0.6 * here.drift(15, MINUTES_5), 1);
}

pub(super) fn packer(here: &Here<'_>, run: Run, out: &mut Samples) {
    let drawn = if run.running { 0.28 } else { 0.0 };
    out.number("air_bar", "bar", 6.1 - drawn + 0.03 * here.jitter(16), 2);
    out.number("cartons_today", "count", (run.bottles / 12.0).floor(), 0);
}

/// Sensors 1 and 2 sit on line 1, 3 and 4 on line 2.
pub(super) fn vibration(here: &Here<'_>, out: &mut Samples) {
    let line = Here { number: here.number.div_ceil(2), ..*here };
    let running = state(&line, here.local) == State::Running;
    let worn = here.own_trouble(What::Wear, Kind::Vibration);
    let worn = worn.map_or(0.0, |it| (it.hours(here.at) / 72.0).powi(2).min(4.0));
    let healthy = 1.7 + 0.3 * here.bias(1) + 0.12 * here.drift(2, MINUTES_5);
    let rms = if running { healthy + 2.6 * worn + 0.09 * here.jitter(3) } else { 0.12 };
    out.number("vibration", "mm/s", rms.max(0.05), 2);
    let heat = recent_work(&line);
    let bearing = 22.5 + (19.0 + 6.0 * worn) * heat + 0.2 * here.jitter(4);
    out.number("bearing_temperature", "Cel", bearing, 1);
}

pub(super) fn compressor(here: &Here<'_>, out: &mut Samples) {
    let works = staffed(here.local);
    // Periods that no interval of measuring divides: else a chart shows a cycle that is not there.
    let (cycle, duty) = if works { (263.0, 0.62) } else { (761.0, 0.18) };
    let phase = (here.at.micros() as f64 / 1e6 / cycle + 0.5 * here.bias(1)).rem_euclid(1.0);
    let loads = phase < duty;
    let swing = if loads { phase / duty } else { (1.0 - phase) / (1.0 - duty) };
    out.number("pressure_bar", "bar", 6.7 + 0.6 * swing + 0.008 * here.jitter(5), 2);
    out.number("power_kW", "kW", if loads { 18.2 + 0.2 * here.jitter(2) } else { 4.6 }, 1);
    let warm = if works { 78.0 } else { 61.0 };
    out.number("oil_temp_C", "Cel", warm + 2.0 * here.drift(3, MINUTES_5), 1);
    out.number("flow_m3h", "m3/h", if loads { 168.0 + 3.0 * here.jitter(4) } else { 0.0 }, 0);
}

pub(super) fn chiller(here: &Here<'_>, out: &mut Samples) {
    let outside = Sky::over(here).temperature;
    let load = if staffed(here.local) { 0.72 } else { 0.22 } + 0.008 * (outside - 12.0);
    let load = (load + 0.03 * here.drift(1, MINUTES_5)).clamp(0.1, 1.0);
    out.number("supply_temp_C", "Cel", 3.1 + 0.15 * here.drift(2, MINUTES_5), 2);
    out.number("return_temp_C", "Cel", 3.4 + 5.2 * load + 0.05 * here.jitter(3), 2);
    out.number("power_kW", "kW", 46.0 * load, 1);
    out.number("suction_bar", "bar", 3.9 - 0.5 * load + 0.01 * here.jitter(4), 2);
}

pub(super) fn hall(here: &Here<'_>, out: &mut Samples) {
    let people = if staffed(here.local) { 1.0 } else { 0.0 };
    let outside = Sky::over(here).temperature;
    let warm = 18.2 + 2.6 * people + 0.12 * (outside - 12.0) + 0.3 * here.drift(1, MINUTES_40);
    out.number("temperature", "Cel", warm, 1);
    out.number("humidity", "%RH", 54.0 + 6.0 * people + 2.0 * here.drift(2, MINUTES_40), 1);
    let carbon = 455.0 + 260.0 * people + 40.0 * here.drift(3, MINUTES_40);
    out.number("co2", "ppm", (carbon + 5.0 * here.jitter(4)).max(408.0), 0);
}

/// The energy counter is the integral of the planned load, the power is that load with noise.
pub(super) fn meter(here: &Here<'_>, out: &mut Samples) {
    let size = f64::from(here.number);
    let (idle, busy) = (9.0 + 4.0 * size, 46.0 + 18.0 * size);
    let works = if staffed(here.local) { 1.0 } else { 0.0 };
    let power = idle + busy * works * (1.0 + 0.05 * here.drift(1, MINUTES_5));
    out.number("power_kW", "kW", power + 0.3 * here.jitter(2), 1);
    let hours = (here.at.micros() as f64 / 1e6 - 20_000.0 * DAY_S as f64) / 3_600.0;
    let plan = &here.world.plan;
    let worked = plan.hours(here.local, here.minute_of_day()) - plan.hours(counter_start(), 0);
    out.number("energy_kWh", "kWh", idle * hours + busy * worked, 1);
    let volts = 231.5 - 1.6 * works + 0.9 * here.drift(3, MINUTES_5);
    out.number("voltage_V", "V", volts, 1);
    out.number("current_A", "A", power * 1_000.0 / (3.0_f64.sqrt() * 400.0 * 0.94), 1);
    out.number("frequency_hz", "Hz", 50.0 + 0.012 * here.drift(4, Duration::from_secs(30)), 3);
}

/// The day on which the meters were installed: 20,000 days after the epoch, in October 2024.
fn counter_start() -> Local {
    Local { day: 20_000, minute: 0.0, weekday: 4 }
}
