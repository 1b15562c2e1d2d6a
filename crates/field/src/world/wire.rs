//! How samples become messages, in each dialect.

use model::{Timestamp, Value};

use super::{Device, Sample, Speech};
use crate::replay::json::{push, push_text, push_value};

/// A message that is read holds at most 64 readings; what is longer is cut.
pub const LEAVES_MAX: usize = 60;

/// A message to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    pub topic: String,
    pub payload: String,
    /// How many values it carries.
    pub readings: usize,
}

type Row = (Timestamp, Vec<Sample>);

pub(super) fn live(device: &Device, at: Timestamp, samples: &[Sample]) -> Vec<Parcel> {
    if samples.is_empty() {
        return Vec::new();
    }
    if device.speech == Speech::Scalars {
        return samples.iter().map(|sample| scalar(device, sample)).collect();
    }
    vec![pack(device, &[(at, samples.to_vec())])]
}

/// A value on a topic has no room for a time, so what a device kept it sends as objects, on the
/// topic above: the names come out the same.
pub(super) fn past<'a>(
    device: &'a Device,
    rows: impl Iterator<Item = Row> + 'a,
) -> impl Iterator<Item = Parcel> + 'a {
    let mut rows = rows.peekable();
    std::iter::from_fn(move || {
        let mut batch = vec![rows.next()?];
        let mut leaves = batch.first().map_or(0, |(_, samples)| samples.len());
        while let Some(row) = rows.next_if(|row| leaves + row.1.len() <= LEAVES_MAX) {
            leaves += row.1.len();
            batch.push(row);
        }
        Some(pack(device, &batch))
    })
}

fn scalar(device: &Device, sample: &Sample) -> Parcel {
    let payload = match sample.value {
        Value::Number(number) => number.to_string(),
        Value::Boolean(truth) => if truth { "ON" } else { "OFF" }.to_owned(),
        Value::Text(text) => text.to_owned(),
    };
    Parcel { topic: format!("{}/{}", device.name, sample.name), payload, readings: 1 }
}

fn pack(device: &Device, rows: &[Row]) -> Parcel {
    let (topic, payload) = match device.speech {
        Speech::Object | Speech::Scalars => (device.name.clone(), objects(rows)),
        Speech::Senml => (format!("senml/{}", device.name), senml(device, rows)),
        Speech::Telemetry => ("v1/devices/me/telemetry".to_owned(), telemetry(rows)),
        Speech::Gateway => ("v1/gateway/telemetry".to_owned(), gateway(device, rows)),
    };
    Parcel { topic, payload, readings: rows.iter().map(|(_, samples)| samples.len()).sum() }
}

fn objects(rows: &[Row]) -> String {
    let mut out = String::new();
    let several = rows.len() > 1;
    separated(&mut out, if several { "[]" } else { "" }, rows, |out, (at, samples)| {
        push(out, format_args!("{{\"ts\":{}", at.millis()));
        members(out, samples, ",");
        out.push('}');
    });
    out
}

/// Names like `supply.temp_C` become objects in objects; equal heads stand side by side.
fn members(out: &mut String, samples: &[Sample], first: &str) {
    let mut separator = first;
    let mut open: Option<&str> = None;
    for sample in samples {
        let (head, tail) = match sample.name.split_once('.') {
            Some((head, tail)) => (Some(head), tail),
            None => (None, sample.name),
        };
        if open != head {
            out.push_str(if open.is_some() { "}" } else { "" });
            if let Some(head) = head {
                out.push_str(separator);
                push_text(out, head);
                out.push_str(":{");
                separator = "";
            }
            open = head;
        }
        out.push_str(separator);
        push_text(out, tail);
        out.push(':');
        push_value(out, sample.value);
        separator = ",";
    }
    out.push_str(if open.is_some() { "}" } else { "" });
}

fn telemetry(rows: &[Row]) -> String {
    let mut out = String::new();
    separated(&mut out, "[]", rows, |out, (at, samples)| {
        push(out, format_args!("{{\"ts\":{},\"values\":{{", at.millis()));
        members(out, samples, "");
        out.push_str("}}");
    });
    out
}

fn gateway(device: &Device, rows: &[Row]) -> String {
    let mut out = String::from("{");
    push_text(&mut out, &device.name);
    out.push(':');
    out.push_str(&telemetry(rows));
    out.push('}');
    out
}

fn senml(device: &Device, rows: &[Row]) -> String {
    let mut out = String::from("[");
    let mut base = true;
    for (at, samples) in rows {
        for sample in samples {
            out.push_str(if base { "{\"bn\":" } else { ",{" });
            if base {
                push_text(&mut out, &format!("{}:", device.name));
                out.push(',');
                base = false;
            }
            out.push_str("\"n\":");
            push_text(&mut out, sample.name);
            if !sample.unit.is_empty() {
                out.push_str(",\"u\":");
                push_text(&mut out, sample.unit);
            }
            let millis = at.millis();
            push(&mut out, format_args!(",\"t\":{}", millis as f64 / 1_000.0));
            out.push_str(match sample.value {
                Value::Number(_) => ",\"v\":",
                Value::Boolean(_) => ",\"vb\":",
                Value::Text(_) => ",\"vs\":",
            });
            push_value(&mut out, sample.value);
            out.push('}');
        }
    }
    out.push(']');
    out
}

fn separated(
    out: &mut String,
    around: &str,
    rows: &[Row],
    mut write: impl FnMut(&mut String, &Row),
) {
    let (open, close) = around.split_at(around.len() / 2);
    out.push_str(open);
    for (index, row) in rows.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        write(out, row);
    }
    out.push_str(close);
}
