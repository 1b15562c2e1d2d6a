//! The MQTT and HTTP API that ThingsBoard offers to devices and gateways: devices that were built
//! for it need another host name and nothing else.

use crate::claim::Body;
use crate::describe::{label_of_attribute, push_label};
use crate::identity::add_key_of;
use crate::json::{Item, Kind};
use crate::name::{push_name, push_segment};
use crate::note::Note;
use crate::outcome::{GroupHead, Presence};
use crate::recognizer::Desk;
use crate::time::Stamp;
use crate::value::{TextRules, is_no_value};

/// Elements of one array, and devices of one message of a gateway.
pub(crate) const ELEMENTS_MAX: usize = 1024;

/// Attributes of one message. They do not reach history, so there may be more than leaves.
pub(crate) const ATTRIBUTES_MAX: usize = 256;

/// Longest name of a child: the key of a device stays below the topic limit.
const CHILD_BYTES_MAX: usize = 512;

/// Numbers below are no milliseconds of any year that had devices.
const SECONDS_BELOW: f64 = 1e11;

/// `on` and `off` stay texts, as they do there.
const RULES: TextRules = TextRules { switches: false, loose_numbers: false };

/// What the update machinery says about itself is no signal.
const UPDATE_PREFIXES: [&str; 4] = ["current_fw_", "target_fw_", "current_sw_", "target_sw_"];
const UPDATE_KEYS: [&str; 6] =
    ["fw_state", "sw_state", "fw_error", "sw_error", "fw_checksum", "sw_checksum"];

/// What a topic of this API is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Telemetry,
    Attributes,
    /// The Protocol Buffers form, which is not read.
    Protobuf,
    GatewayTelemetry,
    GatewayAttributes,
    GatewayConnect,
    GatewayDisconnect,
    /// A call from the device to the server: answered, no signals.
    Call,
    /// Answers to calls, requests for attributes, claims, chunks of firmware: no signals.
    Other,
}

pub(crate) fn route(topic: &str) -> Option<Route> {
    // Nearly all messages leave on this line.
    if !matches!(topic.as_bytes().first(), Some(b'v' | b'P' | b'/')) {
        return None;
    }
    if let Some(rest) = topic.strip_prefix("v1/devices/me/") {
        return Some(device_route(rest));
    }
    if let Some(rest) = topic.strip_prefix("v1/gateway/") {
        return Some(match rest {
            "telemetry" => Route::GatewayTelemetry,
            "attributes" => Route::GatewayAttributes,
            "connect" => Route::GatewayConnect,
            "disconnect" => Route::GatewayDisconnect,
            _ => Route::Other,
        });
    }
    if let Some(rest) = topic.strip_prefix("POST /api/v1/") {
        let (_token, verb) = rest.split_once('/')?;
        return Some(device_route(verb));
    }
    match topic {
        "v2/t" | "v2/t/j" => Some(Route::Telemetry),
        "v2/a" | "v2/a/j" => Some(Route::Attributes),
        "v2/t/p" | "v2/a/p" => Some(Route::Protobuf),
        "/provision/request" => Some(Route::Other),
        _ => ["v2/r/", "v2/fw/request/", "v2/sw/request/", "v2/a/req/"]
            .iter()
            .any(|prefix| topic.starts_with(prefix))
            .then_some(Route::Other),
    }
}

fn device_route(verb: &str) -> Route {
    match verb {
        "telemetry" => Route::Telemetry,
        "attributes" => Route::Attributes,
        _ if verb.starts_with("rpc/request/") => Route::Call,
        _ => Route::Other,
    }
}

pub(crate) fn read(desk: &mut Desk<'_>, route: Route, body: Body<'_>) {
    match route {
        Route::Telemetry => read_telemetry(desk, body),
        Route::Attributes => read_attributes(desk, body),
        Route::Protobuf => desk.out.unread(Note::Protobuf),
        Route::GatewayTelemetry => read_children(desk, body, read_elements),
        Route::GatewayAttributes => read_children(desk, body, add_attributes),
        Route::GatewayConnect => read_presence(desk, body, Presence::Online),
        Route::GatewayDisconnect => read_presence(desk, body, Presence::Offline),
        Route::Call => answer_call(desk, body),
        Route::Other => {}
    }
}

fn read_telemetry(desk: &mut Desk<'_>, body: Body<'_>) {
    let head = sender(desk);
    match body.json() {
        Some(item) if matches!(item.kind(), Kind::Object | Kind::Array) => {
            read_elements(desk, head, item);
        }
        _ => refuse(desk, head, body),
    }
}

fn read_attributes(desk: &mut Desk<'_>, body: Body<'_>) {
    let head = sender(desk);
    match body.object() {
        Some(object) => add_attributes(desk, head, object),
        None => refuse(desk, head, body),
    }
}

/// The device is known, its payload is not what the topic promises.
fn refuse(desk: &mut Desk<'_>, head: GroupHead, body: Body<'_>) {
    desk.out.open_group(head);
    match body {
        Body::Empty => desk.out.note(Note::Empty),
        Body::Broken(reason) => desk.out.unread(reason),
        Body::Bytes(_) => desk.out.unread(Note::NotText),
        Body::Json(_) | Body::Text(_) => desk.out.unread(Note::Malformed),
    }
}

/// One object or an array of them. Those with a time have a group each; those without belong to
/// one reading time.
fn read_elements(desk: &mut Desk<'_>, head: GroupHead, item: Item<'_>) {
    let elements = || {
        let one = (item.kind() == Kind::Object).then_some(item);
        let many = (item.kind() == Kind::Array).then(|| item.children()).into_iter().flatten();
        one.into_iter().chain(many.take(ELEMENTS_MAX))
    };
    if item.kind() == Kind::Array && (item.is_cut() || item.count() > ELEMENTS_MAX) {
        desk.out.note(Note::Truncated);
    }
    let is_untimed = |element: &Item<'_>| timed_values(*element).is_none();
    if item.kind() == Kind::Object && is_untimed(&item) || elements().any(|e| is_untimed(&e)) {
        desk.out.open_group(head);
        let mut flattener = desk.flattener(head.keys, RULES);
        for element in elements().filter(is_untimed) {
            flattener.object(element, is_signal);
        }
    }
    for (time, stamp, values) in elements().filter_map(timed_values) {
        if stamp.in_seconds {
            desk.out.note(Note::TimeInSeconds);
        }
        desk.open_at(head, Some((stamp.stamp, Some(time))));
        desk.flattener(head.keys, RULES).object(values, is_signal);
    }
}

struct ElementTime {
    stamp: Stamp,
    in_seconds: bool,
}

/// Both `ts` and `values`, or it is an ordinary object.
fn timed_values(element: Item<'_>) -> Option<(Item<'_>, ElementTime, Item<'_>)> {
    if element.kind() != Kind::Object {
        return None;
    }
    let time = element.member("ts")?;
    let values = element.member("values").filter(|values| values.kind() == Kind::Object)?;
    let number = match time.kind() {
        Kind::Number => time.number()?,
        Kind::Text => digits(time.text()?)?,
        Kind::Digits => time.raw().parse().ok()?,
        Kind::Null | Kind::Boolean | Kind::Object | Kind::Array => return None,
    };
    let in_seconds = number < SECONDS_BELOW;
    let stamp = if in_seconds { Stamp::from_seconds(number) } else { Stamp::from_number(number) };
    Some((time, ElementTime { stamp: stamp?, in_seconds }, values))
}

fn digits(text: &str) -> Option<f64> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

fn is_signal(member: Item<'_>) -> bool {
    let key = member.key();
    // All of them have a `w_` in third or later place; nearly no signal has.
    !(key.contains("w_")
        && (UPDATE_KEYS.contains(&key)
            || UPDATE_PREFIXES.iter().any(|prefix| key.starts_with(prefix))))
}

/// `{"child": …, "child": …}` of a gateway.
fn read_children(
    desk: &mut Desk<'_>,
    body: Body<'_>,
    read_child: impl Fn(&mut Desk<'_>, GroupHead, Item<'_>),
) {
    let Some(object) = body.object() else {
        let head = sender(desk);
        return refuse(desk, head, body);
    };
    if object.is_cut() || object.count() > crate::json::MEMBERS_MAX {
        desk.out.note(Note::Truncated);
    }
    for child in object.members() {
        if let Some(head) = child_of_sender(desk, child.key()) {
            read_child(desk, head, child);
        }
    }
}

/// `{"device": "child", "type": "…"}` of a gateway.
fn read_presence(desk: &mut Desk<'_>, body: Body<'_>, presence: Presence) {
    let name = body.object().and_then(|object| object.member("device")?.text());
    let Some(mut head) = name.and_then(|name| child_of_sender(desk, name)) else {
        let head = sender(desk);
        return refuse(desk, head, body);
    };
    let device_type = body.object().and_then(|object| object.member("type")?.text());
    head.device_type = device_type
        .filter(|text| !text.is_empty() && text.len() <= CHILD_BYTES_MAX)
        .map(|text| desk.out.put(text));
    desk.out.open_group(head);
    desk.out.add_presence(head.keys, presence);
}

fn add_attributes(desk: &mut Desk<'_>, head: GroupHead, object: Item<'_>) {
    desk.out.open_group(head);
    if object.kind() != Kind::Object {
        return desk.out.unread(Note::Malformed);
    }
    if object.count() > ATTRIBUTES_MAX {
        desk.out.note(Note::Truncated);
    }
    for member in object.members().take(ATTRIBUTES_MAX) {
        let start = desk.out.mark();
        push_name_of(desk.out.text_mut(), member.key());
        let name = desk.out.since(start);
        let json = desk.out.put(member.raw());
        desk.out.add_attribute(head.keys, name, json);
        push_label_of(desk, member);
    }
}

fn push_label_of(desk: &mut Desk<'_>, member: Item<'_>) {
    let value = match member.kind() {
        Kind::Text => member.text().filter(|text| !is_no_value(text)),
        Kind::Number | Kind::Digits => Some(member.raw()),
        Kind::Null | Kind::Boolean | Kind::Object | Kind::Array => None,
    };
    if let (Some(label), Some(value)) = (label_of_attribute(member.key()), value) {
        push_label(desk.out, label, value);
    }
}

fn push_name_of(out: &mut String, key: &str) {
    let mut name = String::new();
    push_segment(&mut name, key);
    push_name(out, &name);
}

/// `getCurrentTime` is what the documentation's own example device asks for. All else is refused,
/// since a device that gets no answer keeps asking.
fn answer_call(desk: &mut Desk<'_>, body: Body<'_>) {
    let topic = desk.message.topic.as_str();
    let number = topic.rsplit_once('/').map_or("", |(_, number)| number);
    // Without a number there is nobody who waits.
    if number.is_empty() || !topic.starts_with("v1/") {
        return;
    }
    let start = desk.out.mark();
    desk.out.text_mut().push_str("v1/devices/me/rpc/response/");
    desk.out.text_mut().push_str(number);
    let answer_topic = desk.out.since(start);
    let method = body.object().and_then(|object| object.member("method")?.text());
    let payload = match method {
        Some("getCurrentTime") => {
            let millis = desk.message.received_at.millis().to_string();
            desk.out.put(&millis)
        }
        _ => desk.out.put("{\"error\":\"unknown method\"}"),
    };
    desk.out.add_send(answer_topic, payload);
}

/// The credential, which here always is one device. Without one, the client id is a guess.
fn sender(desk: &mut Desk<'_>) -> GroupHead {
    let mark = desk.out.keys_mark();
    match desk.message.credential {
        Some(name) => add_key_of(desk.out, "cred", &[name]),
        None => add_key_of(desk.out, "client", &[desk.message.client]),
    }
    head_of(desk, mark)
}

fn child_of_sender(desk: &mut Desk<'_>, name: &str) -> Option<GroupHead> {
    if name.trim().is_empty() || name.len() > CHILD_BYTES_MAX {
        desk.out.note(Note::Unnamed);
        return None;
    }
    let mark = desk.out.keys_mark();
    match desk.message.credential {
        Some(gateway) => add_key_of(desk.out, "cred", &[gateway, name]),
        None => add_key_of(desk.out, "client", &[desk.message.client, name]),
    }
    let title = Some(desk.out.put(name));
    Some(GroupHead { title, ..head_of(desk, mark) })
}

fn head_of(desk: &Desk<'_>, mark: u32) -> GroupHead {
    let guessed = desk.message.credential.is_none();
    GroupHead { keys: desk.out.keys_since(mark), guessed, ..GroupHead::default() }
}
