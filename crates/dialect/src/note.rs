//! What can be worth saying about a message, as a list: each is counted, none ends a connection.

/// Something about a message that its owner may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// More leaves, members, elements or groups than a message may have; the rest was dropped.
    Truncated,
    /// The payload is larger than recognition looks at.
    PayloadTooLarge,
    /// The topic is longer or deeper than recognition looks at.
    TopicTooLong,
    /// JSON nested deeper than recognition follows.
    TooDeep,
    /// The payload is not what the topic promises: no JSON, no SenML.
    Malformed,
    /// The payload is no UTF-8 text.
    NotText,
    /// The payload is empty.
    Empty,
    /// There is no value in it: `null`, `unavailable`, an empty object.
    NoValue,
    /// A value without a name.
    Unnamed,
    /// A name was longer than a name may be and was cut.
    NameCut,
    /// The time was impossible; the time of receipt stands.
    ClockBad,
    /// The time had no zone and does not fit the receipt; the time of receipt stands.
    ClockUnsure,
    /// The time is more than five minutes ahead of ours.
    ClockAhead,
    /// A time in seconds where the dialect asks for milliseconds; read as seconds.
    TimeInSeconds,
    /// Several messages in a row were off by the same quarters of an hour: the device's zone is
    /// probably this far from UTC.
    ZoneProposed { quarters: i8 },
    /// Unit text that no table knows.
    UnknownUnit,
    /// The Protocol Buffers form of the dialect, which is not read.
    Protobuf,
    /// Retained readings without a time that a bridge replayed: current values, no news.
    RetainedReplay,
}

impl Note {
    /// A limit was reached, as opposed to something odd in the message.
    #[must_use]
    pub const fn is_limit(self) -> bool {
        matches!(
            self,
            Self::Truncated
                | Self::PayloadTooLarge
                | Self::TopicTooLong
                | Self::TooDeep
                | Self::NameCut
        )
    }

    /// The name it is counted and shown under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::PayloadTooLarge => "payload_too_large",
            Self::TopicTooLong => "topic_too_long",
            Self::TooDeep => "too_deep",
            Self::Malformed => "malformed",
            Self::NotText => "not_text",
            Self::Empty => "empty",
            Self::NoValue => "no_value",
            Self::Unnamed => "unnamed",
            Self::NameCut => "name_cut",
            Self::ClockBad => "clock_bad",
            Self::ClockUnsure => "clock_unsure",
            Self::ClockAhead => "clock_ahead",
            Self::TimeInSeconds => "time_in_seconds",
            Self::ZoneProposed { .. } => "zone_proposed",
            Self::UnknownUnit => "unknown_unit",
            Self::Protobuf => "protobuf",
            Self::RetainedReplay => "retained_replay",
        }
    }
}
