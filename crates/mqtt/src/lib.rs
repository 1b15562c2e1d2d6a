//! MQTT 3.1.1 and 5.0 without sockets, clocks or threads: bytes and time come in, bytes and things
//! to do come out.
//!
//! `decode` reads any packet in place, for a server as for a client; every packet can encode
//! itself. `Session` is one connection of a client as the server sees it.
//! Never: input or output, `now()`, an allocation for a packet that is published.

mod ack;
mod connack;
mod connect;
mod disconnect;
mod fault;
mod fixed_header;
mod inflight;
mod packet;
mod properties;
mod property;
mod publish;
mod publish_properties;
mod reader;
mod reason;
pub mod session;
mod subscribe;
mod varint;
mod version;
mod violation;
mod will;
mod writer;

pub use ack::Ack;
pub use connack::ConnAck;
pub use connect::{Connect, Will};
pub use disconnect::{Auth, Disconnect};
pub use fault::{Malformed, TooLong};
pub use fixed_header::Kind;
pub use inflight::{Generation, Inflight, Outbound, Step};
pub use packet::{Packet, decode, needed};
pub use properties::{Properties, PropertiesBuf};
pub use property::Property;
pub use publish::{Frame, Outgoing, Publish};
pub use publish_properties::PublishProperties;
pub use reason::Reason;
pub use session::{Accept, Action, AuthData, Delivered, Finished, Limits, Session, Ticket, Topic};
pub use subscribe::{
    FilterAck, RetainHandling, Subscribe, Subscription, SubscriptionOptions, Unsubscribe,
    encode_suback, encode_subscribe, encode_unsuback, encode_unsubscribe,
};
pub use varint::VARINT_MAX;
pub use version::Version;
pub use violation::Violation;
pub use will::StoredWill;
