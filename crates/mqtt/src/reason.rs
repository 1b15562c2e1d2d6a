//! Reason codes (MQTT 5.0, section 2.4) and what MQTT 3.1.1 can say of them.

use crate::fixed_header::Kind;

macro_rules! reasons {
    ($($name:ident = $code:literal,)+) => {
        /// Why, in one byte. From 0x80 on it is a failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Reason {
            $($name = $code,)+
        }

        impl Reason {
            /// `None` for a code that the standard does not know.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

// 0x00 is also "granted QoS 0" and "normal disconnection".
reasons! {
    Success = 0x00,
    GrantedQos1 = 0x01,
    GrantedQos2 = 0x02,
    DisconnectWithWill = 0x04,
    NoMatchingSubscribers = 0x10,
    NoSubscriptionExisted = 0x11,
    ContinueAuthentication = 0x18,
    ReAuthenticate = 0x19,
    Unspecified = 0x80,
    MalformedPacket = 0x81,
    ProtocolError = 0x82,
    ImplementationSpecific = 0x83,
    UnsupportedVersion = 0x84,
    ClientIdInvalid = 0x85,
    BadCredentials = 0x86,
    NotAuthorized = 0x87,
    ServerUnavailable = 0x88,
    ServerBusy = 0x89,
    Banned = 0x8A,
    ServerShuttingDown = 0x8B,
    BadAuthMethod = 0x8C,
    KeepAliveTimeout = 0x8D,
    SessionTakenOver = 0x8E,
    TopicFilterInvalid = 0x8F,
    TopicNameInvalid = 0x90,
    PacketIdInUse = 0x91,
    PacketIdNotFound = 0x92,
    ReceiveMaximumExceeded = 0x93,
    TopicAliasInvalid = 0x94,
    PacketTooLarge = 0x95,
    MessageRateTooHigh = 0x96,
    QuotaExceeded = 0x97,
    AdministrativeAction = 0x98,
    PayloadFormatInvalid = 0x99,
    RetainNotSupported = 0x9A,
    QosNotSupported = 0x9B,
    UseAnotherServer = 0x9C,
    ServerMoved = 0x9D,
    SharedNotSupported = 0x9E,
    ConnectionRateExceeded = 0x9F,
    MaximumConnectTime = 0xA0,
    SubscriptionIdsNotSupported = 0xA1,
    WildcardNotSupported = 0xA2,
}

impl Reason {
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    #[must_use]
    pub const fn is_failure(self) -> bool {
        self.code() >= 0x80
    }

    /// Whether the standard lists this code for packets of `kind`.
    //= mqtt-v5 MQTT-3.2.2-8, MQTT-3.4.2-1, MQTT-3.5.2-1, MQTT-3.6.2-1, MQTT-3.7.2-1, MQTT-3.9.3-2
    //= mqtt-v5 MQTT-3.11.3-2, MQTT-3.14.2-1, MQTT-3.15.2-1
    #[must_use]
    pub const fn belongs_to(self, kind: Kind) -> bool {
        let code = self.code();
        match kind {
            Kind::ConnAck => matches!(
                code,
                0 | 0x80..=0x8A | 0x8C | 0x90 | 0x95 | 0x97 | 0x99..=0x9D | 0x9F
            ),
            Kind::PubAck | Kind::PubRec => {
                matches!(code, 0 | 0x10 | 0x80 | 0x83 | 0x87 | 0x90 | 0x91 | 0x97 | 0x99)
            }
            Kind::PubRel | Kind::PubComp => matches!(code, 0 | 0x92),
            Kind::SubAck => {
                matches!(code, 0..=2 | 0x80 | 0x83 | 0x87 | 0x8F | 0x91 | 0x97 | 0x9E | 0xA1 | 0xA2)
            }
            Kind::UnsubAck => matches!(code, 0 | 0x11 | 0x80 | 0x83 | 0x87 | 0x8F | 0x91),
            Kind::Disconnect => matches!(
                code,
                0 | 4 | 0x80..=0x83 | 0x87 | 0x89 | 0x8B | 0x8D..=0x90 | 0x93..=0xA2
            ),
            Kind::Auth => matches!(code, 0 | 0x18 | 0x19),
            Kind::Connect
            | Kind::Publish
            | Kind::Subscribe
            | Kind::Unsubscribe
            | Kind::PingReq
            | Kind::PingResp => false,
        }
    }

    /// This reason, or where packets of `kind` may not have it, the nearest that they may.
    pub(crate) const fn told_in(self, kind: Kind) -> Self {
        match (kind, self) {
            (_, reason) if reason.belongs_to(kind) => reason,
            (Kind::ConnAck, Self::ServerShuttingDown) => Self::ServerUnavailable,
            _ => Self::Unspecified,
        }
    }

    /// The CONNACK return code of MQTT 3.1.1. `None`: the connection closes without a CONNACK.
    //= mqtt-v311 MQTT-3.2.2-6
    #[must_use]
    pub const fn return_code(self) -> Option<u8> {
        match self.code() {
            0 => Some(0),
            0x84 => Some(1),
            0x85 => Some(2),
            0x88 | 0x89 | 0x8B | 0x97 | 0x9F => Some(3),
            0x86 => Some(4),
            0x87 | 0x8A => Some(5),
            _ => None,
        }
    }

    /// The pair of `return_code`.
    #[must_use]
    pub const fn from_return_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Success),
            1 => Some(Self::UnsupportedVersion),
            2 => Some(Self::ClientIdInvalid),
            3 => Some(Self::ServerUnavailable),
            4 => Some(Self::BadCredentials),
            5 => Some(Self::NotAuthorized),
            _ => None,
        }
    }
}
