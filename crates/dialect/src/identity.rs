//! Which device speaks: keys found in a message, its topic or its credential.

use model::Message;

use crate::json::{Item, Kind};
use crate::name::push_key;
use crate::outcome::{Keys, Outcome};
use crate::recognizer::Context;

const MAC_DIGITS: usize = 12;
const EUI64_DIGITS: usize = 16;

/// Longest text that is searched for a hardware key.
const HARDWARE_TEXT_BYTES_MAX: usize = 256;

/// Longest identifier a device can give itself; a key stays below the topic limit.
const ID_BYTES_MAX: usize = 256;

/// Identifying members, best first. Punctuation and case are ignored.
const ID_MEMBERS: [(&str, Identity); 9] = [
    ("mac", Identity::Mac),
    ("macaddress", Identity::Mac),
    ("deveui", Identity::Hardware),
    ("eui", Identity::Hardware),
    ("imei", Identity::Imei),
    ("deviceid", Identity::Id),
    ("serial", Identity::Id),
    ("serialnumber", Identity::Id),
    ("sn", Identity::Id),
];

/// Shortest of them: `sn`.
const ID_MEMBER_BYTES_MIN: usize = 2;

/// Last levels of a topic that say what is sent, not who sends it.
const GENERIC_LEVELS: [&str; 24] = [
    "state",
    "status",
    "data",
    "telemetry",
    "tele",
    "sensor",
    "sensors",
    "event",
    "events",
    "up",
    "uplink",
    "measurement",
    "measurements",
    "value",
    "values",
    "json",
    "info",
    "attributes",
    "report",
    "payload",
    "message",
    "messages",
    "reading",
    "readings",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Identity {
    Mac,
    Hardware,
    Imei,
    Id,
}

/// A hardware address, 12 or 16 hex digits in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hardware {
    digits: [u8; EUI64_DIGITS],
    length: usize,
}

/// What a payload is, as far as the topic's part in naming the device goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The topic names the device, the payload its signals.
    Object,
    /// The last level of the topic names the signal.
    Scalar,
}

impl Hardware {
    /// An address in free text. `called_so`: its name says that it is one, so that digits alone
    /// are believed; elsewhere a 12-digit serial number is no address.
    pub(crate) fn find(text: &str, called_so: bool) -> Option<Self> {
        let text = text.trim();
        if text.len() > HARDWARE_TEXT_BYTES_MAX {
            return None;
        }
        Self::after_0x(text).or_else(|| Self::in_pairs(text)).or_else(|| {
            let bare = [MAC_DIGITS, EUI64_DIGITS].contains(&text.len());
            let lettered = text.bytes().any(|byte| byte.is_ascii_alphabetic());
            (bare && (called_so || lettered)).then(|| Self::from_hex(text)).flatten()
        })
    }

    /// 12 or 16 hex digits.
    pub(crate) fn from_hex(hex: &str) -> Option<Self> {
        let mut digits = [0; EUI64_DIGITS];
        let length = hex.len();
        if !matches!(length, MAC_DIGITS | EUI64_DIGITS)
            || !hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return None;
        }
        digits.get_mut(..length)?.copy_from_slice(hex.as_bytes());
        digits.make_ascii_lowercase();
        Some(Self { digits, length })
    }

    /// An EUI-64 that was made from a MAC becomes that MAC again. Only where the sender speaks of
    /// a MAC: Zigbee and LoRaWAN addresses hold `fffe` too and are no MACs.
    pub(crate) fn as_mac(mut self) -> Self {
        if self.length == EUI64_DIGITS && self.digits.get(6..10) == Some(b"fffe") {
            self.digits.copy_within(10.., 6);
            self.length = MAC_DIGITS;
        }
        self
    }

    pub(crate) fn kind(&self) -> &'static str {
        if self.length == MAC_DIGITS { "mac" } else { "eui64" }
    }

    pub(crate) fn hex(&self) -> &str {
        let digits = self.digits.get(..self.length).unwrap_or_default();
        std::str::from_utf8(digits).unwrap_or_default()
    }

    fn after_0x(text: &str) -> Option<Self> {
        text.match_indices("0x").find_map(|(at, _)| {
            let rest = text.get(at + 2..)?;
            let hex = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
            (hex == EUI64_DIGITS).then(|| Self::from_hex(rest.get(..hex)?)).flatten()
        })
    }

    /// Six or eight pairs of hex digits with one kind of separator, alone or as a word.
    fn in_pairs(text: &str) -> Option<Self> {
        let is_part = |letter: char| letter.is_ascii_hexdigit() || matches!(letter, ':' | '-');
        text.split(|letter: char| !is_part(letter)).find_map(|word| {
            let separator = word.chars().nth(2).filter(|letter| matches!(letter, ':' | '-'))?;
            if !matches!(word.split(separator).count(), 6 | 8) {
                return None;
            }
            if !word.split(separator).all(|pair| pair.len() == 2) {
                return None;
            }
            Self::from_hex(&word.replace(separator, ""))
        })
    }
}

/// The keys that an object's own members give, strongest first; `None` when there is none.
pub(crate) fn keys_of_members(object: Item<'_>, out: &mut Outcome) -> Option<Keys> {
    // Nearly all objects have none, and this is on the way of every message.
    if !object.children().any(is_identity) {
        return None;
    }
    let mark = out.keys_mark();
    for (name, identity) in ID_MEMBERS {
        for member in object.members().filter(|member| same_word(member.key(), name)) {
            add_member_key(member, identity, out);
        }
    }
    let keys = out.keys_since(mark);
    (!keys.is_empty()).then_some(keys)
}

/// Such a member says who speaks and is no signal.
pub(crate) fn is_identity(member: Item<'_>) -> bool {
    let key = member.key();
    // Before nine comparisons: all of them start with one of five letters.
    let start = key.bytes().find(u8::is_ascii_alphanumeric).unwrap_or(0);
    matches!(start | 0x20, b'm' | b'd' | b'e' | b'i' | b's')
        && key.len() >= ID_MEMBER_BYTES_MIN
        && ID_MEMBERS.iter().any(|(name, _)| same_word(key, name))
        && id_text(member).is_some()
}

fn add_member_key(member: Item<'_>, identity: Identity, out: &mut Outcome) {
    let Some(text) = id_text(member) else { return };
    let called_so = matches!(identity, Identity::Mac | Identity::Hardware);
    match Hardware::find(text, called_so) {
        Some(address) if identity == Identity::Mac => {
            let address = address.as_mac();
            out.add_key(address.kind(), address.hex());
        }
        Some(hardware) => out.add_key(hardware.kind(), hardware.hex()),
        None if identity == Identity::Imei && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            out.add_key("imei", text);
        }
        None => add_key_of(out, "id", &[text]),
    }
}

fn id_text(member: Item<'_>) -> Option<&str> {
    let text = match member.kind() {
        Kind::Text => member.text()?.trim(),
        Kind::Number | Kind::Digits => member.raw(),
        Kind::Null | Kind::Boolean | Kind::Object | Kind::Array => return None,
    };
    (!text.is_empty() && text.len() <= ID_BYTES_MAX).then_some(text)
}

/// `Dev-EUI` is `deveui`.
fn same_word(written: &str, word: &str) -> bool {
    if written.len() < word.len() {
        return false;
    }
    let letters = written.bytes().filter(u8::is_ascii_alphanumeric);
    written.is_ascii() && letters.map(|letter| letter.to_ascii_lowercase()).eq(word.bytes())
}

/// A key of `kind` with a name in several parts, joined with `/`.
pub(crate) fn add_key_of(out: &mut Outcome, kind: &str, parts: &[&str]) {
    let start = out.mark();
    let text = out.text_mut();
    text.push_str(kind);
    text.push(':');
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            text.push('/');
        }
        push_key(text, part);
    }
    let span = out.since(start);
    out.add_key_span(span);
}

/// The credential, when it belongs to one device.
pub(crate) fn keys_of_credential(
    message: &Message<'_>,
    ctx: &Context<'_>,
    out: &mut Outcome,
) -> Option<Keys> {
    let name = message.credential.filter(|_| ctx.credential_is_device)?;
    let mark = out.keys_mark();
    add_key_of(out, "cred", &[name]);
    Some(out.keys_since(mark))
}

/// What the topic gives away, always a guess.
pub(crate) fn keys_of_topic(message: &Message<'_>, shape: Shape, out: &mut Outcome) -> Keys {
    let mark = out.keys_mark();
    let topic = message.topic.as_str().trim_end_matches('/');
    let (above, last) = topic.rsplit_once('/').unwrap_or(("", topic));
    let named = match shape {
        Shape::Object if above.is_empty() || !is_generic(last) => topic,
        Shape::Object | Shape::Scalar => above,
    };
    match named {
        "" if !message.client.is_empty() => add_key_of(out, "client", &[message.client]),
        "" => add_key_of(out, "topic", &[topic]),
        topic => add_key_of(out, "topic", &[topic]),
    }
    out.keys_since(mark)
}

/// The level that names the signal of a scalar.
pub(crate) fn last_level<'a>(message: &Message<'a>) -> &'a str {
    let topic = message.topic.as_str().trim_end_matches('/');
    topic.rsplit_once('/').map_or(topic, |(_, last)| last)
}

fn is_generic(level: &str) -> bool {
    GENERIC_LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level))
}

#[cfg(test)]
mod tests;
