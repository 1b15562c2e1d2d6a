//! The world is believable, its troubles are visible, and what it says can be read.

use std::collections::{BTreeMap, BTreeSet};

use model::Value;

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);
/// A Thursday in October, 10:00 UTC.
const ANCHOR: Timestamp = Timestamp::from_millis(1_760_608_800_000);

fn world() -> World {
    World::new(7, ANCHOR, 0)
}

fn device<'a>(world: &'a World, name: &str) -> &'a Device {
    world.devices().iter().find(|it| it.name == name).unwrap()
}

/// `None` when the device is silent.
fn number(world: &World, name: &str, signal: &str, at: Timestamp) -> Option<f64> {
    let samples = world.samples(device(world, name), at);
    let sample = samples.iter().find(|sample| sample.name == signal)?;
    sample.value.number()
}

fn series(world: &World, name: &str, signal: &str, from: Timestamp, hours: u32) -> Vec<f64> {
    let times = past_times(from..from.saturating_add(HOUR * hours));
    times.filter_map(|at| number(world, name, signal, at)).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn same(pair: &[f64]) -> bool {
    (pair[0] - pair[1]).abs() < 1e-9
}

/// `day` days before the anchor's midnight, at `hour`.
fn at(day: u32, hour: f64) -> Timestamp {
    let midnight = Timestamp::from_millis(1_760_572_800_000);
    midnight.saturating_sub(HOUR * 24 * day).saturating_add(HOUR.mul_f64(hour))
}

#[test]
fn the_same_question_has_the_same_answer() {
    let (one, two, other) = (world(), world(), World::new(8, ANCHOR, 0));
    let mut differs = 0;
    for hours in [0_u32, 5, 30, 100] {
        let when = ANCHOR.saturating_sub(HOUR * hours);
        for (a, b) in one.devices().iter().zip(two.devices()) {
            assert_eq!(one.live(a, when), two.live(b, when));
            differs += usize::from(one.live(a, when) != other.live(a, when));
        }
    }
    assert!(differs > 200, "the seed matters: {differs}");
}

#[test]
fn sixty_devices_speak_five_dialects() {
    let world = world();
    assert_eq!(world.devices().len(), 60);
    let names: BTreeSet<&str> = world.devices().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), 60);
    let speeches: BTreeSet<String> =
        world.devices().iter().map(|it| format!("{:?}", it.speech)).collect();
    assert_eq!(speeches.len(), 5);
    let reached: usize = world.links().iter().map(|link| link.devices.len()).sum();
    assert_eq!(reached, 60);
    assert_eq!(world.links().len(), 52, "nine devices share the gateway");
    let spans: Vec<u64> = world.devices().iter().map(|it| it.every.as_secs()).collect();
    assert!(spans.iter().all(|seconds| (2..=30).contains(seconds)));
}

#[test]
fn no_value_leaves_what_its_quantity_can_be() {
    let ranges: BTreeMap<&str, (f64, f64)> = BTreeMap::from([
        ("temperature", (-25.0, 45.0)),
        ("humidity", (20.0, 100.0)),
        ("co2", (380.0, 1_400.0)),
        ("par_umol_m2_s", (0.0, 1_600.0)),
        ("soil_moisture", (15.0, 48.0)),
        ("battery", (3.2, 4.0)),
        ("irradiance_w_m2", (0.0, 1_100.0)),
        ("pressure_hpa", (960.0, 1_060.0)),
        ("wind_deg", (0.0, 360.0)),
        ("level_pct", (20.0, 100.0)),
        ("motor_temp_C", (15.0, 75.0)),
        ("pressure_bar", (1.5, 8.0)),
        ("chlorine_ppm", (0.1, 0.9)),
        ("water_ph", (6.8, 8.2)),
        ("vibration", (0.05, 15.0)),
        ("voltage_V", (220.0, 242.0)),
        ("frequency_hz", (49.8, 50.2)),
    ]);
    let (world, mut seen) = (world(), BTreeSet::new());
    for hours in (0..240).map(|step| 0.7 * f64::from(step)) {
        let when = ANCHOR.saturating_sub(HOUR.mul_f64(hours));
        for device in world.devices() {
            for sample in world.samples(device, when) {
                let Some(value) = sample.value.number() else { continue };
                assert!(value.is_finite());
                let Some((min, max)) = ranges.get(sample.name) else { continue };
                let fits = (*min..=*max).contains(&value);
                assert!(fits, "{} {} = {value} at -{hours} h", device.name, sample.name);
                seen.insert(sample.name);
            }
        }
    }
    assert_eq!(seen.len(), ranges.len(), "every range was tried");
}

#[test]
fn days_have_a_rhythm() {
    let world = world();
    let night = series(&world, "greenhouse/weather", "irradiance_w_m2", at(2, 0.0), 4);
    let noon = series(&world, "greenhouse/weather", "irradiance_w_m2", at(2, 11.0), 2);
    assert!(night.iter().all(|value| *value == 0.0) && mean(&noon) > 80.0);
    for day in 1..6 {
        let cold = series(&world, "greenhouse/climate-1", "temperature", at(day, 3.0), 2);
        let warm = series(&world, "greenhouse/climate-1", "temperature", at(day, 12.0), 2);
        assert!(mean(&warm) > mean(&cold) + 2.0, "day {day}");
        let asleep = series(&world, "water/zone-1", "flow", at(day, 2.0), 2);
        let breakfast = series(&world, "water/zone-1", "flow", at(day, 7.0), 1);
        assert!(mean(&breakfast) > 3.0 * mean(&asleep), "day {day}");
    }
}

#[test]
fn watering_lifts_the_moisture_and_the_day_takes_it_back() {
    let world = world();
    let before = number(&world, "greenhouse/soil-1", "soil_moisture", at(1, 7.1)).unwrap();
    let after = number(&world, "greenhouse/soil-1", "soil_moisture", at(1, 7.5)).unwrap();
    let later = number(&world, "greenhouse/soil-1", "soil_moisture", at(1, 12.5)).unwrap();
    assert!(after > before + 3.0, "{before} {after}");
    assert!(later < after - 2.0, "{after} {later}");
    let flow = number(&world, "greenhouse/irrigation-1", "flow_lpm", at(1, 7.25)).unwrap();
    assert!((15.0..22.0).contains(&flow));
    assert_eq!(number(&world, "greenhouse/irrigation-1", "flow_lpm", at(1, 9.0)), Some(0.0));
}

#[test]
fn counters_only_grow_and_lines_rest_on_sunday() {
    let world = world();
    for name in ["meter-1", "meter-2", "meter-3"] {
        let energy = series(&world, name, "energy_kWh", at(7, 0.0), 168);
        assert!(energy.windows(2).all(|pair| pair[0] <= pair[1]), "{name}");
        assert!(energy[0] > 0.0);
    }
    for zone in 1..=6 {
        let volume = series(&world, &format!("water/zone-{zone}"), "volume", at(7, 0.0), 168);
        assert!(volume.windows(2).all(|pair| pair[0] <= pair[1]), "zone {zone}");
    }
    // The anchor is a Thursday: four days before is a Sunday.
    let sunday = series(&world, "bottling/filler-1", "bottles_today", at(4, 0.0), 24);
    assert!(sunday.iter().all(|count| *count == 0.0));
    let friday = series(&world, "bottling/filler-1", "bottles_today", at(6, 0.0), 24);
    assert!(friday.windows(2).all(|pair| pair[0] <= pair[1]));
    let made = friday.last().unwrap();
    assert!((100_000.0..190_000.0).contains(made), "{made}");
}

#[test]
fn a_line_runs_pauses_changes_over_and_stops() {
    let world = world();
    let mut states = BTreeSet::new();
    for at in past_times(at(5, 0.0)..at(4, 0.0)).chain(past_times(at(3, 0.0)..at(2, 0.0))) {
        for sample in world.samples(device(&world, "bottling/filler-2"), at) {
            if let Value::Text(state) = sample.value {
                states.insert(state);
            }
        }
    }
    let all = ["changeover", "off", "pause", "running", "stopped"];
    assert_eq!(states, BTreeSet::from(all));
}

#[test]
fn tanks_never_jump_and_pumps_switch() {
    let world = world();
    let mut switched = 0;
    for tank in 1..=4 {
        let level = series(&world, &format!("water/tank-{tank}"), "level_pct", at(6, 0.0), 144);
        let worst = level.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
        assert!(worst < 7.0, "tank {tank} jumps by {worst} % in five minutes");
        let runs = series(&world, &format!("water/pump-{tank}"), "running", at(6, 0.0), 144);
        switched += runs.windows(2).filter(|pair| pair[0] < pair[1]).count();
    }
    assert!(switched > 24, "{switched}");
}

#[test]
fn every_trouble_can_be_seen() {
    let world = world();
    let before = |hours: f64| ANCHOR.saturating_sub(HOUR.mul_f64(hours));
    let stuck = series(&world, "greenhouse/climate-4", "temperature", before(2.5), 2);
    assert!(stuck.windows(2).all(same) && stuck.len() > 20);
    let free = series(&world, "greenhouse/climate-4", "temperature", before(8.5), 2);
    assert!(free.windows(2).any(|pair| !same(pair)));

    assert_eq!(number(&world, "greenhouse/soil-6", "battery", before(0.5)), None);
    assert!(number(&world, "greenhouse/soil-6", "battery", before(1.0)).is_some());

    assert_eq!(number(&world, "bottling/capper-1", "power_kW", before(59.9)), None);
    assert_eq!(number(&world, "chiller-1", "power_kW", before(59.9)), None);
    assert!(number(&world, "water/tank-1", "level_cm", before(59.9)).is_some());

    let sound = mean(&series(&world, "water/zone-3", "flow", at(3, 2.0), 2));
    let leaking = mean(&series(&world, "water/zone-3", "flow", at(0, 2.0), 2));
    assert!(leaking > sound + 7.0, "{sound} {leaking}");

    let young = series(&world, "bottling/vibration-3", "vibration", at(6, 7.0), 2);
    let worn = series(&world, "bottling/vibration-3", "vibration", at(0, 7.0), 2);
    assert!(mean(&worn) > 1.5 * mean(&young));

    let open = number(&world, "greenhouse/coldstore-2", "temperature", before(19.2)).unwrap();
    assert!(open > 6.5, "{open}");

    let clear = number(&world, "greenhouse/irrigation-2", "flow_lpm", at(3, 7.3)).unwrap();
    let clogged = number(&world, "greenhouse/irrigation-2", "flow_lpm", at(0, 7.3)).unwrap();
    assert!(clogged < 0.65 * clear, "{clear} {clogged}");

    let kinds: BTreeSet<String> =
        world.troubles().iter().map(|it| format!("{:?}", it.what)).collect();
    assert_eq!(kinds.len(), 7, "a new kind of trouble needs a look here");
}

#[test]
fn a_week_fits_a_million_readings_and_every_message_can_be_read() {
    let world = world();
    let week = ANCHOR.saturating_sub(HOUR * 168)..ANCHOR;
    let times: Vec<Timestamp> = past_times(week).collect();
    assert_eq!(times.len(), 156 * 12 + 12 * 60 - 1, "the start itself is known");
    let mut readings = 0;
    // One device of each kind and dialect stands for its sisters.
    for device in world.devices().iter().filter(|device| device.number == 1) {
        let sisters = world.devices().iter().filter(|it| it.kind == device.kind).count();
        for parcel in world.past(device, times.iter().copied().step_by(8)) {
            assert!(parcel.readings <= LEAVES_MAX);
            let parsed: serde_json::Value = serde_json::from_str(&parcel.payload).unwrap();
            assert!(parsed.is_array() || parsed.is_object());
            model::TopicName::parse(&parcel.topic).unwrap();
            readings += parcel.readings * sisters * 8;
        }
    }
    assert!((500_000..1_000_000).contains(&readings), "{readings}");
}

#[test]
fn the_dialects_look_as_they_should() {
    let world = world();
    let first = |name: &str| {
        let mut parcels = world.live(device(&world, name), ANCHOR);
        let parcel = parcels.remove(0);
        format!("{} {}\n", parcel.topic, parcel.payload)
    };
    let seen: String = ["greenhouse/boiler", "water/pump-1", "water/zone-1", "bottling/packer-1"]
        .into_iter()
        .chain(["compressor-2"])
        .map(first)
        .collect();
    expect_test::expect![[r#"
        greenhouse/boiler {"ts":1760608800000,"supply":{"temp_C":49},"return":{"temp_C":42.2},"burner":{"gas_m3h":1.2,"power_kW":12},"water_bar":1.73}
        water/pump-1/flow_m3h 0
        senml/water/zone-1 [{"bn":"water/zone-1:","n":"flow","u":"m3/h","t":1760608800,"v":8.81},{"n":"pressure","u":"bar","t":1760608800,"v":4.25},{"n":"volume","u":"m3","t":1760608800,"v":104318.49}]
        v1/devices/me/telemetry [{"ts":1760608800000,"values":{"carousel_rpm":0,"motor_temp_C":47.2,"power_kW":0.35,"bottles_today":44776,"state":"pause","air_bar":6.13,"cartons_today":3731}}]
        v1/gateway/telemetry {"compressor-2":[{"ts":1760608800000,"values":{"pressure_bar":7.29,"power_kW":4.6,"oil_temp_C":61.9,"flow_m3h":0}}]}
    "#]].assert_eq(&seen);
}

#[test]
fn what_a_device_kept_and_what_it_says_live_are_one_series() {
    let world = world();
    let pump = device(&world, "water/pump-1");
    let kept: Vec<Parcel> = world.past(pump, [ANCHOR].into_iter()).collect();
    assert_eq!(kept[0].topic, "water/pump-1");
    let parsed: serde_json::Value = serde_json::from_str(&kept[0].payload).unwrap();
    for parcel in world.live(pump, ANCHOR) {
        let name = parcel.topic.strip_prefix("water/pump-1/").unwrap();
        let said = match parcel.payload.as_str() {
            "ON" => "true",
            "OFF" => "false",
            number => number,
        };
        let said: serde_json::Value = serde_json::from_str(said).unwrap();
        assert_eq!(parsed[name].as_f64(), said.as_f64(), "{name}");
        assert_eq!(parsed[name].as_bool(), said.as_bool(), "{name}");
    }
}
