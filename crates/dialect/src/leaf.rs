//! From a tree of values to named readings: the same way for every dialect that carries JSON.

use crate::describe::{label_of_member, push_label};
use crate::json::{Item, Kind};
use crate::name::{push_name, push_segment};
use crate::note::Note;
use crate::outcome::{Held, Keys, Outcome, ReadingRow, UnitBasis};
use crate::unit::unit_of_name;
use crate::value::{Said, TEXT_BYTES_MAX, TextRules};

/// Readings of one device at one time in one message.
pub const LEAVES_MAX: usize = 64;

/// Levels of objects and arrays that become parts of a name. What is deeper stays one JSON text.
pub(crate) const FLATTEN_DEPTH_MAX: usize = 4;

/// Room kept for the name at hand. A hostile one may be as long as its message.
const PATH_KEPT_BYTES: usize = 1024;

/// A longer array stays one JSON text.
pub(crate) const ARRAY_MAX: usize = 16;

/// Flattens values into the group opened last.
#[derive(Debug)]
pub(crate) struct Flattener<'o> {
    pub(crate) out: &'o mut Outcome,
    /// The name so far; used again for every leaf.
    path: &'o mut String,
    keys: Keys,
    rules: TextRules,
    left: usize,
}

impl<'o> Flattener<'o> {
    pub(crate) fn new(
        out: &'o mut Outcome,
        path: &'o mut String,
        keys: Keys,
        rules: TextRules,
    ) -> Self {
        path.clear();
        path.shrink_to(PATH_KEPT_BYTES);
        Self { out, path, keys, rules, left: LEAVES_MAX }
    }

    /// The members of an object, without those that mean something else.
    pub(crate) fn object(&mut self, object: Item<'_>, is_signal: impl Fn(Item<'_>) -> bool) {
        self.note_cut(object);
        for member in object.members().filter(|member| is_signal(*member)) {
            self.path.clear();
            self.child(member.key(), member, 1);
        }
    }

    /// One value under a name of its own.
    pub(crate) fn named(&mut self, name: &str, item: Item<'_>) {
        self.note_cut(item);
        self.path.clear();
        self.child(name, item, 0);
    }

    /// A text that is no JSON.
    pub(crate) fn plain(&mut self, name: &str, text: &str) {
        self.path.clear();
        push_segment(self.path, name);
        let said = Said::by_text(text, self.path, self.rules);
        self.leaf(said, None);
    }

    fn child(&mut self, segment: &str, item: Item<'_>, depth: usize) {
        if !self.path.is_empty() {
            self.path.push('.');
        }
        push_segment(self.path, segment);
        self.value(item, depth);
    }

    fn value(&mut self, item: Item<'_>, depth: usize) {
        if let Some(said) = Said::by(item, self.path, self.rules) {
            return self.leaf(said, Some(item));
        }
        let long = item.kind() == Kind::Array && item.count() > ARRAY_MAX;
        if long || depth >= FLATTEN_DEPTH_MAX {
            return self.leaf(Said::Text(item.raw()), Some(item));
        }
        let end = self.path.len();
        if item.kind() == Kind::Object {
            for member in item.members() {
                self.path.truncate(end);
                self.child(member.key(), member, depth + 1);
            }
        } else {
            for (place, element) in item.children().enumerate() {
                self.path.truncate(end);
                self.child(place_name(place), element, depth + 1);
            }
        }
    }

    fn leaf(&mut self, said: Said<'_>, item: Option<Item<'_>>) {
        if said == Said::Nothing {
            return self.out.note(Note::NoValue);
        }
        if self.path.is_empty() {
            return self.out.note(Note::Unnamed);
        }
        if self.left == 0 {
            return self.out.note(Note::Truncated);
        }
        self.left -= 1;
        let start = self.out.mark();
        if push_name(self.out.text_mut(), self.path) {
            self.out.note(Note::NameCut);
        }
        let name = self.out.since(start);
        let (value, stated) = match said {
            Said::Text(text) if text.len() > TEXT_BYTES_MAX => {
                return self.attribute(name, text, item);
            }
            Said::Nothing => return,
            Said::Number(number) => (Held::Number(number), None),
            Said::Quantity(number, unit) => (Held::Number(number), Some(unit)),
            Said::Boolean(truth) => (Held::Boolean(truth), None),
            Said::Text(text) => (Held::Text(self.out.put(text)), None),
        };
        let (unit, basis) = match (stated, value) {
            (Some(unit), _) => (Some(unit), UnitBasis::Message),
            (None, Held::Number(_)) => unit_of_name(self.path),
            (None, Held::Boolean(_) | Held::Text(_)) => (None, UnitBasis::Unstated),
        };
        self.out.push(ReadingRow { name, value, unit, basis });
        self.label(item);
    }

    /// A text such as `"model":"SHT31"` also describes its device.
    fn label(&mut self, item: Option<Item<'_>>) {
        let text = item.filter(|item| item.kind() == Kind::Text).and_then(|item| item.text());
        if let Some(text) = text
            && let Some(label) = label_of_member(self.path)
        {
            push_label(self.out, label, text);
        }
    }

    fn attribute(&mut self, name: crate::outcome::Span, text: &str, item: Option<Item<'_>>) {
        let json = match item {
            Some(item) => self.out.put(item.raw()),
            None => self.out.put_json_text(text),
        };
        self.out.add_attribute(self.keys, name, json);
    }

    fn note_cut(&mut self, item: Item<'_>) {
        let many = item.kind() == Kind::Object && item.count() > crate::json::MEMBERS_MAX;
        if item.is_cut() || many {
            self.out.note(Note::Truncated);
        }
    }
}

fn place_name(place: usize) -> &'static str {
    const PLACES: [&str; ARRAY_MAX] =
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"];
    PLACES.get(place).copied().unwrap_or_default()
}
