//! The words on the screen: typed functions that `build.rs` makes of `lang/en.ftl`.

use crate::markup::Markup;
use crate::show;

/// A language the console speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Locale {
    #[default]
    En,
}

impl Locale {
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
        }
    }
}

/// Every text, in the reader's language.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Text {
    pub(crate) locale: Locale,
}

/// The plural forms that a language of ours tells apart.
enum Plural {
    One,
    Other,
}

impl Plural {
    fn of(count: u64, locale: Locale) -> Self {
        match (locale, count) {
            (Locale::En, 1) => Self::One,
            (Locale::En, _) => Self::Other,
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/words.rs"));
