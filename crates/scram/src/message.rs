//! The texts of an exchange: attributes of one letter, parted by commas.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Of ours; one of a peer may be longer.
const NONCE_BYTES: usize = 18;
const NONCE_BYTES_MAX: usize = 256;

/// What makes an exchange differ from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(pub(crate) String);

impl Nonce {
    /// Of random bytes.
    #[must_use]
    pub fn of(bytes: [u8; NONCE_BYTES]) -> Self {
        Self(BASE64.encode(bytes))
    }
}

/// The attributes of a message, in their order: each is taken by the letter it has to have.
pub(crate) struct Attributes<'a>(std::str::Split<'a, char>);

impl<'a> Attributes<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self(text.split(','))
    }

    /// The next one, if it is `letter`. None is empty.
    pub(crate) fn take(&mut self, letter: char) -> Option<&'a str> {
        let value = self.0.next()?.strip_prefix(letter)?.strip_prefix('=')?;
        (!value.is_empty()).then_some(value)
    }

    /// What follows are extensions, which may be ignored. Says whether they have their form.
    pub(crate) fn are_extensions(mut self) -> bool {
        self.0.all(|rest| {
            let mut letters = rest.chars();
            letters.next().is_some_and(|letter| letter.is_ascii_alphabetic())
                && letters.next() == Some('=')
        })
    }
}

/// Printable, and not endless.
pub(crate) fn is_nonce(text: &str) -> bool {
    text.len() <= NONCE_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A name as it travels: a comma and an equals sign would mean something else.
pub(crate) fn escape(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// The pair of `escape`.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split('=');
    let mut name = parts.next()?.to_owned();
    for part in parts {
        let (letter, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            (None, None) => return None,
        };
        name.push(letter);
        name.push_str(rest);
    }
    Some(name)
}
