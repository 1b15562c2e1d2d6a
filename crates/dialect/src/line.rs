//! InfluxDB's line protocol, as Telegraf and many scripts write it: on any topic, several points
//! in one message.
//!
//! A point has no device, only tags. One of them names the device, by its key; some describe it;
//! all others tell apart what is measured, so they become part of the signal's name, with their
//! keys: two phases of one meter must never become one signal.

mod point;
mod shape;

use crate::identity::add_key_of;
use crate::note::Note;
use crate::outcome::{GroupHead, Held, Keys, ReadingRow, UnitBasis};
use crate::recognizer::Desk;
use crate::time::Stamp;
use crate::value::TEXT_BYTES_MAX;

pub(crate) use point::starts_with_point;
use point::{Field, Point, is_point};
use shape::{FieldName, Shape, Shapes};

/// Whether a line is a point, or one of those between points that mean nothing.
#[must_use]
pub fn is_line(line: &str) -> bool {
    let line = line.trim();
    !is_meant(line) || is_point(line)
}

/// Points of one message: what Telegraf writes at once is a fourth of it.
pub const POINTS_MAX: usize = 4_096;

pub(crate) fn read(desk: &mut Desk<'_>, text: &str) {
    let lines = || text.lines().map(str::trim).filter(|line| is_meant(line));
    let mut shapes = Shapes::default();
    let mut point = Point::default();
    for line in lines().take(POINTS_MAX) {
        if !point.read(line) {
            desk.out.note(Note::Malformed);
        } else if let Some(shape) = shapes.of(&point) {
            read_point(desk, &point, shape);
        }
    }
    if lines().nth(POINTS_MAX).is_some() {
        desk.out.note(Note::Truncated);
    }
}

fn is_meant(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

fn read_point<'a>(desk: &mut Desk<'_>, point: &Point<'a>, shape: &mut Shape<'a>) {
    let keys = keys_of(desk, point, shape.named_by);
    let stamp = point.time.and_then(|time| Stamp::from_text(time, desk.ctx.zone));
    let head = GroupHead { keys, guessed: true, ..GroupHead::default() };
    desk.open_at(head, stamp.map(|stamp| (stamp, None)));
    shape.push_labels(desk.out, point);
    let stem = if shape.is_plain { None } else { Some(shape.stem_of(point)) };
    for (place, (name, field)) in point.fields.iter().enumerate() {
        let name = match &stem {
            Some(stem) => FieldName::new(desk.out, stem, name),
            None => shape.field(desk.out, point, place),
        };
        push_field(desk, keys, name, field);
    }
}

/// Without a tag that names it, the measurement is the device.
fn keys_of(desk: &mut Desk<'_>, point: &Point<'_>, named_by: Option<usize>) -> Keys {
    let mark = desk.out.keys_mark();
    let named = named_by.and_then(|at| point.tags.get(at));
    let name = named.map_or(&*point.measurement, |(_, value)| value);
    add_key_of(desk.out, "influx", &[name]);
    desk.out.keys_since(mark)
}

fn push_field(desk: &mut Desk<'_>, keys: Keys, name: FieldName, field: &Field<'_>) {
    let FieldName { name, unit } = name;
    let value = match field {
        Field::Number(number) => Held::Number(*number),
        Field::Boolean(truth) => Held::Boolean(*truth),
        Field::Text(text) if text.is_empty() => return desk.out.note(Note::NoValue),
        Field::Text(text) if text.len() > TEXT_BYTES_MAX => {
            let json = desk.out.put_json_text(text);
            return desk.out.add_attribute(keys, name, json);
        }
        Field::Text(text) => Held::Text(desk.out.put(text)),
    };
    let (unit, basis) = match value {
        Held::Number(_) => unit,
        Held::Boolean(_) | Held::Text(_) => (None, UnitBasis::Unstated),
    };
    desk.out.push(ReadingRow { name, value, unit, basis });
}
