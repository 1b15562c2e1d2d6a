//! One line: `measurement,tag=value field=1.5,other="text" 1700000000000000000`.

use std::borrow::Cow;

/// Tags and fields of one point: some of Telegraf's have hundreds of fields.
const TAGS_MAX: usize = 64;
const FIELDS_MAX: usize = 1_024;

#[derive(Clone, Debug, Default, PartialEq)]
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
pub(crate) fn starts_with_point(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(is_point)
}

pub(super) fn is_point(line: &str) -> bool {
    scan(line, |_, _| {}, |_, _| {}).is_some()
}

impl<'a> Point<'a> {
    /// Takes what a line says in place of what it held, so that many lines need room once. Where it is
    /// no point, what is held then means nothing.
    pub(super) fn read(&mut self, line: &'a str) -> bool {
        let Self { tags, fields, .. } = self;
        tags.clear();
        fields.clear();
        let head = scan(
            line,
            |tag, value| tags.push((tag, value)),
            |name, field| fields.push((name, field)),
        );
        let is_point = head.is_some();
        (self.measurement, self.time) = head.unwrap_or_default();
        is_point
    }
}

/// Measurement and time of a point; its tags and fields are given to `tag` and `field`.
fn scan<'a>(
    line: &'a str,
    tag: impl FnMut(Cow<'a, str>, Cow<'a, str>),
    field: impl FnMut(Cow<'a, str>, Field<'a>),
) -> Option<(Cow<'a, str>, Option<&'a str>)> {
    let mut rest = Rest(line);
    let measurement = rest.word(ends_value);
    if measurement.is_empty() {
        return None;
    }
    rest.tags(tag)?;
    rest.blank()?;
    rest.fields(field)?;
    let time = rest.0.trim();
    let digits = time.strip_prefix('-').unwrap_or(time);
    let is_time = digits.bytes().all(|digit| digit.is_ascii_digit()) && digits.len() <= 20;
    is_time.then_some((measurement, Some(time).filter(|time| !time.is_empty())))
}

/// Of a measurement or the value of a tag. Letters are ASCII, so these are their bytes.
const fn ends_value(letter: u8) -> bool {
    matches!(letter, b',' | b' ')
}

/// Of the key of a tag or a field.
const fn ends_key(letter: u8) -> bool {
    matches!(letter, b'=' | b',' | b' ')
}

/// What of the line is not read yet. It is read byte by byte: what ends a word is ASCII.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn tags(&mut self, mut each: impl FnMut(Cow<'a, str>, Cow<'a, str>)) -> Option<()> {
        let mut count = 0;
        while self.take(b',') {
            let tag = self.word(ends_key);
            if !self.take(b'=') || tag.is_empty() || count == TAGS_MAX {
                return None;
            }
            let value = self.word(ends_value);
            if !value.is_empty() {
                each(tag, value);
                count += 1;
            }
        }
        Some(())
    }

    fn fields(&mut self, mut each: impl FnMut(Cow<'a, str>, Field<'a>)) -> Option<()> {
        for _ in 0..FIELDS_MAX {
            let name = self.word(ends_key);
            if !self.take(b'=') || name.is_empty() {
                return None;
            }
            each(name, self.field()?);
            if !self.take(b',') {
                return Some(());
            }
        }
        None
    }

    fn take(&mut self, letter: u8) -> bool {
        let found = self.0.as_bytes().first() == Some(&letter);
        if found {
            self.0 = self.0.get(1..).unwrap_or_default();
        }
        found
    }

    /// One blank or more.
    fn blank(&mut self) -> Option<()> {
        let rest = self.0.trim_start_matches(' ');
        let some = rest.len() < self.0.len();
        self.0 = rest;
        some.then_some(())
    }

    /// Up to one of the letters that is not escaped.
    fn word(&mut self, ends: impl Fn(u8) -> bool) -> Cow<'a, str> {
        let plain = self.0.bytes().position(|letter| letter == b'\\' || ends(letter));
        let plain = plain.unwrap_or(self.0.len());
        if self.0.as_bytes().get(plain) != Some(&b'\\') {
            return Cow::Borrowed(self.split(plain));
        }
        let mut escaped = false;
        let end = self.0.bytes().position(|letter| {
            let ends = !escaped && ends(letter);
            escaped = !escaped && letter == b'\\';
            ends
        });
        unescaped(self.split(end.unwrap_or(self.0.len())), &[',', '=', ' ', '\\'])
    }

    fn split(&mut self, at: usize) -> &'a str {
        let (word, rest) = self.0.split_at(at);
        self.0 = rest;
        word
    }

    fn field(&mut self) -> Option<Field<'a>> {
        if self.take(b'"') {
            return self.text();
        }
        let end = self.0.bytes().position(ends_value).unwrap_or(self.0.len());
        let word = self.split(end);
        if word.bytes().next().is_some_and(|letter| !letter.is_ascii_alphabetic()) {
            return number(word).map(Field::Number);
        }
        match word {
            "t" | "T" | "true" | "True" | "TRUE" => Some(Field::Boolean(true)),
            "f" | "F" | "false" | "False" | "FALSE" => Some(Field::Boolean(false)),
            _ => number(word).map(Field::Number),
        }
    }

    /// The rest of a text whose first quote is gone.
    fn text(&mut self) -> Option<Field<'a>> {
        let mut escaped = false;
        let end = self.0.bytes().position(|letter| {
            let ends = !escaped && letter == b'"';
            escaped = !escaped && letter == b'\\';
            ends
        })?;
        let text = self.split(end);
        self.0 = self.0.get(1..)?;
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
            let plain =
                |letter: u8| is_digit(letter) || matches!(letter, b'+' | b'-' | b'.' | b'e' | b'E');
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
