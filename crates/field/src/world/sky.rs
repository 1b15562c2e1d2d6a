//! The weather that all places of the world share.

use std::time::Duration;

use super::Here;

const LATITUDE_DEG: f64 = 41.0;
const MINUTES_40: Duration = Duration::from_secs(2_400);
const HOURS_2: Duration = Duration::from_secs(7_200);
const HOURS_6: Duration = Duration::from_secs(21_600);
const HOURS_40: Duration = Duration::from_secs(144_000);

#[derive(Clone, Copy, Debug)]
pub(super) struct Sky {
    /// Sine of the sun's height, 0 at night.
    pub(super) sun: f64,
    pub(super) irradiance: f64,
    pub(super) temperature: f64,
    pub(super) humidity: f64,
    pub(super) wind: f64,
    pub(super) wind_from: f64,
    pub(super) rain: f64,
    pub(super) pressure: f64,
}

impl Sky {
    pub(super) fn over(here: &Here<'_>) -> Self {
        let weather = Here { noise: here.world.noise.of(900), ..*here };
        let local = here.local;
        let sun = sun_height(local.summer(), local.minute);
        let front = weather.drift(1, HOURS_6);
        let cloud = 0.45 + 0.3 * front + 0.15 * weather.drift(2, MINUTES_40);
        let cloud = cloud.clamp(0.02, 1.0);
        let irradiance = 1_050.0 * sun.powf(1.15) * (1.0 - 0.72 * cloud);
        let mean = 4.5 + 19.0 * local.summer() + 2.5 * weather.drift(3, HOURS_40);
        let swing = 5.5 * (1.0 - 0.5 * cloud) * daily_wave(local.hour());
        let humidity = 74.0 - 3.2 * swing + 14.0 * (cloud - 0.4) + 4.0 * weather.drift(4, HOURS_2);
        let wind = 3.0 + 1.5 * weather.drift(5, HOURS_2) + 1.0 * daily_wave(local.hour());
        Self {
            sun,
            irradiance,
            temperature: mean + swing + 0.3 * weather.drift(6, MINUTES_40),
            humidity: humidity.clamp(24.0, 100.0),
            wind: wind.max(0.1),
            wind_from: (235.0 + 70.0 * weather.drift(7, HOURS_6)).rem_euclid(360.0),
            rain: (9.0 * (cloud - 0.84)).max(0.0),
            pressure: 1_013.0 + 8.0 * weather.drift(8, HOURS_40),
        }
    }
}

/// Highest at three in the afternoon, lowest before dawn.
fn daily_wave(hour: f64) -> f64 {
    (std::f64::consts::TAU * (hour - 15.0) / 24.0).cos()
}

fn sun_height(summer: f64, minute: f64) -> f64 {
    let latitude = LATITUDE_DEG.to_radians();
    let declination = (23.44 * (2.0 * summer - 1.0)).to_radians();
    let turn = std::f64::consts::TAU * (minute - 720.0) / 1_440.0;
    let height =
        latitude.sin() * declination.sin() + latitude.cos() * declination.cos() * turn.cos();
    height.max(0.0)
}
