//! JSON (RFC 8259) read in place onto a tape that is used again: no allocation per message, no tree.
//!
//! Strict, with limits. What lies beyond `NODES_MAX` is checked but not recorded.

mod parse;

use parse::Parser;

/// Nesting of objects and arrays.
pub(crate) const DEPTH_MAX: usize = 16;

/// Values recorded of one document, 56 bytes each: at most 0.9 MB. A message holds 64 leaves, so
/// this much is reached by long series only.
pub(crate) const NODES_MAX: usize = 16 * 1024;

/// Members of one object that are looked at. Looking for a later member of the same name is
/// quadratic: 256 members are 32,640 comparisons.
pub(crate) const MEMBERS_MAX: usize = 256;

/// What a tape keeps room for between messages: 56 KiB of nodes, and as much text.
const NODES_KEPT: usize = 1024;
const UNESCAPED_KEPT_BYTES: usize = 56 * 1024;

/// Why a text is no JSON for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonFault {
    Malformed,
    TooDeep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Number,
    /// A whole number beyond 2^53, or one beyond every double: its digits are what counts.
    Digits,
    Text,
    Object,
    Array,
}

/// A piece of the document, or of `Tape::unescaped` when the text had escapes.
#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    start: u32,
    end: u32,
    unescaped: bool,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    key: Slice,
    /// As written, quotes and brackets included.
    raw: Slice,
    text: Slice,
    /// For booleans 0 or 1.
    number: f64,
    /// Members or elements, those that were not recorded included.
    count: u32,
    /// The node after this one and all that is in it.
    next: u32,
}

/// Values of one document in the order of the text.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    nodes: Vec<Node>,
    unescaped: String,
    cut: bool,
}

/// A value of a parsed document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    text: &'a str,
    tape: &'a Tape,
    node: &'a Node,
    at: u32,
}

impl Tape {
    pub(crate) fn parse<'a>(&'a mut self, text: &'a str) -> Result<Item<'a>, JsonFault> {
        self.nodes.clear();
        self.nodes.shrink_to(NODES_KEPT);
        self.unescaped.clear();
        self.unescaped.shrink_to(UNESCAPED_KEPT_BYTES);
        self.cut = false;
        Parser::new(text, self).document()?;
        let tape: &Self = self;
        let node = tape.nodes.first().ok_or(JsonFault::Malformed)?;
        Ok(Item { text, tape, node, at: 0 })
    }
}

impl<'a> Item<'a> {
    pub(crate) fn kind(self) -> Kind {
        self.node.kind
    }

    /// Empty for elements and for the root.
    pub(crate) fn key(self) -> &'a str {
        self.slice(self.node.key)
    }

    pub(crate) fn text(self) -> Option<&'a str> {
        (self.node.kind == Kind::Text).then(|| self.slice(self.node.text))
    }

    pub(crate) fn number(self) -> Option<f64> {
        (self.node.kind == Kind::Number).then_some(self.node.number)
    }

    pub(crate) fn boolean(self) -> Option<bool> {
        (self.node.kind == Kind::Boolean).then_some(self.node.number > 0.5)
    }

    /// As written.
    pub(crate) fn raw(self) -> &'a str {
        self.slice(self.node.raw)
    }

    pub(crate) fn count(self) -> usize {
        self.node.count as usize
    }

    /// The document was too large to be recorded as a whole.
    pub(crate) fn is_cut(self) -> bool {
        self.tape.cut
    }

    /// The same value, wherever two items of one document came from.
    pub(crate) fn is(self, other: Self) -> bool {
        self.at == other.at
    }

    /// Elements of an array, or all members of an object with those that a later one replaces.
    pub(crate) fn children(self) -> impl Iterator<Item = Self> {
        let end = self.node.next;
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            let inside = at < end;
            let node = self.tape.nodes.get(at as usize).filter(|_| inside)?;
            let child = Item { node, at, ..self };
            at = node.next;
            Some(child)
        })
    }

    /// Members of an object; of members with one name the last.
    pub(crate) fn members(self) -> impl Iterator<Item = Self> {
        let seen = self.children().take(MEMBERS_MAX);
        seen.filter(move |member| self.holds(*member))
    }

    pub(crate) fn member(self, name: &str) -> Option<Self> {
        self.children().take(MEMBERS_MAX).filter(|member| member.key() == name).last()
    }

    /// A member that no later one of the same name replaces.
    pub(crate) fn holds(self, member: Self) -> bool {
        if member.node.next == self.node.next {
            return true;
        }
        let key = member.key();
        let later = Item { at: member.node.next - 1, ..self };
        !later.children().take(MEMBERS_MAX).any(|other| other.key() == key)
    }

    fn slice(self, slice: Slice) -> &'a str {
        let from = if slice.unescaped { &self.tape.unescaped } else { self.text };
        from.get(slice.start as usize..slice.end as usize).unwrap_or_default()
    }
}

impl Node {
    const EMPTY: Self = Self {
        kind: Kind::Null,
        key: Slice { start: 0, end: 0, unescaped: false },
        raw: Slice { start: 0, end: 0, unescaped: false },
        text: Slice { start: 0, end: 0, unescaped: false },
        number: 0.0,
        count: 0,
        next: 0,
    };
}

#[cfg(test)]
mod tests;
