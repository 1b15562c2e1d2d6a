//! Topics whose messages are kept as they are: no readings, no devices.

use model::record::glance;
use model::{TopicFilter, TopicName};

/// Most filters are a folder of topics, `chatter/#`: those are compared byte by byte.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// With the slash at the end.
    folders: Vec<Box<str>>,
    others: Vec<TopicFilter>,
}

impl Unread {
    pub(crate) fn new(filters: Vec<TopicFilter>) -> Self {
        let mut unread = Self::default();
        for filter in filters {
            match folder(&filter) {
                Some(folder) => {
                    // The filter also holds the topic without the slash.
                    let itself = TopicFilter::parse(folder.trim_end_matches('/'));
                    unread.others.extend(itself);
                    unread.folders.push(folder);
                }
                None => unread.others.push(filter),
            }
        }
        unread
    }

    pub(crate) fn holds(&self, topic: TopicName<'_>) -> bool {
        self.in_folder(topic.as_str().as_bytes())
            || self.others.iter().any(|filter| filter.matches(topic))
    }

    /// Whether a record need not be read at all: a message on such a topic that is not retained, and
    /// that no session is owed.
    pub(crate) fn passes_by(&self, record: &[u8], owed_to_nobody: bool) -> bool {
        if self.folders.is_empty() {
            return false;
        }
        glance(record).is_some_and(|seen| {
            let kept = seen.retain || seen.is_promised && !owed_to_nobody;
            !kept && self.in_folder(seen.topic)
        })
    }

    fn in_folder(&self, topic: &[u8]) -> bool {
        self.folders.iter().any(|folder| topic.starts_with(folder.as_bytes()))
    }
}

fn folder(filter: &TopicFilter) -> Option<Box<str>> {
    let folder = filter.as_str().strip_suffix('#')?;
    let plain = folder.len() > 1 && folder.ends_with('/') && !folder.contains('+');
    (plain && filter.group().is_none()).then(|| folder.into())
}

#[cfg(test)]
mod tests {
    use model::record::encode_message;
    use model::{Message, Qos, Timestamp};

    use super::*;

    fn unread(filters: &[&str]) -> Unread {
        Unread::new(filters.iter().map(|text| TopicFilter::parse(text).unwrap()).collect())
    }

    fn record(topic: &str, qos: Qos, retain: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let topic = TopicName::parse(topic).unwrap();
        let message = Message {
            received_at: Timestamp::from_millis(1),
            client: "camera",
            credential: Some("x"),
            topic,
            payload: b"picture",
            properties: &[],
            qos,
            retain,
        };
        encode_message(&message, &mut out);
        out
    }

    #[test]
    fn it_holds_what_its_filters_match() {
        let filters = ["chatter/#", "+/noise", "exact", "a/+/#", "/#"];
        let set = unread(&filters);
        for topic in ["chatter", "chatter/a/b", "chatters", "x/noise", "exact", "a/b/c", "/x", "z"]
        {
            let name = TopicName::parse(topic).unwrap();
            let matches = filters.iter().any(|it| TopicFilter::parse(it).unwrap().matches(name));
            assert_eq!(set.holds(name), matches, "{topic}");
        }
    }

    #[test]
    fn a_message_that_somebody_keeps_is_looked_at() {
        let set = unread(&["chatter/#"]);
        assert!(set.passes_by(&record("chatter/a", Qos::AtMostOnce, false), false));
        assert!(!set.passes_by(&record("chatter/a", Qos::AtLeastOnce, false), false));
        assert!(!set.passes_by(&record("chatter/a", Qos::AtMostOnce, true), false));
        assert!(!set.passes_by(&record("farm/a", Qos::AtMostOnce, false), false));
        assert!(set.passes_by(&record("chatter/a", Qos::AtLeastOnce, false), true));
        assert!(!set.passes_by(&record("chatter/a", Qos::AtLeastOnce, true), true));
        let whole = record("chatter/a", Qos::AtMostOnce, false);
        for cut in 0..whole.len() {
            // Never more than the whole says.
            let seen = glance(&whole[..cut]).map(|seen| seen.topic);
            assert!(seen.is_none_or(|topic| topic == b"chatter/a"), "{cut}");
        }
    }
}
