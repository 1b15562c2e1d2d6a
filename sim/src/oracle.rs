//! What must be true, whatever happened: stated once, over what history shows.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMillisecondType, UInt32Type};
use history::{Reader, Scan, SeriesId, column};
use model::{Horizon, Timestamp};

use crate::device::Device;
use crate::listener::Listener;

/// What went wrong, and with which reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// An acknowledged reading is not there.
    Lost { device: String, number: u64 },
    /// A reading is there that was erased.
    Risen { device: String, number: u64 },
    /// A reading is there with another value than was sent.
    Wrong { device: String, number: u64 },
    /// A reading is there that nobody sent.
    Invented { device: String, millis: i64 },
    /// A reading is there more than once.
    Doubled { device: String, number: u64 },
    /// A subscriber whose session lasts did not get an acknowledged message.
    Undelivered { device: String, number: u64 },
    /// It got a QoS 2 message more than once.
    DeliveredTwice { device: String, number: u64 },
    /// It was told that its session is gone.
    SessionLost,
    /// History cannot be read.
    Unreadable { why: String },
}

/// All readings of one device, by number.
type Found = BTreeMap<u64, f64>;

/// Holds all of history against what the devices know. Says how many readings were seen.
pub(crate) fn check_all(
    reader: &Reader,
    horizon: &Horizon,
    devices: &[Device],
) -> Result<u64, Violation> {
    let view = reader.view(horizon.committed());
    let mut seen = 0;
    for device in devices {
        let series = view.series_of(&format!("farm/{}", device.name));
        let id = series.iter().find(|series| &*series.signal == "v").map(|series| series.id);
        let found = match id {
            Some(id) => readings(&view, device, id, None)?,
            None => Found::new(),
        };
        seen += found.len() as u64;
        let erased = device.erased_before(view.position());
        if let Some((number, _)) = found.range(..erased).next() {
            return Err(Violation::Risen { device: device.name.clone(), number: *number });
        }
        for number in device.acknowledged.range(erased..) {
            check_one(device, *number, &found)?;
        }
    }
    Ok(seen)
}

/// Holds one reading, just acknowledged, against history: it must be visible already.
pub(crate) fn check_acknowledged(
    reader: &Reader,
    horizon: &Horizon,
    device: &Device,
    number: u64,
) -> Result<(), Violation> {
    let view = reader.view(horizon.committed());
    let series = view.series_of(&format!("farm/{}", device.name));
    let Some(series) = series.iter().find(|series| &*series.signal == "v") else {
        return Err(Violation::Lost { device: device.name.clone(), number });
    };
    let found = readings(&view, device, series.id, Some(number))?;
    check_one(device, number, &found)
}

#[expect(clippy::float_cmp, reason = "exactly as sent")]
fn check_one(device: &Device, number: u64, found: &Found) -> Result<(), Violation> {
    match found.get(&number) {
        None => Err(Violation::Lost { device: device.name.clone(), number }),
        Some(value) if *value == device.value(number) => Ok(()),
        Some(_) => Err(Violation::Wrong { device: device.name.clone(), number }),
    }
}

/// Holds what the listener got against what the devices know, once everything has come to rest.
pub(crate) fn check_delivered(listener: &Listener, devices: &[Device]) -> Result<(), Violation> {
    for device in devices {
        let topic = device.topic();
        let Some(owed_from) = device.owed_from else { continue };
        for number in device.acknowledged.range(owed_from..) {
            let name = || device.name.clone();
            let times = listener.times(&topic, *number);
            if times == 0 {
                return Err(Violation::Undelivered { device: name(), number: *number });
            }
            let once = device.is_lasting() && device.once.contains(number);
            if once && times > 1 {
                return Err(Violation::DeliveredTwice { device: name(), number: *number });
            }
        }
    }
    Ok(())
}

fn readings(
    view: &history::View,
    device: &Device,
    id: SeriesId,
    only: Option<u64>,
) -> Result<Found, Violation> {
    let at = |number| Timestamp::from_millis(Device::time_of(number));
    let scan = Scan {
        series: Some(vec![id]),
        from: only.map(at),
        to: only.map(|number| at(number + 1)),
        columns: Some(vec![column::TIME, column::SERIES, column::NUMBER]),
        ..Scan::default()
    };
    let mut found = Found::new();
    for batch in view.scan(&scan).map_err(|fault| unreadable(&fault))? {
        let batch = batch.map_err(|fault| unreadable(&fault))?;
        take_rows(device, &batch, &mut found)?;
    }
    Ok(found)
}

#[expect(clippy::float_cmp, reason = "exactly as sent")]
fn take_rows(device: &Device, batch: &RecordBatch, found: &mut Found) -> Result<(), Violation> {
    let times = batch.column(0).as_primitive::<TimestampMillisecondType>();
    let ids = batch.column(1).as_primitive::<UInt32Type>();
    let numbers = batch.column(2).as_primitive::<Float64Type>();
    assert_eq!(ids.null_count() + numbers.null_count(), 0, "numbers only");
    for row in 0..batch.num_rows() {
        let millis = times.value(row);
        let name = device.name.clone();
        let number = (millis - Device::time_of(0)) / 1_000;
        let number = u64::try_from(number).ok().filter(|number| *number < device.sent());
        let Some(number) = number else { return Err(Violation::Invented { device: name, millis }) };
        let value = numbers.value(row);
        if value != device.value(number) {
            return Err(Violation::Wrong { device: name, number });
        }
        if found.insert(number, value).is_some() {
            return Err(Violation::Doubled { device: name, number });
        }
    }
    Ok(())
}

fn unreadable(fault: &history::ReadFault) -> Violation {
    Violation::Unreadable { why: fault.to_string() }
}
