//! One line: `measurement,tag=value field=1.5,other="text" 1700000000000000000`.

use std::borrow::Cow;

/// Tags and fields of one point: some of Telegraf's have hundreds of fields.
const TAGS_MAX: usize = 64;
const FIELDS_MAX: usize = 1_024;
/// Most points have no more tags or fields.
const USUAL: usize = 8;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point<'a> {
    pub(super) measurement: Cow<'a, str>,
    pub(super) tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(super) fields: Vec<(Cow<'a, str>, Field<'a>)>,
    /// Digits, in whatever resolution.
    pub(super) time: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field<'a> {
    Number(f64),
    Boolean(bool),
    Text(Cow<'a, str>),
}

/// Whether a text begins with a point: then all of it is read as points.
pub(crate) fn is_point(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| Point::parse(line).is_some())
}

impl<'a> Point<'a> {
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let mut rest = Rest(line);
        let measurement = rest.word(b", ");
        if measurement.is_empty() {
            return None;
        }
        let mut tags = Vec::with_capacity(USUAL);
        while rest.take(',') {
            let tag = rest.word(b"=, ");
            if !rest.take('=') || tag.is_empty() || tags.len() == TAGS_MAX {
                return None;
            }
            let value = rest.word(b", ");
            if !value.is_empty() {
                tags.push((tag, value));
            }
        }
        rest.blank()?;
        let mut fields = Vec::with_capacity(USUAL);
        loop {
            let name = rest.word(b"=, ");
            if !rest.take('=') || name.is_empty() {
                return None;
            }
            let field = rest.field()?;
            if fields.len() == FIELDS_MAX {
                return None;
            }
            fields.push((name, field));
            if !rest.take(',') {
                break;
            }
        }
        let time = rest.0.trim();
        let digits = time.strip_prefix('-').unwrap_or(time);
        let is_time = digits.bytes().all(|digit| digit.is_ascii_digit()) && digits.len() <= 20;
        let time = Some(time).filter(|time| !time.is_empty());
        is_time.then_some(Self { measurement, tags, fields, time })
    }
}

/// What of the line is not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn take(&mut self, letter: char) -> bool {
        match self.0.strip_prefix(letter) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// One blank or more.
    fn blank(&mut self) -> Option<()> {
        let rest = self.0.trim_start_matches(' ');
        let some = rest.len() < self.0.len();
        self.0 = rest;
        some.then_some(())
    }

    /// Up to one of the letters, all ASCII, that is not escaped.
    fn word(&mut self, ends: &[u8]) -> Cow<'a, str> {
        let is_special = |letter: &u8| *letter == b'\\' || ends.contains(letter);
        let plain = self.0.bytes().position(|letter| is_special(&letter));
        let plain = plain.unwrap_or(self.0.len());
        if self.0.as_bytes().get(plain) != Some(&b'\\') {
            let (word, rest) = self.0.split_at(plain);
            self.0 = rest;
            return Cow::Borrowed(word);
        }
        let mut escaped = false;
        let end = self.0.bytes().position(|letter| {
            let ends = !escaped && ends.contains(&letter);
            escaped = !escaped && letter == b'\\';
            ends
        });
        let (word, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        unescaped(word, &[',', '=', ' ', '\\'])
    }

    fn field(&mut self) -> Option<Field<'a>> {
        if self.take('"') {
            return self.text();
        }
        let end = self.0.find([',', ' ']).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        match word {
            "t" | "T" | "true" | "True" | "TRUE" => Some(Field::Boolean(true)),
            "f" | "F" | "false" | "False" | "FALSE" => Some(Field::Boolean(false)),
            _ => number(word).map(Field::Number),
        }
    }

    /// The rest of a text whose first quote is gone.
    fn text(&mut self) -> Option<Field<'a>> {
        let mut escaped = false;
        let end = self.0.find(|letter: char| {
            let ends = !escaped && letter == '"';
            escaped = !escaped && letter == '\\';
            ends
        })?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.get(1..)?;
        Some(Field::Text(unescaped(text, &['"', '\\'])))
    }
}

/// `1`, `1.5`, `1e3`, `1i` and `1u`. Words such as `nan` and `inf` are none here.
fn number(word: &str) -> Option<f64> {
    let whole = word.strip_suffix(['i', 'u']);
    let is_digit = |letter: u8| letter.is_ascii_digit();
    match whole {
        Some(digits) => {
            let bare = digits.strip_prefix('-').unwrap_or(digits);
            (!bare.is_empty() && bare.bytes().all(is_digit)).then(|| digits.parse().ok()).flatten()
        }
        None => {
            let plain = |letter: u8| is_digit(letter) || b"+-.eE".contains(&letter);
            let number: f64 = word.bytes().all(plain).then(|| word.parse().ok()).flatten()?;
            number.is_finite().then_some(number)
        }
    }
}

/// A backslash before other letters stands for itself.
fn unescaped<'a>(text: &'a str, escapable: &[char]) -> Cow<'a, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied().filter(|next| escapable.contains(next));
        match (letter, next) {
            ('\\', Some(next)) => {
                plain.push(next);
                letters.next();
            }
            _ => plain.push(letter),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests;
