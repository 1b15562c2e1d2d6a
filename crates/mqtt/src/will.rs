//! A will that is kept: what the server publishes once its client is lost.

use model::{Qos, TopicBuf, TopicName};

use crate::connect::Will;
use crate::properties::{Properties, PropertiesBuf};
use crate::property::Property;
use crate::violation::Violation;

/// Boxed and kept apart, because few clients have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredWill {
    pub topic: TopicBuf,
    pub payload: Box<[u8]>,
    pub qos: Qos,
    pub retain: bool,
    /// Seconds to wait after the connection is lost: a client that is back by then stays silent.
    pub delay: u32,
    /// The block that travels with the message.
    pub properties: Box<[u8]>,
}

impl StoredWill {
    pub(crate) fn keep(will: &Will<'_>) -> Result<Box<Self>, Violation> {
        let topic = TopicName::parse(will.topic).map_err(Violation::WillTopic)?;
        let (delay, properties) = without_delay(will.properties);
        Ok(Box::new(Self {
            topic: topic.to_buf(),
            payload: will.payload.into(),
            qos: will.qos,
            retain: will.retain,
            delay,
            properties,
        }))
    }
}

//= mqtt-v5 MQTT-3.1.3-10
fn without_delay(properties: Properties<'_>) -> (u32, Box<[u8]>) {
    let mut delay = 0;
    let mut kept = PropertiesBuf::default();
    for property in properties.iter() {
        if let Property::WillDelay(seconds) = property {
            delay = seconds;
        } else {
            let written = kept.push(property).map(|_buf| ());
            assert_eq!(written, Ok(()), "what was read can be written");
        }
    }
    (delay, kept.as_properties().as_bytes().into())
}
