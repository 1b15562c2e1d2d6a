//! Text in the columns of a terminal: what does not fit is wrapped, left out or cut, never split
//! over two lines by the terminal.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// What a picture has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Screen {
    pub(super) columns: usize,
    /// `None` for a picture that is printed: no line is too many, and no key is read.
    pub(super) rows: Option<usize>,
}

impl Screen {
    /// What scripts and terminals that do not say their size get.
    pub(super) const PRINTED: Self = Self { columns: 80, rows: None };
    pub(super) const USUAL: Self = Self { columns: 80, rows: Some(24) };
}

/// Of a line: its name, and the pieces behind it.
const LABEL: usize = 13;
const GAP: usize = 3;

/// A name with pieces behind it; those that do not fit stand below the first.
pub(super) fn wrap(label: &str, pieces: &[String], screen: Screen) -> String {
    let mut out = format!("{label:<LABEL$}");
    let mut used = LABEL;
    for (at, piece) in pieces.iter().enumerate() {
        let width = piece.width();
        if at > 0 && used + GAP + width > screen.columns {
            out.truncate(out.trim_end().len());
            put(&mut out, format_args!("\n{:LABEL$}", ""));
            used = LABEL;
        } else if at > 0 {
            put(&mut out, format_args!("{:GAP$}", ""));
            used += GAP;
        }
        out.push_str(piece);
        used += width;
    }
    out.push('\n');
    out
}

/// Cut or filled up to a width in columns, some letters taking two of them and others none. What
/// moves the cursor or turns the direction of writing is shown, not obeyed.
pub(super) fn fit(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for letter in text.chars().map(shown) {
        let wide = letter.width().unwrap_or_default();
        if used + wide > width {
            break;
        }
        out.push(letter);
        used += wide;
    }
    put(&mut out, format_args!("{:1$}", "", width - used));
    out
}

fn shown(letter: char) -> char {
    if letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
        '\u{fffd}'
    } else {
        letter
    }
}

/// What a screen can show of a text, line by line.
pub(super) fn clip(text: &str, screen: Screen) -> String {
    let rows = screen.rows.unwrap_or(usize::MAX);
    let lines = text.lines().take(rows);
    lines.fold(String::new(), |mut out, line| {
        out.push_str(fit(line, screen.columns).trim_end());
        out.push('\n');
        out
    })
}

/// Appends to a text.
pub(super) fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let told = out.write_fmt(text);
    debug_assert_eq!(told, Ok(()), "a String takes every text");
}
