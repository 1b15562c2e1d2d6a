//! Text that is HTML already. Holding one is the proof that a stranger's words in it are escaped.

use std::fmt;

/// Only `push_text` lets a stranger's words in, and it escapes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Markup(String);

impl askama::filters::HtmlSafe for Markup {}

impl Markup {
    pub(crate) fn text(text: &str) -> Self {
        let mut out = Self::default();
        out.push_text(text);
        out
    }

    /// Markup from this program's own text.
    pub(crate) fn own(html: &str) -> Self {
        Self(html.to_owned())
    }

    /// Escaped, with the characters made visible that would turn the direction of what follows or
    /// that no page shows. Elements isolate a direction; they cannot stop an override inside.
    pub(crate) fn push_text(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(letter),
                _ if unseen(letter) => self.0.push('\u{fffd}'),
                _ => self.0.push(letter),
            }
        }
    }

    pub(crate) fn push(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    pub(crate) fn push_own(&mut self, html: &str) {
        self.0.push_str(html);
    }
}

/// Controls, and the marks that embed, override or isolate a direction.
pub(crate) fn unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(letter, '\u{2066}'..='\u{2069}' | '\u{061c}' | '\u{feff}')
}

impl fmt::Display for Markup {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
