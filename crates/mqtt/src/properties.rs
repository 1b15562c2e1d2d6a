//! The properties of MQTT 5 packets: a block of bytes that was checked once and is read in place.

use std::fmt;

use crate::property::{Property, SUBSCRIPTION_ID, TOPIC_ALIAS, USER};
use crate::reader::Reader;
use crate::{Malformed, TooLong, varint};

impl fmt::Debug for PropertiesBuf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_properties().fmt(out)
    }
}

/// Which properties a packet may have: bit n stands for the property with the id n.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed(u64);

impl Allowed {
    pub(crate) const CONNECT: Self =
        Self::of(&[0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27]);
    pub(crate) const WILL: Self = Self::of(&[0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26]);
    pub(crate) const CONNACK: Self = Self::of(&[
        0x11, 0x12, 0x13, 0x15, 0x16, 0x1A, 0x1C, 0x1F, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x28,
        0x29, 0x2A,
    ]);
    pub(crate) const PUBLISH: Self = Self::of(&[0x01, 0x02, 0x03, 0x08, 0x09, 0x0B, 0x23, 0x26]);
    pub(crate) const ACK: Self = Self::of(&[0x1F, 0x26]);
    pub(crate) const SUBSCRIBE: Self = Self::of(&[0x0B, 0x26]);
    pub(crate) const UNSUBSCRIBE: Self = Self::of(&[0x26]);
    pub(crate) const DISCONNECT: Self = Self::of(&[0x11, 0x1C, 0x1F, 0x26]);
    pub(crate) const AUTH: Self = Self::of(&[0x15, 0x16, 0x1F, 0x26]);

    const fn of(ids: &[u8]) -> Self {
        let mut rest = ids;
        let mut bits = 0;
        while let [id, tail @ ..] = rest {
            bits |= 1 << *id;
            rest = tail;
        }
        Self(bits)
    }

    const fn holds(self, id: u8) -> bool {
        id < 64 && self.0 & (1 << id) != 0
    }
}

/// A checked block of properties, in wire form without the length in front.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Properties<'a> {
    block: &'a [u8],
}

impl<'a> Properties<'a> {
    pub const NONE: Self = Self { block: &[] };

    /// The length, the block, and the check of the block: one pass over it, whatever is in it.
    pub(crate) fn read(reader: &mut Reader<'a>, allowed: Allowed) -> Result<Self, Malformed> {
        let block = read_block(reader)?;
        let mut checked = Checked::new(block, allowed);
        while checked.next_property()?.is_some() {}
        Ok(Self { block })
    }

    /// Of a block that was checked before.
    pub(crate) const fn checked(block: &'a [u8]) -> Self {
        Self { block }
    }

    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.block
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.block.is_empty()
    }

    /// The properties in the order in which they came.
    pub fn iter(self) -> impl Iterator<Item = Property<'a>> {
        let mut rest = Reader::new(self.block);
        std::iter::from_fn(move || {
            if rest.is_empty() { None } else { Property::read(&mut rest).ok().map(|(_, it)| it) }
        })
    }

    /// The user properties, which may repeat.
    pub fn user(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.iter().filter_map(|property| {
            if let Property::User(name, value) = property { Some((name, value)) } else { None }
        })
    }

    /// The method of authentication that is named, and its data.
    #[must_use]
    pub fn authentication(self) -> Option<(&'a str, &'a [u8])> {
        let (mut method, mut bytes): (_, &[u8]) = (None, &[]);
        for property in self.iter() {
            if let Property::AuthMethod(name) = property {
                method = Some(name);
            } else if let Property::AuthData(data) = property {
                bytes = data;
            }
        }
        method.map(|method| (method, bytes))
    }

    //= mqtt-v5 MQTT-2.2.2-1
    pub(crate) fn write(self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        varint::encode(self.block.len(), out)?;
        out.extend_from_slice(self.block);
        Ok(())
    }
}

/// Without authentication data, which is nobody else's business.
impl fmt::Debug for Properties<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = |property: &Property<'_>| matches!(property, Property::AuthData(_));
        out.debug_list().entries(self.iter().filter(|property| !secret(property))).finish()
    }
}

/// Properties to be sent, collected one by one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PropertiesBuf {
    block: Vec<u8>,
}

impl PropertiesBuf {
    /// # Errors
    /// When a text or binary value has more than 65,535 bytes.
    pub fn push(&mut self, property: Property<'_>) -> Result<&mut Self, TooLong> {
        let before = self.block.len();
        let written = property.write(&mut self.block);
        if written.is_err() {
            self.block.truncate(before);
        }
        written.map(|()| self)
    }

    #[must_use]
    pub fn as_properties(&self) -> Properties<'_> {
        Properties { block: &self.block }
    }
}

pub(crate) fn read_block<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let len = reader.varint()?;
    reader.slice(len as usize)
}

/// Reads a block and holds it to the rules: known, allowed here, not twice.
pub(crate) struct Checked<'a> {
    rest: Reader<'a>,
    total: usize,
    allowed: Allowed,
    seen: u64,
}

impl<'a> Checked<'a> {
    pub(crate) const fn new(block: &'a [u8], allowed: Allowed) -> Self {
        Self { rest: Reader::new(block), total: block.len(), allowed, seen: 0 }
    }

    pub(crate) const fn at(&self) -> usize {
        self.total - self.rest.len()
    }

    //= mqtt-v5 MQTT-3.3.4-6
    pub(crate) fn next_property(&mut self) -> Result<Option<(u8, Property<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (id, property) = Property::read(&mut self.rest)?;
        if !self.allowed.holds(id) {
            return Err(Malformed::PropertyMisplaced(id));
        }
        let in_publish = self.allowed.holds(TOPIC_ALIAS);
        let may_repeat = id == USER || id == SUBSCRIPTION_ID && in_publish;
        let bit = 1 << id;
        if self.seen & bit != 0 && !may_repeat {
            return Err(Malformed::PropertyRepeated(id));
        }
        self.seen |= bit;
        Ok(Some((id, property)))
    }
}
