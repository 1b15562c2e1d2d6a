//! One truck: what describes it, and where its values are.

use super::entry::{Entry, FIELDS_MAX, TAGS, Table};
use crate::dice::Dice;
use crate::walk::{Stride, Walk, cut};

pub(super) const TAG_NAMES: [&str; TAGS] = [
    "name",
    "fleet",
    "driver",
    "model",
    "device_version",
    "load_capacity",
    "fuel_capacity",
    "nominal_fuel_consumption",
];

pub const FLEETS: [&str; 4] = ["East", "West", "North", "South"];
const DRIVERS: [&str; 6] = ["Derek", "Rodney", "Albert", "Andy", "Seth", "Trish"];
const VERSIONS: [&str; 4] = ["v1.0", "v1.5", "v2.0", "v2.3"];

/// Model, capacities of load and fuel, consumption.
const MODELS: [[&str; 4]; 3] =
    [["F-150", "2000", "200", "15"], ["G-2000", "5000", "300", "19"], ["H-2", "1500", "150", "12"]];

/// Of all values, in the order of the tables.
const READINGS_DECIMALS: [i32; FIELDS_MAX] = [5, 5, 0, 0, 0, 0, 1];

/// A load is another one when a number from 0 to 1 reaches this.
const RELOAD: f64 = 0.95;
const LOAD_MAX: f64 = 5_000.0;

#[derive(Clone, Debug)]
pub(super) struct Truck {
    number: u32,
    tags: [String; TAGS],
    readings: [Walk; FIELDS_MAX],
    fuel: Walk,
    load: f64,
    status: Walk,
    dice: Dice,
}

impl Truck {
    pub(super) fn new(number: u32, seed: u64) -> Self {
        let mut dice = Dice::new(seed, u64::from(number));
        let tags = tags(number, &mut dice);
        let readings = readings(&mut dice);
        let tank = Walk::uniform((-0.001, 0.0), (0.0, 1.0), 1.0);
        let status = Walk { stride: Stride::Normal, ..Walk::uniform((0.0, 0.0), (0.0, 5.0), 0.0) };
        let fuel = Walk { refills: true, ..tank };
        Self { number, tags, readings, fuel, load: 0.0, status, dice }
    }

    pub(super) const fn tags(&self) -> &[String; TAGS] {
        &self.tags
    }

    pub(super) fn entry(&self, table: Table, time_s: i64) -> Entry {
        let mut values = [0.0; FIELDS_MAX];
        match table {
            Table::Readings => {
                let cuts = self.readings.iter().zip(READINGS_DECIMALS);
                for (place, (walk, decimals)) in values.iter_mut().zip(cuts) {
                    *place = cut(walk.value, decimals);
                }
            }
            Table::Diagnostics => {
                let cuts = [cut(self.fuel.value, 1), cut(self.load, 0), cut(self.status.value, 0)];
                values.iter_mut().zip(cuts).for_each(|(place, value)| *place = value);
            }
        }
        let truck = self.number;
        Entry { table, time_s, truck, values, lost_field: None, lost_tag: None }
    }

    pub(super) fn advance(&mut self) {
        let dice = &mut self.dice;
        self.readings.iter_mut().for_each(|walk| walk.advance(dice));
        self.fuel.advance(dice);
        if dice.unit() >= RELOAD {
            self.load = dice.between(0.0, LOAD_MAX);
        }
        self.status.advance(dice);
    }
}

fn tags(number: u32, dice: &mut Dice) -> [String; TAGS] {
    let one_of = |list: &[&'static str], dice: &mut Dice| dice.of(list).unwrap_or_default();
    let (fleet, driver) = (one_of(&FLEETS, dice), one_of(&DRIVERS, dice));
    let [model, load, fuel, consumption] = dice.of(&MODELS).unwrap_or_default();
    let version = one_of(&VERSIONS, dice);
    let name = format!("truck_{number}");
    let rest = [fleet, driver, model, version, load, fuel, consumption].map(str::to_owned);
    let [fleet, driver, model, version, load, fuel, consumption] = rest;
    [name, fleet, driver, model, version, load, fuel, consumption]
}

fn readings(dice: &mut Dice) -> [Walk; FIELDS_MAX] {
    const NEAR: (f64, f64) = (-0.005, 0.005);
    const FIVE: (f64, f64) = (-5.0, 5.0);
    const TEN: (f64, f64) = (-10.0, 10.0);
    [
        Walk::uniform(NEAR, (-90.0, 90.0), dice.unit() * 90.0),
        Walk::uniform(NEAR, (-180.0, 180.0), dice.unit() * 180.0),
        Walk::uniform(TEN, (0.0, 5_000.0), dice.unit() * 500.0),
        Walk::uniform(TEN, (0.0, 100.0), 0.0),
        Walk::uniform(FIVE, (0.0, 360.0), dice.unit() * 360.0),
        Walk::uniform(FIVE, (0.0, 100.0), 0.0),
        Walk::uniform(FIVE, (0.0, 50.0), 25.0),
    ]
}
