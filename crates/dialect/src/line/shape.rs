//! What measurement and keys of a point decide, whatever its values. The points of a message mostly
//! have few shapes, so each is thought about once.

use std::borrow::Cow;

use model::Unit;

use super::point::Point;
use crate::describe::{label_of_tag, push_label_value, put_label_name};
use crate::name::{push_name, push_segment};
use crate::note::Note;
use crate::outcome::{Outcome, Span, UnitBasis};
use crate::unit::unit_of_name;

/// Shapes that are remembered. With more in turn, each is thought about again.
const SHAPES_MAX: usize = 16;

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

/// The shapes of one message.
#[derive(Debug, Default)]
pub(super) struct Shapes<'a>(Vec<Shape<'a>>);

#[derive(Debug)]
pub(super) struct Shape<'a> {
    measurement: Cow<'a, str>,
    keys: Vec<Cow<'a, str>>,
    /// Which of the tags names the device.
    pub(super) named_by: Option<usize>,
    /// What each tag is.
    tags: Vec<Tag>,
    /// No value of a tag is part of a signal's name.
    pub(super) is_plain: bool,
    /// The fields of a plain shape so far.
    fields: Vec<(Cow<'a, str>, FieldName)>,
}

#[derive(Debug)]
enum Tag {
    /// It names the device, or whose program wrote.
    Silent,
    /// Once it was told: its name in the arena.
    Label(Option<Span>),
    /// It tells this point from others of the device.
    Tells,
}

/// A signal's name in the arena, and the unit that it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldName {
    pub(super) name: Span,
    pub(super) unit: (Option<Unit>, UnitBasis),
}

impl<'a> Shapes<'a> {
    /// Always one.
    pub(super) fn of(&mut self, point: &Point<'a>) -> Option<&mut Shape<'a>> {
        let known = self.0.iter().position(|shape| shape.is_of(point));
        let place = known.unwrap_or_else(|| {
            if self.0.len() == SHAPES_MAX {
                self.0.clear();
            }
            self.0.push(Shape::new(point));
            self.0.len() - 1
        });
        self.0.get_mut(place)
    }
}

impl<'a> Shape<'a> {
    fn new(point: &Point<'a>) -> Self {
        let is_of_host = OF_THE_HOST.contains(&&*point.measurement);
        let named_by = device_tag(point, is_of_host);
        let named = named_by.and_then(|at| point.tags.get(at));
        let is_unique = named
            .is_some_and(|(tag, _)| UNIQUE.iter().any(|known| known.eq_ignore_ascii_case(tag)));
        let tag = |(at, (tag, _)): (usize, &(Cow<'a, str>, _))| match label_of_tag(tag) {
            _ if Some(at) == named_by || (is_unique && is_host(tag)) => Tag::Silent,
            // What Telegraf tells of a part of its machine, such as the file system of one disk,
            // describes that part and not the machine.
            Some(_) if is_of_host => Tag::Silent,
            Some(_) => Tag::Label(None),
            None => Tag::Tells,
        };
        let tags: Vec<Tag> = point.tags.iter().enumerate().map(tag).collect();
        Self {
            measurement: point.measurement.clone(),
            keys: point.tags.iter().map(|(tag, _)| tag.clone()).collect(),
            named_by,
            is_plain: !tags.iter().any(|tag| matches!(tag, Tag::Tells)),
            tags,
            fields: Vec::new(),
        }
    }

    fn is_of(&self, point: &Point<'_>) -> bool {
        let keys = point.tags.iter().map(|(tag, _)| tag);
        self.measurement == point.measurement
            && self.keys.len() == point.tags.len()
            && self.keys.iter().zip(keys).all(|(own, other)| own == other)
    }

    /// Into the group opened last.
    pub(super) fn push_labels(&mut self, out: &mut Outcome, point: &Point<'_>) {
        for (tag, (key, value)) in self.tags.iter_mut().zip(&point.tags) {
            if let Tag::Label(told) = tag
                && let Some(label) = label_of_tag_once(told, key, out)
            {
                push_label_value(out, label, value);
            }
        }
    }

    /// The measurement, and what tells this point from others of the device.
    pub(super) fn stem_of(&self, point: &Point<'_>) -> String {
        let mut stem = String::new();
        push_segment(&mut stem, &point.measurement);
        for (tag, (key, value)) in self.tags.iter().zip(&point.tags) {
            if matches!(tag, Tag::Tells) {
                stem.push('.');
                push_segment(&mut stem, key);
                stem.push('=');
                push_segment(&mut stem, value);
            }
        }
        stem
    }

    /// The name of the field at `place`, of a plain shape.
    pub(super) fn field(
        &mut self,
        out: &mut Outcome,
        point: &Point<'a>,
        place: usize,
    ) -> FieldName {
        let name = point.fields.get(place).map(|(name, _)| name.clone()).unwrap_or_default();
        if let Some((_, known)) = self.fields.get(place).filter(|(known, _)| *known == name) {
            return *known;
        }
        let found = FieldName::new(out, &self.stem_of(point), &name);
        if self.fields.len() == place {
            self.fields.push((name, found));
        }
        found
    }
}

fn label_of_tag_once(told: &mut Option<Span>, key: &str, out: &mut Outcome) -> Option<Span> {
    if told.is_none() {
        *told = label_of_tag(key).map(|label| put_label_name(out, label));
    }
    *told
}

impl FieldName {
    pub(super) fn new(out: &mut Outcome, stem: &str, field: &str) -> Self {
        let mut path = stem.to_owned();
        if field != THE_VALUE {
            path.push('.');
            push_segment(&mut path, field);
        }
        let start = out.mark();
        if push_name(out.text_mut(), &path) {
            out.note(Note::NameCut);
        }
        Self { name: out.since(start), unit: unit_of_name(&path) }
    }
}

/// Which of the tags names the device.
fn device_tag(point: &Point<'_>, is_of_host: bool) -> Option<usize> {
    let at = |key: &str| point.tags.iter().position(|(tag, _)| tag.eq_ignore_ascii_case(key));
    if is_of_host {
        return at("host");
    }
    DEVICE_TAGS.iter().find_map(|key| at(key))
}

fn is_host(tag: &str) -> bool {
    tag.eq_ignore_ascii_case("host") || tag.eq_ignore_ascii_case("hostname")
}
