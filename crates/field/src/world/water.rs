//! A water network: wells, pumps and tanks that feed six zones.

use std::time::Duration;

use super::calendar::Local;
use super::{Here, Kind, Samples, What};

const MINUTES_5: Duration = Duration::from_secs(300);
const MINUTES_40: Duration = Duration::from_secs(2_400);
const DAY: Duration = Duration::from_secs(86_400);

const TANK_M3: f64 = 190.0;
const TANK_HEIGHT_CM: f64 = 420.0;
const PUMP_M3H: f64 = 118.0;
/// Share of the tank at midnight: the night fill has always reached it by then.
const MIDNIGHT_LEVEL: f64 = 0.94;
const PUMP_ON_BELOW: f64 = 0.46;
const PUMP_OFF_ABOVE: f64 = 0.9;
const NIGHT_FILL_FROM: f64 = 1_260.0;

/// What people draw over a day, in units of the mean of a zone.
#[derive(Debug)]
pub(super) struct Demand {
    /// For each minute of a day: the demand, and its sum in hours since midnight.
    minutes: Vec<(f64, f64)>,
}

impl Demand {
    pub(super) fn new() -> Self {
        let mut sum = 0.0;
        let minutes = (0_u16..1_440).map(|minute| {
            let local = Local { day: 0, minute: f64::from(minute), weekday: 0 };
            let drawn = 0.34
                + 1.25 * local.bell(7.4, 1.2)
                + 0.45 * local.bell(12.8, 1.9)
                + 1.05 * local.bell(19.6, 1.9);
            sum += drawn / 60.0;
            (drawn, sum)
        });
        Self { minutes: minutes.collect() }
    }

    fn at(&self, here: &Here<'_>) -> (f64, f64) {
        self.minutes.get(here.minute_of_day()).copied().unwrap_or_default()
    }

    fn day_total(&self) -> f64 {
        self.minutes.last().map_or(0.0, |(_, sum)| *sum)
    }
}

/// A tank since midnight, minute by minute: what the pump does follows from what was drawn.
struct Basin {
    level: f64,
    inflow: f64,
    outflow: f64,
    /// Between 0 and 1: how warm the motor has become.
    heat: f64,
}

fn basin(here: &Here<'_>) -> Basin {
    let size = 24.0 + 5.0 * f64::from(here.number);
    let day_factor = 1.0 + 0.12 * here.world.noise.of(800).normal(here.local.day).clamp(-1.5, 1.5);
    let mut state = Basin { level: MIDNIGHT_LEVEL, inflow: 0.0, outflow: 0.0, heat: 0.2 };
    let mut on = false;
    let drawn = here.world.demand.minutes.iter().map(|(drawn, _)| *drawn);
    for (minute, drawn) in here.local.minutes().zip(drawn) {
        state.outflow = size * drawn * day_factor;
        let night = minute >= NIGHT_FILL_FROM;
        on = (on && state.level < PUMP_OFF_ABOVE) || state.level < PUMP_ON_BELOW || night;
        let full = night && state.level >= MIDNIGHT_LEVEL;
        state.inflow = match (on, full) {
            (true, true) => state.outflow,
            (true, false) => PUMP_M3H,
            (false, _) => 0.0,
        };
        let step = (here.local.minute - minute).min(1.0) / 60.0;
        let level = state.level + (state.inflow - state.outflow) * step / TANK_M3;
        state.level = if night { level.min(MIDNIGHT_LEVEL) } else { level };
        let wanted = state.inflow / PUMP_M3H;
        state.heat += (wanted - state.heat) * 0.05;
    }
    state
}

pub(super) fn tank(here: &Here<'_>, out: &mut Samples) {
    let basin = basin(here);
    let level = (basin.level + 0.0012 * here.jitter(1)).clamp(0.0, 1.0);
    out.number("level_pct", "%", 100.0 * level, 1);
    out.number("level_cm", "cm", TANK_HEIGHT_CM * level, 0);
    let inflow = if basin.inflow > 0.0 { basin.inflow + 0.6 * here.jitter(2) } else { 0.0 };
    out.number("inflow_m3h", "m3/h", inflow, 1);
    let outflow = basin.outflow * (1.0 + 0.05 * here.drift(3, MINUTES_5));
    out.number("outflow_m3h", "m3/h", outflow + 0.2 * here.jitter(4), 1);
}

pub(super) fn pump(here: &Here<'_>, out: &mut Samples) {
    let basin = basin(here);
    let runs = basin.inflow > 0.0;
    let noise = |salt: u64, size: f64| if runs { size * here.jitter(salt) } else { 0.0 };
    out.number("flow_m3h", "m3/h", basin.inflow + noise(1, 0.7), 1);
    let head = if runs { 4.9 - 0.004 * basin.inflow } else { 2.6 };
    out.number("pressure_bar", "bar", head + 0.1 * basin.level + 0.01 * here.jitter(2), 2);
    out.number("motor_temp_C", "Cel", 19.0 + 38.0 * basin.heat + 0.2 * here.jitter(3), 1);
    let power = if runs { 4.0 + 0.148 * basin.inflow } else { 0.06 };
    out.number("power_kW", "kW", power + noise(4, 0.08), 2);
    out.truth("running", runs);
}

/// Well 1 feeds the pumps 1 and 2, well 2 the others.
pub(super) fn well(here: &Here<'_>, out: &mut Samples) {
    let first = 2 * here.number - 1;
    let taken: f64 = [first, first + 1]
        .iter()
        .map(|number| basin(&Here { number: *number, ..*here }).inflow)
        .sum();
    let level = 2_750.0 - 1.6 * taken + 25.0 * here.drift(1, DAY);
    out.number("level_cm", "cm", level + here.jitter(2), 0);
    out.number("flow_m3h", "m3/h", taken, 1);
    out.number("temperature", "Cel", 11.3 + 0.05 * here.drift(3, DAY), 2);
    let salts = 548.0 + 0.05 * taken + 6.0 * here.drift(4, DAY) + here.jitter(5);
    out.number("conductivity_us_cm", "uS/cm", salts, 0);
}

/// A district meter. Its counter is the integral of the mean demand and of the leak.
pub(super) fn zone(here: &Here<'_>, out: &mut Samples) {
    let size = 11.0 + 3.5 * f64::from(here.number);
    let demand = &here.world.demand;
    let (drawn, since_midnight) = demand.at(here);
    let leak = here.own_trouble(What::Leak, Kind::Zone);
    let lost = leak.map_or(0.0, |it| 8.5 * (it.hours(here.at) / 0.5).min(1.0));
    let flow = size * drawn * (1.0 + 0.08 * here.drift(1, MINUTES_5)) + lost;
    out.number("flow", "m3/h", flow + 0.15 * here.jitter(2), 2);
    let pressure = 4.35 - 0.012 * flow - 0.02 * lost + 0.02 * here.jitter(3);
    out.number("pressure", "bar", pressure, 2);
    let days = (here.local.day - 20_000) as f64;
    let used = size * (days * demand.day_total() + since_midnight);
    let leaked = leak.map_or(0.0, |it| 8.5 * (it.hours(here.at) - 0.25).max(0.0));
    out.number("volume", "m3", used + leaked, 2);
}

pub(super) fn quality(here: &Here<'_>, out: &mut Samples) {
    let (drawn, _) = here.world.demand.at(here);
    let chlorine = 0.46 - 0.05 * drawn + 0.02 * here.drift(1, MINUTES_40) + 0.004 * here.jitter(2);
    out.number("chlorine_ppm", "ppm", chlorine.max(0.0), 3);
    out.number("water_ph", "pH", 7.42 + 0.06 * here.drift(3, DAY) + 0.006 * here.jitter(4), 2);
    out.number("temperature", "Cel", 12.1 + 0.6 * here.drift(5, DAY), 2);
    let cloudy = 0.18 + 0.05 * drawn + 0.03 * here.drift(6, MINUTES_5) + 0.006 * here.jitter(7);
    out.number("turbidity", "", cloudy.max(0.02), 3);
    let salts = 552.0 + 5.0 * here.drift(8, DAY) + here.jitter(9);
    out.number("conductivity_us_cm", "uS/cm", salts, 0);
}
