//! InfluxDB's line protocol, as Telegraf and many scripts write it: on any topic, several points
//! in one message.
//!
//! A point has no device, only tags. One of them names the device, by its key; some describe it;
//! all others tell apart what is measured, so they become part of the signal's name, with their
//! keys: two phases of one meter must never become one signal.

mod point;

use crate::describe::{label_of_tag, push_label};
use crate::identity::add_key_of;
use crate::name::{push_name, push_segment};
use crate::note::Note;
use crate::outcome::{GroupHead, Held, Keys, ReadingRow, UnitBasis};
use crate::recognizer::Desk;
use crate::time::Stamp;
use crate::unit::unit_of_name;
use crate::value::TEXT_BYTES_MAX;

pub(crate) use point::is_point;
use point::{Field, Point};

/// Whether a line is a point, or one of those between points that mean nothing.
#[must_use]
pub fn is_line(line: &str) -> bool {
    let line = line.trim();
    !is_meant(line) || Point::parse(line).is_some()
}

/// Points of one message: what Telegraf writes at once is a fourth of it.
pub const POINTS_MAX: usize = 4_096;

/// Tags that name the device, best first. The host is where the program runs that wrote the point,
/// often not where the sensor is.
const DEVICE_TAGS: [&str; 22] = [
    "device_id",
    "deviceid",
    "device",
    "dev_eui",
    "deveui",
    "sensor_id",
    "sensor",
    "node_id",
    "node",
    "station",
    "serial",
    "mac",
    "imei",
    "topic",
    "truck",
    "machine",
    "asset",
    "host",
    "hostname",
    "name",
    "instance",
    "id",
];

/// What Telegraf measures of the machine it runs on: there the host is the device, and `device` or
/// `name` are parts of it.
const OF_THE_HOST: [&str; 24] = [
    "cpu",
    "disk",
    "diskio",
    "docker",
    "docker_container_cpu",
    "docker_container_mem",
    "docker_container_net",
    "internal",
    "interrupts",
    "kernel",
    "mem",
    "net",
    "netstat",
    "nstat",
    "ping",
    "processes",
    "procstat",
    "sensors",
    "smart_attribute",
    "smart_device",
    "swap",
    "system",
    "temp",
    "wireless",
];

/// Of these, one device in the world has a value: there it does not matter whose program wrote.
const UNIQUE: [&str; 10] = [
    "device_id",
    "deviceid",
    "dev_eui",
    "deveui",
    "sensor_id",
    "node_id",
    "serial",
    "mac",
    "imei",
    "topic",
];

/// A field of this name is what its measurement is called.
const THE_VALUE: &str = "value";

pub(crate) fn read(desk: &mut Desk<'_>, text: &str) {
    let lines = || text.lines().map(str::trim).filter(|line| is_meant(line));
    for line in lines().take(POINTS_MAX) {
        match Point::parse(line) {
            Some(point) => read_point(desk, &point),
            None => desk.out.note(Note::Malformed),
        }
    }
    if lines().nth(POINTS_MAX).is_some() {
        desk.out.note(Note::Truncated);
    }
}

fn is_meant(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

fn read_point(desk: &mut Desk<'_>, point: &Point<'_>) {
    let named_by = device_tag(point);
    let keys = keys_of(desk, point, named_by);
    let stamp = point.time.and_then(|time| Stamp::from_text(time, desk.ctx.zone));
    let head = GroupHead { keys, guessed: true, ..GroupHead::default() };
    desk.open_at(head, stamp.map(|stamp| (stamp, None)));
    push_labels(desk, point, named_by);
    let stem = stem_of(point, named_by);
    for (name, field) in &point.fields {
        let mut path = stem.clone();
        if name != THE_VALUE {
            path.push('.');
            push_segment(&mut path, name);
        }
        push_field(desk, keys, &path, field);
    }
}

/// Which of the tags names the device.
fn device_tag(point: &Point<'_>) -> Option<usize> {
    let at = |key: &str| point.tags.iter().position(|(tag, _)| tag.eq_ignore_ascii_case(key));
    if OF_THE_HOST.contains(&&*point.measurement) {
        return at("host");
    }
    DEVICE_TAGS.iter().find_map(|key| at(key))
}

/// Without a tag that names it, the measurement is the device.
fn keys_of(desk: &mut Desk<'_>, point: &Point<'_>, named_by: Option<usize>) -> Keys {
    let mark = desk.out.keys_mark();
    let named = named_by.and_then(|at| point.tags.get(at));
    let name = named.map_or(&*point.measurement, |(_, value)| value);
    add_key_of(desk.out, "influx", &[name]);
    desk.out.keys_since(mark)
}

/// What Telegraf tells of a part of its machine, such as the file system of one disk, describes
/// that part and not the machine.
fn push_labels(desk: &mut Desk<'_>, point: &Point<'_>, named_by: Option<usize>) {
    if OF_THE_HOST.contains(&&*point.measurement) {
        return;
    }
    for (at, (tag, value)) in point.tags.iter().enumerate() {
        if let Some(label) = label_of_tag(tag).filter(|_| Some(at) != named_by) {
            push_label(desk.out, label, value);
        }
    }
}

fn is_host(tag: &str) -> bool {
    tag.eq_ignore_ascii_case("host") || tag.eq_ignore_ascii_case("hostname")
}

/// The measurement, and what tells this point from others of the device.
fn stem_of(point: &Point<'_>, named_by: Option<usize>) -> String {
    let mut stem = String::new();
    push_segment(&mut stem, &point.measurement);
    let named = named_by.and_then(|at| point.tags.get(at));
    let is_unique =
        named.is_some_and(|(tag, _)| UNIQUE.iter().any(|known| known.eq_ignore_ascii_case(tag)));
    for (at, (tag, value)) in point.tags.iter().enumerate() {
        let describes = label_of_tag(tag).is_some();
        let of_writer = is_unique && is_host(tag);
        if Some(at) != named_by && !describes && !of_writer {
            stem.push('.');
            push_segment(&mut stem, tag);
            stem.push('=');
            push_segment(&mut stem, value);
        }
    }
    stem
}

fn push_field(desk: &mut Desk<'_>, keys: Keys, path: &str, field: &Field<'_>) {
    let start = desk.out.mark();
    if push_name(desk.out.text_mut(), path) {
        desk.out.note(Note::NameCut);
    }
    let name = desk.out.since(start);
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
        Held::Number(_) => unit_of_name(path),
        Held::Boolean(_) | Held::Text(_) => (None, UnitBasis::Unstated),
    };
    desk.out.push(ReadingRow { name, value, unit, basis });
}
