//! MQTT topics. Whoever holds a `TopicName` or a `TopicFilter` holds the proof that it is one.
//!
//! Source: MQTT 5.0, section 4.7 (the same rules stand in MQTT 3.1.1, section 4.7).

use std::fmt;
use std::sync::Arc;

/// The length travels as a 16-bit number (MQTT 5.0, 1.5.4).
pub const TOPIC_BYTES_MAX: usize = 65_535;

/// Deeper topics serve nobody and make matching dear: 128 levels of one byte is already 255 bytes.
pub const TOPIC_LEVELS_MAX: usize = 128;

/// Why a text is no topic or no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicFault {
    #[error("a topic has 1 to 65,535 bytes, this one has {bytes}")]
    Length { bytes: usize },
    #[error("a topic has at most {TOPIC_LEVELS_MAX} levels")]
    Levels,
    #[error("a topic name may not hold '+', '#' or NUL; byte {at} does")]
    Forbidden { at: usize },
    #[error("in a filter '+' fills a whole level and '#' is the whole last level; see byte {at}")]
    Wildcard { at: usize },
    #[error("a shared filter is $share/<group>/<filter> with a group name without '/', '+' or '#'")]
    Share,
}

/// A topic one may publish to: 1 to 65,535 bytes, no `+`, `#` or NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName<'a>(&'a str);

impl<'a> TopicName<'a> {
    /// # Errors
    /// Says which byte is wrong, or the length.
    //= mqtt-v5 MQTT-4.7.0-1, MQTT-4.7.3-1, MQTT-4.7.3-2, MQTT-4.7.3-3
    //= mqtt-v311 MQTT-4.7.1-1, MQTT-4.7.3-1, MQTT-4.7.3-2, MQTT-4.7.3-3
    pub fn parse(raw: &'a str) -> Result<Self, TopicFault> {
        check_size(raw)?;
        match raw.bytes().position(|byte| matches!(byte, b'+' | b'#' | 0)) {
            Some(at) => Err(TopicFault::Forbidden { at }),
            None => Ok(Self(raw)),
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    pub fn levels(self) -> impl Iterator<Item = &'a str> {
        self.0.split('/')
    }

    /// Topics that begin with `$` belong to the server; wildcards do not reach them.
    #[must_use]
    pub fn is_reserved(self) -> bool {
        self.0.starts_with('$')
    }

    #[must_use]
    pub fn to_buf(self) -> TopicBuf {
        TopicBuf(Arc::from(self.0))
    }
}

impl fmt::Display for TopicName<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

/// A topic name that is kept. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicBuf(Arc<str>);

impl TopicBuf {
    #[must_use]
    pub fn as_name(&self) -> TopicName<'_> {
        TopicName(&self.0)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for TopicBuf {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What one may subscribe to: a topic in which `+` stands for one level and a last `#` for the rest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicFilter {
    filter: Arc<str>,
    /// Set for `$share/<group>/<filter>`; `filter` is then without the first two levels.
    group: Option<Arc<str>>,
}

impl TopicFilter {
    /// # Errors
    /// Says which rule the text breaks and where.
    //= mqtt-v5 MQTT-4.7.1-1, MQTT-4.7.1-2, MQTT-4.8.2-1, MQTT-4.8.2-2
    //= mqtt-v311 MQTT-4.7.1-2, MQTT-4.7.1-3
    pub fn parse(raw: &str) -> Result<Self, TopicFault> {
        check_size(raw)?;
        let Some(shared) = raw.strip_prefix("$share/") else {
            check_wildcards(raw)?;
            return Ok(Self { filter: Arc::from(raw), group: None });
        };
        let (group, filter) = shared.split_once('/').ok_or(TopicFault::Share)?;
        if group.is_empty() || filter.is_empty() || group.contains(['+', '#']) {
            return Err(TopicFault::Share);
        }
        check_wildcards(filter)?;
        Ok(Self { filter: Arc::from(filter), group: Some(Arc::from(group)) })
    }

    /// Without the `$share/<group>/` in front.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.filter
    }

    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.filter.split('/')
    }

    #[must_use]
    pub fn has_wildcard(&self) -> bool {
        self.filter.contains(['+', '#'])
    }

    /// The rule itself, one topic at a time; indexes are tested against it.
    //= mqtt-v5 MQTT-4.7.2-1, MQTT-4.7.3-4
    //= mqtt-v311 MQTT-4.7.2-1, MQTT-4.7.3-4
    #[must_use]
    pub fn matches(&self, topic: TopicName<'_>) -> bool {
        if topic.is_reserved() && self.filter.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = topic.levels();
        for wanted in self.filter.split('/') {
            match (wanted, levels.next()) {
                ("#", _) => return true,
                ("+", Some(_)) => {}
                (wanted, Some(level)) if wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.group {
            Some(group) => write!(out, "$share/{group}/{}", self.filter),
            None => out.write_str(&self.filter),
        }
    }
}

fn check_size(raw: &str) -> Result<(), TopicFault> {
    if raw.is_empty() || raw.len() > TOPIC_BYTES_MAX {
        return Err(TopicFault::Length { bytes: raw.len() });
    }
    if raw.bytes().filter(|byte| *byte == b'/').count() >= TOPIC_LEVELS_MAX {
        return Err(TopicFault::Levels);
    }
    Ok(())
}

fn check_wildcards(filter: &str) -> Result<(), TopicFault> {
    let mut at = 0;
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let whole = match level {
            "+" => true,
            "#" => levels.peek().is_none(),
            other => !other.contains(['+', '#', '\0']),
        };
        if !whole {
            return Err(TopicFault::Wildcard { at });
        }
        at += level.len() + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
