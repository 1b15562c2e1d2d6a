//! What one message means. Cleared and used again for the next one, so that the steady state
//! allocates nothing: all text lies in one arena and rows point into it.

use model::{Quality, Timestamp, Unit, Value};

use crate::note::Note;

/// Capacity an `Outcome` keeps between messages. One message of 1 MiB may need more than a
/// megabyte of arena; a hundred readers that each saw one would otherwise hold it for ever.
const ARENA_KEPT_BYTES: usize = 64 * 1024;

/// Rows an `Outcome` keeps room for between messages, 48 bytes each.
const ROWS_KEPT: usize = 1024;

/// Whether the device itself says that it can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Online,
    Offline,
    Sleeping,
}

/// Where a unit comes from, best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitBasis {
    /// The message says it.
    Message,
    /// A description that came earlier says it.
    Description,
    /// The dialect defines it.
    Dialect,
    /// The end of the name says it: `level_pct`.
    Suffix,
    /// Devices that use this name nearly always mean it; people are shown that it is a guess.
    Assumed,
    /// There is no unit.
    #[default]
    Unstated,
}

/// What became of a message as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Something was learned from it: readings, attributes or presence.
    Read,
    /// It was understood, and there is nothing in it to keep.
    Consumed,
    /// No dialect reads it. It belongs in `messages` and is counted under this reason.
    Unread(Note),
}

/// What one message means. See [`Recognizer::read`](crate::Recognizer::read).
#[derive(Debug, Default)]
pub struct Outcome {
    dialect: &'static str,
    unread: Option<Note>,
    text: String,
    keys: Vec<Span>,
    groups: Vec<GroupRow>,
    readings: Vec<ReadingRow>,
    labels: Vec<(Span, Span)>,
    presence: Vec<(Span, Presence)>,
    attributes: Vec<AttributeRow>,
    sends: Vec<(Span, Span)>,
    notes: Vec<Note>,
}

/// Readings of one device at one time.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    out: &'a Outcome,
    row: &'a GroupRow,
}

/// A value of one signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading<'a> {
    pub name: &'a str,
    pub value: Value<'a>,
    pub unit: Option<Unit>,
    pub basis: UnitBasis,
    /// The group's bits are among them.
    pub quality: Quality,
}

/// Something a device says about itself that is no reading: it belongs to the twin, not to history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The strongest key of the device.
    pub key: &'a str,
    pub name: &'a str,
    /// One JSON value.
    pub json: &'a str,
}

/// An answer that the dialect owes. It goes to the sender of the message and to nobody else:
/// `v1/devices/me/…` names another device for every client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing<'a> {
    pub topic: &'a str,
    pub payload: &'a [u8],
}

/// A piece of the arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

/// Keys of one device in the arena, strongest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    start: u32,
    end: u32,
}

/// A `Value` whose text lies in the arena.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Held {
    Number(f64),
    Boolean(bool),
    Text(Span),
}

/// All that is said about a group as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GroupHead {
    pub(crate) keys: Keys,
    pub(crate) time: Option<Timestamp>,
    pub(crate) quality: Quality,
    /// Nobody but us says that this is a device.
    pub(crate) guessed: bool,
    pub(crate) title: Option<Span>,
    pub(crate) device_type: Option<Span>,
}

#[derive(Clone, Copy, Debug)]
struct GroupRow {
    head: GroupHead,
    first: u32,
    end: u32,
    labels: Labels,
}

/// Labels of one group.
#[derive(Clone, Copy, Debug)]
struct Labels {
    first: u32,
    end: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadingRow {
    pub(crate) name: Span,
    pub(crate) value: Held,
    pub(crate) unit: Option<Unit>,
    pub(crate) basis: UnitBasis,
}

#[derive(Clone, Copy, Debug)]
struct AttributeRow {
    key: Span,
    name: Span,
    json: Span,
}

impl Outcome {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn clear(&mut self) {
        self.dialect = "";
        self.unread = None;
        self.text.clear();
        self.text.shrink_to(ARENA_KEPT_BYTES);
        self.keys.clear();
        self.groups.clear();
        self.groups.shrink_to(ROWS_KEPT);
        self.readings.clear();
        self.readings.shrink_to(ROWS_KEPT);
        self.labels.clear();
        self.labels.shrink_to(ROWS_KEPT);
        self.presence.clear();
        self.attributes.clear();
        self.attributes.shrink_to(ROWS_KEPT);
        self.sends.clear();
        self.notes.clear();
    }

    /// The dialect that read the message; empty when none did.
    #[must_use]
    pub fn dialect(&self) -> &'static str {
        self.dialect
    }

    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let learned = !self.readings.is_empty()
            || !self.attributes.is_empty()
            || !self.presence.is_empty()
            || self.groups.iter().any(|group| group.head.title.is_some());
        match self.unread {
            _ if learned => Verdict::Read,
            Some(reason) => Verdict::Unread(reason),
            None => Verdict::Consumed,
        }
    }

    /// A group without readings names a device that said nothing to keep.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = Group<'_>> {
        self.groups.iter().map(|row| Group { out: self, row })
    }

    #[must_use]
    pub fn reading_count(&self) -> usize {
        self.readings.len()
    }

    /// The strongest key of the device, and what it says about its presence.
    pub fn presence(&self) -> impl ExactSizeIterator<Item = (&str, Presence)> {
        self.presence.iter().map(|(key, presence)| (self.slice(*key), *presence))
    }

    pub fn attributes(&self) -> impl ExactSizeIterator<Item = Attribute<'_>> {
        self.attributes.iter().map(|row| Attribute {
            key: self.slice(row.key),
            name: self.slice(row.name),
            json: self.slice(row.json),
        })
    }

    pub fn sends(&self) -> impl ExactSizeIterator<Item = Outgoing<'_>> {
        self.sends.iter().map(|(topic, payload)| Outgoing {
            topic: self.slice(*topic),
            payload: self.slice(*payload).as_bytes(),
        })
    }

    /// What is worth saying about the message. Each kind stands here once.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    pub(crate) fn claim(&mut self, dialect: &'static str) {
        self.dialect = dialect;
    }

    pub(crate) fn unread(&mut self, reason: Note) {
        self.note(reason);
        self.unread.get_or_insert(reason);
    }

    pub(crate) fn note(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(crate) fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The end of the arena, from which `since` measures.
    pub(crate) fn mark(&self) -> u32 {
        // The payload limit keeps the arena far below 4 GiB.
        u32::try_from(self.text.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn since(&self, start: u32) -> Span {
        Span { start, end: self.mark() }
    }

    pub(crate) fn text_mut(&mut self) -> &mut String {
        &mut self.text
    }

    pub(crate) fn put(&mut self, text: &str) -> Span {
        let start = self.mark();
        self.text.push_str(text);
        self.since(start)
    }

    /// Adds to the keys that `keys_since` collects.
    pub(crate) fn add_key(&mut self, kind: &str, name: &str) {
        let start = self.mark();
        self.text.push_str(kind);
        self.text.push(':');
        self.text.push_str(name);
        let span = self.since(start);
        self.keys.push(span);
    }

    /// `text` as a JSON string.
    pub(crate) fn put_json_text(&mut self, text: &str) -> Span {
        let start = self.mark();
        self.text.push('"');
        for letter in text.chars() {
            match letter {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                control if control < ' ' => self.text.push(char::REPLACEMENT_CHARACTER),
                other => self.text.push(other),
            }
        }
        self.text.push('"');
        self.since(start)
    }

    pub(crate) fn add_key_span(&mut self, full: Span) {
        self.keys.push(full);
    }

    pub(crate) fn keys_mark(&self) -> u32 {
        u32::try_from(self.keys.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn keys_since(&self, start: u32) -> Keys {
        Keys { start, end: self.keys_mark() }
    }

    pub(crate) fn open_group(&mut self, head: GroupHead) {
        let first = u32::try_from(self.readings.len()).unwrap_or(u32::MAX);
        let label = u32::try_from(self.labels.len()).unwrap_or(u32::MAX);
        let labels = Labels { first: label, end: label };
        self.groups.push(GroupRow { head, first, end: first, labels });
    }

    /// Into the group opened last. The same name again replaces what it said before.
    pub(crate) fn push_label(&mut self, name: Span, value: Span) {
        let Some(first) = self.groups.last().map(|group| group.labels.first as usize) else {
            return;
        };
        let text = self.slice(name);
        let is_same = |held: Span| held == name || self.slice(held) == text;
        let same = self.labels.iter().skip(first).position(|(held, _)| is_same(*held));
        if let Some(held) = same.and_then(|at| self.labels.get_mut(first + at)) {
            *held = (name, value);
            return;
        }
        self.labels.push((name, value));
        if let Some(group) = self.groups.last_mut() {
            group.labels.end += 1;
        }
    }

    /// Into the group opened last. The same name again replaces what it said before.
    pub(crate) fn push(&mut self, row: ReadingRow) {
        let Some(first) = self.groups.last().map(|group| group.first as usize) else { return };
        let name = self.slice(row.name);
        let same = self.readings.iter().skip(first).position(|held| self.slice(held.name) == name);
        if let Some(held) = same.and_then(|at| self.readings.get_mut(first + at)) {
            *held = row;
            return;
        }
        self.readings.push(row);
        if let Some(group) = self.groups.last_mut() {
            group.end += 1;
        }
    }

    pub(crate) fn add_presence(&mut self, keys: Keys, presence: Presence) {
        self.presence.push((self.first_key(keys), presence));
    }

    pub(crate) fn add_attribute(&mut self, keys: Keys, name: Span, json: Span) {
        let key = self.first_key(keys);
        self.attributes.push(AttributeRow { key, name, json });
    }

    pub(crate) fn add_send(&mut self, topic: Span, payload: Span) {
        self.sends.push((topic, payload));
    }

    pub(crate) fn first_key_text(&self, keys: Keys) -> &str {
        self.slice(self.first_key(keys))
    }

    fn first_key(&self, keys: Keys) -> Span {
        self.keys.get(keys.start as usize).copied().unwrap_or_default()
    }

    fn value(&self, held: Held) -> Value<'_> {
        match held {
            Held::Number(number) => Value::Number(number),
            Held::Boolean(truth) => Value::Boolean(truth),
            Held::Text(span) => Value::Text(self.slice(span)),
        }
    }
}

impl Span {
    pub(crate) fn of_mut(self, text: &mut str) -> Option<&mut str> {
        text.get_mut(self.start as usize..self.end as usize)
    }
}

impl Keys {
    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

impl<'a> Group<'a> {
    /// The strongest key, in the form `kind:name`.
    #[must_use]
    pub fn key(self) -> &'a str {
        self.out.slice(self.out.first_key(self.row.head.keys))
    }

    /// All keys of the device in this message, strongest first.
    pub fn keys(self) -> impl Iterator<Item = &'a str> {
        let Keys { start, end } = self.row.head.keys;
        let out = self.out;
        let keys = out.keys.get(start as usize..end as usize).unwrap_or_default();
        keys.iter().map(move |span| out.slice(*span))
    }

    /// `None`: the time of receipt.
    #[must_use]
    pub fn time(self) -> Option<Timestamp> {
        self.row.head.time
    }

    #[must_use]
    pub fn quality(self) -> Quality {
        self.row.head.quality
    }

    /// Nobody but us says that this is a device: it is shown as "guessed, confirm".
    #[must_use]
    pub fn guessed(self) -> bool {
        self.row.head.guessed
    }

    /// What the device calls itself.
    #[must_use]
    pub fn title(self) -> Option<&'a str> {
        self.row.head.title.map(|span| self.out.slice(span))
    }

    #[must_use]
    pub fn device_type(self) -> Option<&'a str> {
        self.row.head.device_type.map(|span| self.out.slice(span))
    }

    /// What describes the device and is no reading, by lower-case names: `model`, `firmware`.
    /// Each name comes once.
    pub fn labels(self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> {
        let Group { out, row } = self;
        let Labels { first, end } = row.labels;
        let labels = out.labels.get(first as usize..end as usize).unwrap_or_default();
        labels.iter().map(move |(name, value)| (out.slice(*name), out.slice(*value)))
    }

    pub fn readings(self) -> impl ExactSizeIterator<Item = Reading<'a>> {
        let Group { out, row } = self;
        let rows = out.readings.get(row.first as usize..row.end as usize).unwrap_or_default();
        rows.iter().map(move |reading| Reading {
            name: out.slice(reading.name),
            value: out.value(reading.value),
            unit: reading.unit,
            basis: reading.basis,
            quality: row.head.quality,
        })
    }
}
