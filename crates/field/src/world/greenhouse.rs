//! A greenhouse co-operative: six houses, eight soil nodes, irrigation, a boiler, two cold stores.

use std::time::Duration;

use super::sky::Sky;
use super::{Here, Kind, Samples, What};

const MINUTES_5: Duration = Duration::from_secs(300);
const MINUTES_40: Duration = Duration::from_secs(2_400);
const HOURS_3: Duration = Duration::from_secs(10_800);
const DAY: Duration = Duration::from_secs(86_400);

/// Local minutes at which the valves open, and for how many minutes.
const WATERING: [f64; 3] = [430.0, 760.0, 1_050.0];
const WATERING_MINUTES: f64 = 12.0;
const LITRES_PER_MINUTE: f64 = 18.4;

pub(super) fn weather(here: &Here<'_>, out: &mut Samples) {
    let sky = Sky::over(here);
    out.number("temperature", "Cel", sky.temperature + 0.05 * here.jitter(1), 1);
    out.number("humidity", "%RH", (sky.humidity + 0.3 * here.jitter(2)).min(100.0), 1);
    out.number("pressure_hpa", "hPa", sky.pressure + 0.05 * here.jitter(3), 1);
    let gust = sky.wind * (1.0 + 0.22 * here.drift(4, Duration::from_secs(12)));
    out.number("wind_m_s", "m/s", gust.max(0.0), 1);
    let turned = sky.wind_from + 12.0 * here.drift(5, Duration::from_secs(20));
    out.number("wind_deg", "deg", turned.rem_euclid(360.0), 0);
    out.number("irradiance_w_m2", "W/m2", sky.irradiance, 0);
    out.number("rain_mm_h", "mm/h", sky.rain, 1);
}

/// The air of one house: heated to a floor, warmed by the sun, vented above 26 °C.
struct Air {
    temperature: f64,
    vent: f64,
    light: f64,
}

fn air(here: &Here<'_>, sky: &Sky) -> Air {
    let day = (sky.sun * 8.0).min(1.0);
    let floor = 16.5 + 3.0 * day + 0.8 * here.bias(10);
    let gained = floor + 0.0125 * sky.irradiance + 0.06 * (sky.temperature - 12.0);
    let over = (gained - 26.0).max(0.0);
    let wander = 0.35 * here.drift(11, MINUTES_40);
    let lamps = lamps_on(here.local.hour()) && sky.irradiance < 180.0;
    let light = sky.irradiance * 2.02 * 0.62 + if lamps { 172.0 } else { 0.0 };
    Air { temperature: gained - 0.7 * over + wander, vent: (over / 12.0).min(1.0), light }
}

fn lamps_on(hour: f64) -> bool {
    (5.5..9.5).contains(&hour) || (15.5..20.5).contains(&hour)
}

pub(super) fn climate(here: &Here<'_>, out: &mut Samples) {
    let sky = Sky::over(here);
    let air = air(here, &sky);
    out.number("temperature", "Cel", air.temperature + 0.06 * here.jitter(1), 2);
    let moist = 83.0 - 2.0 * (air.temperature - 17.5) + 9.0 * steam(here);
    let humidity = moist + 1.5 * here.drift(12, MINUTES_40) + 0.2 * here.jitter(2);
    out.number("humidity", "%RH", humidity.clamp(42.0, 98.0), 1);
    let carbon = carbon_over_time(here) + 22.0 * here.drift(13, MINUTES_5);
    out.number("co2", "ppm", (carbon + 4.0 * here.jitter(3)).max(395.0), 0);
    out.number("par_umol_m2_s", "umol/m2/s", (air.light + 1.5 * here.jitter(4)).max(0.0), 0);
}

/// The air of a house changes in about twenty minutes, so what is fed and breathed shows late.
fn carbon_over_time(here: &Here<'_>) -> f64 {
    let source = |back: u32| {
        let then = here.earlier(MINUTES_5 * back);
        let sky = Sky::over(&then);
        let vent = air(&then, &sky).vent;
        if sky.sun > 0.04 { 340.0 * (1.0 - 0.75 * vent) } else { 110.0 }
    };
    480.0 + (0..5).map(source).sum::<f64>() / 5.0
}

/// 1 while the valves are open, fading over the hour after.
fn steam(here: &Here<'_>) -> f64 {
    let after = minutes_since_watering(here);
    if after < WATERING_MINUTES { 1.0 } else { (-(after - WATERING_MINUTES) / 35.0).exp() }
}

fn minutes_since_watering(here: &Here<'_>) -> f64 {
    let minute = here.local.minute;
    let last = WATERING.iter().rev().find(|start| **start <= minute);
    last.map_or(minute + 1_440.0 - WATERING[2], |start| minute - start)
}

/// Between two waterings the moisture falls towards `DRY`; a watering lifts it to the peak.
pub(super) fn soil(here: &Here<'_>, out: &mut Samples) {
    const DRY: f64 = 21.0;
    const FALL_MINUTES: f64 = 640.0;
    let peak = 37.0 + 2.5 * here.bias(20);
    let after = minutes_since_watering(here);
    let gap = gap_before(here);
    let low = DRY + (peak - DRY) * (-(gap - WATERING_MINUTES) / FALL_MINUTES).exp();
    let wet = if after < WATERING_MINUTES {
        low + (peak - low) * after / WATERING_MINUTES
    } else {
        DRY + (peak - DRY) * (-(after - WATERING_MINUTES) / FALL_MINUTES).exp()
    };
    let moisture = wet + 0.4 * here.drift(21, HOURS_3) + 0.05 * here.jitter(1);
    out.number("soil_moisture", "%", moisture, 1);
    let lagged = here.earlier(HOURS_3);
    let warm = 18.0 + 0.35 * (air(&lagged, &Sky::over(&lagged)).temperature - 18.0);
    out.number("soil_temperature", "Cel", warm + here.bias(22) + 0.03 * here.jitter(2), 2);
    out.number("conductivity", "S/m", 0.21 - 0.0022 * (moisture - 30.0), 3);
    let worn = here.at.since(here.world.anchor.saturating_sub(30 * DAY)).as_secs_f64() / 86_400.0;
    let volts = 3.64 + 0.05 * here.bias(23) - 0.0018 * worn + 0.004 * (warm - 18.0);
    out.number("battery", "V", volts, 3);
}

/// Minutes between the last watering and the one before it.
fn gap_before(here: &Here<'_>) -> f64 {
    let minute = here.local.minute;
    let [first, second, third] = WATERING;
    if (second..third).contains(&minute) {
        second - first
    } else if (first..second).contains(&minute) {
        first + 1_440.0 - third
    } else {
        third - second
    }
}

pub(super) fn irrigation(here: &Here<'_>, out: &mut Samples) {
    let open = minutes_since_watering(here) < WATERING_MINUTES;
    let clogged = here.own_trouble(What::Clogged, Kind::Irrigation);
    let share = clogged.map_or(1.0, |it| 1.0 - 0.45 * (it.hours(here.at) / 6.0).min(1.0));
    let flow = if open { LITRES_PER_MINUTE * share + 0.25 * here.jitter(1) } else { 0.0 };
    out.number("flow_lpm", "L/min", flow, 1);
    let drop = if open { 0.75 * share } else { 0.0 };
    out.number("pressure_bar", "bar", 3.15 - drop + 0.02 * here.jitter(2), 2);
    out.truth("valve", open);
    let watered: f64 =
        WATERING.iter().map(|start| (here.local.minute - start).clamp(0.0, WATERING_MINUTES)).sum();
    out.number("volume_today_liters", "l", watered * LITRES_PER_MINUTE * share, 0);
}

pub(super) fn coldstore(here: &Here<'_>, out: &mut Samples) {
    const CYCLE_MINUTES: f64 = 24.0;
    let minutes = here.at.micros() as f64 / 60e6 + 7.0 * f64::from(here.number);
    let phase = (minutes / CYCLE_MINUTES).fract();
    let cooling = phase < 0.42;
    let saw = if cooling { 1.0 - phase / 0.42 } else { (phase - 0.42) / 0.58 };
    let left_open = here.own_trouble(What::DoorOpen, Kind::Coldstore);
    let warmed = left_open.map_or(0.0, |it| 5.6 * (1.0 - (-it.hours(here.at) / 0.35).exp()));
    let open = left_open.is_some() || delivery(here);
    let temperature = 2.7 + 1.1 * saw + warmed + 0.15 * here.drift(1, MINUTES_40);
    out.number("temperature", "Cel", temperature + 0.03 * here.jitter(1), 2);
    let humidity = 88.0 + 2.0 * saw + 4.0 * f64::from(u8::from(open)) + 0.3 * here.jitter(2);
    out.number("humidity", "%RH", humidity.min(99.0), 1);
    let power = if cooling || left_open.is_some() { 1_460.0 + 25.0 * here.jitter(3) } else { 42.0 };
    out.number("power_watts", "W", power, 0);
    out.text("door", if open { "open" } else { "closed" });
}

/// Trucks come at a few fixed times and need some minutes.
fn delivery(here: &Here<'_>) -> bool {
    let works = here.local.weekday < 6;
    let gate = f64::from(here.number) * 6.0;
    works
        && [378.0, 690.0, 945.0]
            .iter()
            .any(|start| (start + gate..start + gate + 5.0).contains(&here.local.minute))
}

pub(super) fn boiler(here: &Here<'_>, out: &mut Samples) {
    let sky = Sky::over(here);
    let night = if sky.sun > 0.02 { 0.0 } else { 0.16 };
    let wanted = (17.5 - sky.temperature) / 22.0 + night - sky.irradiance / 900.0;
    let load = (wanted + 0.03 * here.drift(1, MINUTES_5)).clamp(0.04, 1.0);
    out.number("supply.temp_C", "Cel", 48.0 + 26.0 * load + 0.2 * here.jitter(1), 1);
    out.number("return.temp_C", "Cel", 42.0 + 13.0 * load + 0.2 * here.jitter(2), 1);
    out.number("burner.gas_m3h", "m3/h", 31.0 * load + 0.2 * here.jitter(3), 1);
    out.number("burner.power_kW", "kW", 288.0 * load, 0);
    out.number("water_bar", "bar", 1.72 + 0.2 * load + 0.004 * here.jitter(4), 2);
}
