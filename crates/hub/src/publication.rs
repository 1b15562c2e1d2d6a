//! A message that is kept: for another shard, for a subscriber who cannot take it yet, or retained.

use model::record::Record;
use model::{Message, Qos, Timestamp, TopicBuf, TopicName};

/// An owned message without its sender's names: what a subscriber may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    pub topic: TopicBuf,
    pub payload: Box<[u8]>,
    /// The MQTT 5 properties that travel with it, in wire form.
    pub properties: Box<[u8]>,
    pub qos: Qos,
    pub retain: bool,
    pub received_at: Timestamp,
}

impl Publication {
    #[must_use]
    pub fn of(message: &Message<'_>) -> Self {
        Self {
            topic: message.topic.to_buf(),
            payload: message.payload.into(),
            properties: message.properties.into(),
            qos: message.qos,
            retain: message.retain,
            received_at: message.received_at,
        }
    }

    /// `None` when the record is no message.
    #[must_use]
    pub fn of_record(record: &[u8]) -> Option<Self> {
        match Record::decode(record) {
            Ok(Record::Message(message)) => Some(Self::of(&message)),
            Ok(_) | Err(_) => None,
        }
    }

    #[must_use]
    pub fn topic(&self) -> TopicName<'_> {
        self.topic.as_name()
    }

    /// What it costs to keep: its bytes and about 64 more for the boxes around them.
    #[must_use]
    pub fn cost(&self) -> usize {
        64 + self.topic.as_str().len() + self.payload.len() + self.properties.len()
    }
}
