//! A message in wire form, encoded once for all subscribers of one version, QoS and retain flag.

use std::num::NonZeroU32;

use model::Qos;
use mqtt::{Frame, Outgoing, TooLong, Version};
use smallvec::SmallVec;

/// Two versions, three QoS, retained or not.
const FORMS: usize = 12;

/// A message as a subscriber may see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) topic: &'a str,
    pub(crate) properties: &'a [u8],
    pub(crate) payload: &'a [u8],
    /// Seconds, once the message has waited.
    pub(crate) expiry_left: Option<u32>,
}

#[derive(Debug, Default)]
struct Form {
    bytes: Vec<u8>,
    id_at: Option<usize>,
    filled: bool,
}

/// The forms of the message at hand. The buffers stay for the next one.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    forms: [Form; FORMS],
    /// A form with subscription identifiers, which belongs to one subscriber.
    own: Form,
}

/// What tells one form from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape<'a> {
    pub(crate) version: Version,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) identifiers: &'a [u32],
}

impl Shape<'_> {
    fn place(&self) -> usize {
        let version = usize::from(self.version == Version::V5);
        version * 6 + usize::from(self.qos.bits()) * 2 + usize::from(self.retain)
    }

    fn needs_own(&self) -> bool {
        self.version == Version::V5 && !self.identifiers.is_empty()
    }
}

impl Frames {
    /// A new message is at hand.
    pub(crate) fn begin(&mut self) {
        for form in &mut self.forms {
            form.filled = false;
        }
    }

    /// # Errors
    /// When the topic and the payload do not fit into one packet.
    pub(crate) fn get(&mut self, shown: Shown<'_>, shape: Shape<'_>) -> Result<Frame<'_>, TooLong> {
        let own = shape.needs_own();
        let form = match self.forms.get_mut(shape.place()) {
            Some(form) if !own => form,
            _ => &mut self.own,
        };
        if own || !form.filled {
            let ids: SmallVec<[NonZeroU32; 2]> =
                shape.identifiers.iter().copied().filter_map(NonZeroU32::new).collect();
            form.bytes.clear();
            form.id_at = Outgoing {
                qos: shape.qos,
                retain: shape.retain,
                topic: shown.topic,
                subscription_ids: if own { &ids } else { &[] },
                properties: shown.properties,
                expiry_left: shown.expiry_left,
                payload: shown.payload,
            }
            .encode(shape.version, &mut form.bytes)?;
            form.filled = true;
        }
        Ok(Frame::new(&form.bytes, form.id_at))
    }
}
