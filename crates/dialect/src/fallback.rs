//! Any text on any topic: plain JSON, a number, a word. Always a guess, and marked as one.

use crate::claim::Body;
use crate::identity::{
    Shape, is_identity, keys_of_credential, keys_of_members, keys_of_topic, last_level,
};
use crate::json::{Item, Kind};
use crate::note::Note;
use crate::outcome::{GroupHead, Keys};
use crate::recognizer::Desk;
use crate::time::Stamp;
use crate::value::TextRules;

/// Elements of an array that are messages of their own: a logger's backlog of one reading a minute
/// for most of a day.
pub(crate) const SERIES_MAX: usize = 1024;

const RULES: TextRules = TextRules { switches: true, loose_numbers: true };

/// Members that hold the time of an object, in any case.
const TIME_MEMBERS: [&str; 14] = [
    "ts",
    "time",
    "timestamp",
    "timestamp_ms",
    "tst",
    "datetime",
    "date",
    "dateutc",
    "created_at",
    "received_at",
    "measured_at",
    "sampled_at",
    "epoch",
    "_time",
];

/// Shortest and longest of them.
const TIME_MEMBER_BYTES_MIN: usize = 2;
const TIME_MEMBER_BYTES_MAX: usize = 12;

pub(crate) fn read(desk: &mut Desk<'_>, body: Body<'_>) {
    match body {
        Body::Json(item) if item.kind() == Kind::Object => read_object(desk, item),
        Body::Json(item) if is_series(item) => read_series(desk, item),
        Body::Json(item) => {
            let keys = open_scalar(desk);
            let name = last_level(desk.message);
            desk.flattener(keys, RULES).named(name, item);
        }
        Body::Text(text) => {
            let keys = open_scalar(desk);
            let name = last_level(desk.message);
            desk.flattener(keys, RULES).plain(name, text);
        }
        // An empty retained message takes another one back; there is nothing in it to miss.
        Body::Empty => desk.out.note(Note::Empty),
        Body::Broken(reason) => read_nothing(desk, reason),
        Body::Bytes(_) => read_nothing(desk, Note::NotText),
    }
}

fn is_series(item: Item<'_>) -> bool {
    item.kind() == Kind::Array
        && item.count() > 0
        && item.children().all(|element| element.kind() == Kind::Object)
}

fn read_series(desk: &mut Desk<'_>, array: Item<'_>) {
    for element in array.children().take(SERIES_MAX) {
        read_object(desk, element);
    }
    if array.is_cut() || array.count() > SERIES_MAX {
        desk.out.note(Note::Truncated);
    }
}

fn read_object(desk: &mut Desk<'_>, object: Item<'_>) {
    let by_credential = keys_of_credential(desk.message, desk.ctx, desk.out);
    // A device that is known by its credential may call a signal `serial`.
    let by_members = match by_credential {
        Some(_) => None,
        None => keys_of_members(object, desk.out),
    };
    let keys = by_credential
        .or(by_members)
        .unwrap_or_else(|| keys_of_topic(desk.message, Shape::Object, desk.out));
    let time = time_member(desk, object);
    let head = GroupHead { keys, guessed: true, ..GroupHead::default() };
    desk.open_at(head, time.map(|(stamp, item)| (stamp, Some(item))));
    desk.flattener(keys, RULES).object(object, |member| {
        time.is_none_or(|(_, time)| !member.is(time))
            && (by_members.is_none() || !is_identity(member))
    });
}

fn time_member<'a>(desk: &Desk<'_>, object: Item<'a>) -> Option<(Stamp, Item<'a>)> {
    // Nearly all members fail the first test, so members that are replaced are sorted out last.
    let candidates = object.children().filter(|member| is_time_name(member.key()));
    let stamped = candidates.filter_map(|member| {
        let stamp = match member.kind() {
            Kind::Number => Stamp::from_number(member.number()?),
            Kind::Text => Stamp::from_text(member.text()?, desk.ctx.zone),
            // Nanoseconds since 1970 are beyond 2^53.
            Kind::Digits => Stamp::from_text(member.raw(), desk.ctx.zone),
            Kind::Null | Kind::Boolean | Kind::Object | Kind::Array => None,
        };
        stamp.map(|stamp| (stamp, member))
    });
    stamped.into_iter().find(|(_, member)| object.holds(*member))
}

fn is_time_name(name: &str) -> bool {
    (TIME_MEMBER_BYTES_MIN..=TIME_MEMBER_BYTES_MAX).contains(&name.len())
        && TIME_MEMBERS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn open_scalar(desk: &mut Desk<'_>) -> Keys {
    let keys = keys_of_credential(desk.message, desk.ctx, desk.out)
        .unwrap_or_else(|| keys_of_topic(desk.message, Shape::Scalar, desk.out));
    desk.out.open_group(GroupHead { keys, guessed: true, ..GroupHead::default() });
    keys
}

fn read_nothing(desk: &mut Desk<'_>, reason: Note) {
    let keys = keys_of_credential(desk.message, desk.ctx, desk.out)
        .unwrap_or_else(|| keys_of_topic(desk.message, Shape::Object, desk.out));
    desk.out.open_group(GroupHead { keys, guessed: true, ..GroupHead::default() });
    desk.out.unread(reason);
}
