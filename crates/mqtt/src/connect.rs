//! CONNECT: who comes, under which terms, and what to say when it is lost.

use model::Qos;

use crate::fixed_header::Kind;
use crate::properties::{Allowed, Properties};
use crate::property::Property;
use crate::reader::Reader;
use crate::{Malformed, TooLong, Version, writer};

const NAME: &[u8] = b"MQTT";
const NAME_OF_LEVEL_3: &[u8] = b"MQIsdp";

const RESERVED: u8 = 1;
const CLEAN_START: u8 = 1 << 1;
const WILL: u8 = 1 << 2;
const WILL_RETAIN: u8 = 1 << 5;
const PASSWORD: u8 = 1 << 6;
const USER_NAME: u8 = 1 << 7;

/// The first packet of a client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Connect<'a> {
    pub version: Version,
    /// Clean Session in MQTT 3.1.1: then the session also ends with the connection.
    pub clean_start: bool,
    /// Seconds; 0 for none.
    pub keep_alive: u16,
    pub client_id: &'a str,
    pub will: Option<Will<'a>>,
    pub user_name: Option<&'a str>,
    pub password: Option<&'a [u8]>,
    pub properties: Properties<'a>,
}

/// What the server publishes for the client once it is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will<'a> {
    pub topic: &'a str,
    pub payload: &'a [u8],
    pub qos: Qos,
    pub retain: bool,
    /// With the will delay, which does not travel.
    pub properties: Properties<'a>,
}

impl<'a> Connect<'a> {
    pub(crate) fn decode(mut reader: Reader<'a>) -> Result<Self, Malformed> {
        let version = protocol(&mut reader)?;
        let flags = Flags::read(&mut reader, version)?;
        let keep_alive = reader.u16()?;
        let properties = read_properties(&mut reader, version, Allowed::CONNECT)?;
        auth_is_whole(properties)?;
        //= mqtt-v5 MQTT-3.1.3-1, MQTT-3.1.3-3, MQTT-3.1.3-4
        //= mqtt-v311 MQTT-3.1.3-1, MQTT-3.1.3-3, MQTT-3.1.3-4
        let client_id = reader.text()?;
        //= mqtt-v5 MQTT-3.1.2-9, MQTT-3.1.3-11
        //= mqtt-v311 MQTT-3.1.2-9, MQTT-3.1.3-10
        let will = match flags.will_qos {
            None => None,
            Some(qos) => Some(Will {
                qos,
                retain: flags.will_retain,
                properties: read_properties(&mut reader, version, Allowed::WILL)?,
                topic: reader.text()?,
                payload: reader.binary()?,
            }),
        };
        //= mqtt-v5 MQTT-3.1.2-16, MQTT-3.1.2-17, MQTT-3.1.2-18, MQTT-3.1.2-19, MQTT-3.1.3-12
        //= mqtt-v311 MQTT-3.1.2-18, MQTT-3.1.2-19, MQTT-3.1.2-20, MQTT-3.1.2-21, MQTT-3.1.3-11
        let user_name = if flags.user_name { Some(reader.text()?) } else { None };
        let password = if flags.password { Some(reader.binary()?) } else { None };
        reader.end()?;
        Ok(Self {
            version,
            clean_start: flags.clean_start,
            keep_alive,
            client_id,
            will,
            user_name,
            password,
            properties,
        })
    }

    /// # Errors
    /// When a field or the whole is too long; nothing was appended then.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let in_v5 = self.version == Version::V5;
        writer::packet(Kind::Connect.first_byte(), out, |out| {
            writer::binary(NAME, out)?;
            out.push(self.version.level());
            out.push(self.flags());
            writer::u16(self.keep_alive, out);
            if in_v5 {
                self.properties.write(out)?;
            }
            writer::text(self.client_id, out)?;
            if let Some(will) = &self.will {
                if in_v5 {
                    will.properties.write(out)?;
                }
                writer::text(will.topic, out)?;
                writer::binary(will.payload, out)?;
            }
            if let Some(name) = self.user_name {
                writer::text(name, out)?;
            }
            self.password.map_or(Ok(()), |password| writer::binary(password, out))
        })
    }

    fn flags(&self) -> u8 {
        let set = |condition: bool, bit: u8| if condition { bit } else { 0 };
        let will = self
            .will
            .as_ref()
            .map_or(0, |will| WILL | will.qos.bits() << 3 | set(will.retain, WILL_RETAIN));
        will | set(self.clean_start, CLEAN_START)
            | set(self.password.is_some(), PASSWORD)
            | set(self.user_name.is_some(), USER_NAME)
    }
}

impl std::fmt::Debug for Connect<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Connect")
            .field("version", &self.version)
            .field("clean_start", &self.clean_start)
            .field("keep_alive", &self.keep_alive)
            .field("client_id", &self.client_id)
            .field("will", &self.will)
            .field("user_name", &self.user_name)
            .field("password", &self.password.map(|_secret| "…"))
            .field("properties", &self.properties)
            .finish()
    }
}

#[expect(clippy::struct_excessive_bools, reason = "they are the bits of one byte of the packet")]
struct Flags {
    clean_start: bool,
    will_qos: Option<Qos>,
    will_retain: bool,
    user_name: bool,
    password: bool,
}

impl Flags {
    fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, Malformed> {
        let bits = reader.u8()?;
        let wrong = Malformed::ConnectFlags(bits);
        //= mqtt-v5 MQTT-3.1.2-3
        //= mqtt-v311 MQTT-3.1.2-3
        if bits & RESERVED != 0 {
            return Err(wrong);
        }
        //= mqtt-v5 MQTT-3.1.2-11, MQTT-3.1.2-12, MQTT-3.1.2-13
        //= mqtt-v311 MQTT-3.1.2-11, MQTT-3.1.2-13, MQTT-3.1.2-14, MQTT-3.1.2-15
        let will_bits = bits >> 3 & 0b11;
        let will_retain = bits & WILL_RETAIN != 0;
        let will_qos = if bits & WILL == 0 {
            if will_bits != 0 || will_retain {
                return Err(wrong);
            }
            None
        } else {
            Some(Qos::from_bits(will_bits).ok_or(wrong)?)
        };
        let user_name = bits & USER_NAME != 0;
        let password = bits & PASSWORD != 0;
        //= mqtt-v311 MQTT-3.1.2-22
        if version == Version::V311 && password && !user_name {
            return Err(wrong);
        }
        let clean_start = bits & CLEAN_START != 0;
        Ok(Self { clean_start, will_qos, will_retain, user_name, password })
    }
}

//= mqtt-v5 MQTT-3.1.2-1, MQTT-3.1.2-2
//= mqtt-v311 MQTT-3.1.2-1, MQTT-3.1.2-2
fn protocol(reader: &mut Reader<'_>) -> Result<Version, Malformed> {
    let name = reader.binary()?;
    let level = reader.u8()?;
    match name {
        NAME => Version::from_level(level).ok_or(Malformed::ProtocolLevel { level }),
        NAME_OF_LEVEL_3 => Err(Malformed::ProtocolLevel { level }),
        _ => Err(Malformed::ProtocolName),
    }
}

fn read_properties<'a>(
    reader: &mut Reader<'a>,
    version: Version,
    allowed: Allowed,
) -> Result<Properties<'a>, Malformed> {
    match version {
        Version::V311 => Ok(Properties::NONE),
        Version::V5 => Properties::read(reader, allowed),
    }
}

fn auth_is_whole(properties: Properties<'_>) -> Result<(), Malformed> {
    let mut method = false;
    let mut data = false;
    for property in properties.iter() {
        method |= matches!(property, Property::AuthMethod(_));
        data |= matches!(property, Property::AuthData(_));
    }
    if data && !method { Err(Malformed::AuthDataAlone) } else { Ok(()) }
}
