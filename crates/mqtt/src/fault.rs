//! Why bytes are no MQTT packet. All of it is the peer's fault, except `TooLong`, which is ours.

use crate::Reason;

/// The bytes break the standard. The only answer is to end the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("packet type {0} does not exist in this version")]
    PacketType(u8),
    #[error("the reserved bits of the first byte are wrong: {0:#010b}")]
    HeaderFlags(u8),
    #[error("a length is coded in more than four bytes, or in more than it needs")]
    Varint,
    #[error("a packet of {bytes} bytes, where {max} are allowed")]
    TooLarge { bytes: u32, max: u32 },
    #[error("a field reaches past the end of the packet")]
    Truncated,
    #[error("the packet goes on after its last field")]
    Trailing,
    #[error("a text is not UTF-8")]
    Utf8,
    #[error("a text holds the character NUL")]
    Nul,
    #[error("the protocol is not called MQTT")]
    ProtocolName,
    #[error("protocol level {level} is not spoken here")]
    ProtocolLevel { level: u8 },
    #[error("the connect flags contradict each other or a reserved one is set: {0:#010b}")]
    ConnectFlags(u8),
    #[error("QoS 3 does not exist")]
    Qos,
    #[error("DUP is set on a message with QoS 0")]
    DupWithoutQos,
    #[error("a packet id is 0")]
    PacketIdZero,
    #[error("a message has neither a topic nor an alias for one")]
    TopicMissing,
    #[error("a topic alias is 0")]
    TopicAliasZero,
    #[error("property {0:#04x} does not exist")]
    PropertyUnknown(u32),
    #[error("property {0:#04x} does not belong into this packet")]
    PropertyMisplaced(u8),
    #[error("property {0:#04x} is there twice")]
    PropertyRepeated(u8),
    #[error("property {0:#04x} has a value that the standard forbids")]
    PropertyValue(u8),
    #[error("authentication data without an authentication method")]
    AuthDataAlone,
    #[error("reason code {0:#04x} does not belong into this packet")]
    ReasonCode(u8),
    #[error("the acknowledge flags are wrong: {0:#010b}")]
    AcknowledgeFlags(u8),
    #[error("a subscribe or unsubscribe packet names no topic filter")]
    NoFilters,
    #[error("subscription options are wrong: {0:#010b}")]
    SubscriptionOptions(u8),
    #[error("a shared subscription asks for no-local")]
    SharedNoLocal,
}

impl Malformed {
    /// What MQTT 5 calls it.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::TooLarge { .. } => Reason::PacketTooLarge,
            Self::ProtocolName | Self::ProtocolLevel { .. } => Reason::UnsupportedVersion,
            Self::TopicAliasZero => Reason::TopicAliasInvalid,
            Self::PacketIdZero
            | Self::TopicMissing
            | Self::PropertyMisplaced(_)
            | Self::PropertyRepeated(_)
            | Self::PropertyValue(_)
            | Self::AuthDataAlone
            | Self::NoFilters
            | Self::SharedNoLocal => Reason::ProtocolError,
            Self::PacketType(_)
            | Self::HeaderFlags(_)
            | Self::Varint
            | Self::Truncated
            | Self::Trailing
            | Self::Utf8
            | Self::Nul
            | Self::ConnectFlags(_)
            | Self::Qos
            | Self::DupWithoutQos
            | Self::PropertyUnknown(_)
            | Self::ReasonCode(_)
            | Self::AcknowledgeFlags(_)
            | Self::SubscriptionOptions(_) => Reason::MalformedPacket,
        }
    }
}

/// What we were asked to write does not fit MQTT: a text over 65,535 bytes or a packet over
/// 256 MiB. Nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too long for an MQTT packet")]
pub struct TooLong;
