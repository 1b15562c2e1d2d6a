//! How a peer broke the protocol, beyond the form of a single packet. All of it is the peer's
//! fault; the connection ends.

use model::topic::TopicFault;

use crate::{Kind, Malformed, Reason};

/// The connection is over. What is still to be sent was appended before this was returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("the packet is malformed")]
    Malformed(#[from] Malformed),
    #[error("a connection begins with CONNECT, not {0:?}")]
    FirstPacket(Kind),
    #[error("a second CONNECT on one connection")]
    SecondConnect,
    #[error("only a server sends {0:?}")]
    Direction(Kind),
    #[error("a session that is to stay needs a client id")]
    ClientIdMissing,
    #[error("the topic of the will is none")]
    WillTopic(#[source] TopicFault),
    #[error("an authentication method that the CONNECT did not name")]
    AuthMethod,
    #[error("a step of an authentication that is not the next one")]
    AuthStep,
    #[error("more data or more steps than an authentication may have")]
    AuthTooMuch,
    #[error("{0:?} from a client that has not proved yet who it is")]
    Unauthenticated(Kind),
    #[error("the topic is none")]
    TopicName(#[source] TopicFault),
    #[error("topic alias {alias}, where {max} are allowed")]
    TopicAliasRange { alias: u16, max: u16 },
    #[error("topic alias {0} was not given a topic before")]
    TopicAliasUnknown(u16),
    #[error("a client does not name subscription ids in a message")]
    SubscriptionId,
    #[error("more messages under way than the {max} that were allowed")]
    ReceiveMaximum { max: u16 },
    #[error("{kind:?} for packet {packet_id}, which is at another step")]
    HandshakeStep { kind: Kind, packet_id: u16 },
    #[error("a session that was to end with its connection is asked to stay")]
    SessionExpiryRaised,
    #[error("the client takes packets of {max} bytes at most, which is less than an answer")]
    ClientPacketMax { max: u32 },
    #[error("nothing was heard for one and a half keep-alive intervals")]
    KeepAlive,
    #[error("no CONNECT came in time")]
    ConnectTimeout,
}

impl Violation {
    /// What MQTT 5 calls it.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Malformed(malformed) => malformed.reason(),
            Self::ClientIdMissing => Reason::ClientIdInvalid,
            Self::WillTopic(_) | Self::TopicName(_) => Reason::TopicNameInvalid,
            Self::AuthTooMuch => Reason::QuotaExceeded,
            Self::TopicAliasRange { .. } => Reason::TopicAliasInvalid,
            Self::ReceiveMaximum { .. } => Reason::ReceiveMaximumExceeded,
            Self::ClientPacketMax { .. } => Reason::PacketTooLarge,
            Self::KeepAlive => Reason::KeepAliveTimeout,
            Self::ConnectTimeout
            | Self::AuthMethod
            | Self::AuthStep
            | Self::Unauthenticated(_)
            | Self::FirstPacket(_)
            | Self::SecondConnect
            | Self::Direction(_)
            | Self::TopicAliasUnknown(_)
            | Self::SubscriptionId
            | Self::HandshakeStep { .. }
            | Self::SessionExpiryRaised => Reason::ProtocolError,
        }
    }
}
