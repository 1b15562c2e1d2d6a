//! What describes a device and measures nothing: who made it, what it is, what stands on its
//! nameplate. It becomes a label of the device.

use crate::name::push_segment;
use crate::outcome::{Outcome, Span};

/// Makers, models and versions, by the names they go under, and the label that each becomes.
const MAKE: [(&str, &str); 7] = [
    ("firmware", "firmware"),
    ("firmware_version", "firmware"),
    ("fw", "firmware"),
    ("fw_version", "firmware"),
    ("manufacturer", "vendor"),
    ("model", "model"),
    ("vendor", "vendor"),
];

/// Further names that describe. A short list: what stands here and did tell something apart would
/// make two signals one.
const OTHERS: [&str; 3] = ["driver", "fleet", "fstype"];

/// Where a device stands. As a tag it may tell apart what a gateway measures, so it describes only
/// where names are members of an object.
const PLACE: &str = "area";

/// A capacity is what a thing can hold, not what it holds.
const ENDS: [&str; 2] = ["_version", "_capacity"];

/// What it was built for, not what it does.
const STARTS: [&str; 2] = ["nominal_", "rated_"];

/// The label that a tag of this name is, in lower case; `None` for one that tells something apart.
pub(crate) fn label_of_tag(name: &str) -> Option<&str> {
    let make = label_of_make(name);
    let others = || OTHERS.into_iter().find(|known| known.eq_ignore_ascii_case(name));
    make.or_else(others).or_else(|| is_nameplate(name).then_some(name))
}

/// The label that an attribute of this name is.
pub(crate) fn label_of_attribute(name: &str) -> Option<&str> {
    label_of_member(name).or_else(|| label_of_tag(name))
}

/// The label that a member of an object of readings is. It stays a reading as well.
pub(crate) fn label_of_member(name: &str) -> Option<&'static str> {
    label_of_make(name).or_else(|| PLACE.eq_ignore_ascii_case(name).then_some(PLACE))
}

fn label_of_make(name: &str) -> Option<&'static str> {
    let known = MAKE.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    known.map(|(_, label)| *label)
}

fn is_nameplate(name: &str) -> bool {
    let is = |part: Option<&str>, known: &str| {
        part.is_some_and(|part| part.eq_ignore_ascii_case(known)) && name.len() > known.len()
    };
    let ends = |known: &&str| {
        is(name.len().checked_sub(known.len()).and_then(|start| name.get(start..)), known)
    };
    let starts = |known: &&str| is(name.get(..known.len()), known);
    ENDS.iter().any(ends) || STARTS.iter().any(starts)
}

/// Puts a label of the group opened last into `out`. An empty value says nothing.
pub(crate) fn push_label(out: &mut Outcome, label: &str, value: &str) {
    let name = put_label_name(out, label);
    push_label_value(out, name, value);
}

/// The name of a label in the arena of `out`, for the labels of several groups.
pub(crate) fn put_label_name(out: &mut Outcome, label: &str) -> Span {
    let name = put(out, label);
    lower(out, name);
    name
}

/// As `push_label`.
pub(crate) fn push_label_value(out: &mut Outcome, name: Span, value: &str) {
    let value = put(out, value);
    if !out.slice(name).is_empty() && !out.slice(value).is_empty() {
        out.push_label(name, value);
    }
}

fn put(out: &mut Outcome, text: &str) -> Span {
    let start = out.mark();
    push_segment(out.text_mut(), text);
    out.since(start)
}

fn lower(out: &mut Outcome, span: Span) {
    if let Some(text) = span.of_mut(out.text_mut()) {
        text.make_ascii_lowercase();
    }
}

#[cfg(test)]
mod tests;
