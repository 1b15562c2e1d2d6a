//! What a device says of itself that is no reading: model, firmware, the capacity on its nameplate.
//! The last value of a label counts.

use std::sync::Arc;

/// A device that says more of itself says it over and over under other names. The first count, so
/// that a replay of the same records keeps the same.
pub const LABELS_MAX: usize = 32;

/// With the longest labels a device has 10 KiB of them; what is longer is cut.
pub const LABEL_NAME_BYTES_MAX: usize = 64;
pub const LABEL_VALUE_BYTES_MAX: usize = 256;

type Label = (Box<str>, Box<str>);

/// The labels of one device, by name. A copy is cheap and stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Arc<[Label]>);

impl Labels {
    /// Names and values in the order of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `name` would become another value than it has. What passes with every message.
    #[must_use]
    pub fn would_change(&self, name: &str, value: &str) -> bool {
        let name = cut(name, LABEL_NAME_BYTES_MAX);
        let known = self.0.iter().find(|(known, _)| **known == *name);
        match known {
            Some((_, known)) => **known != *cut(value, LABEL_VALUE_BYTES_MAX),
            None => self.0.len() < LABELS_MAX,
        }
    }

    /// With `name` as `value`. A further name beyond the limit changes nothing.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        if !self.would_change(name, value) {
            return self.clone();
        }
        let name = cut(name, LABEL_NAME_BYTES_MAX);
        let others = self.0.iter().filter(|(known, _)| **known != *name).cloned();
        let label = (name.into(), cut(value, LABEL_VALUE_BYTES_MAX).into());
        let mut labels: Vec<Label> = others.chain([label]).collect();
        labels.sort_unstable();
        Self(labels.into())
    }
}

fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}
