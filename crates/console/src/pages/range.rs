//! How much of the past a page with charts shows.

use std::time::Duration;

use crate::words::Text;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// How much of the past is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Range {
    Hour,
    #[default]
    HalfDay,
    Week,
    Month,
    Year,
}

impl Range {
    pub(crate) const ALL: [Self; 5] =
        [Self::Hour, Self::HalfDay, Self::Week, Self::Month, Self::Year];

    pub(crate) fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|range| range.word() == word).unwrap_or_default()
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::HalfDay => "12h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Year => "1y",
        }
    }

    pub(crate) fn label(self, t: Text) -> &'static str {
        match self {
            Self::Hour => t.range_hour(),
            Self::HalfDay => t.range_half_day(),
            Self::Week => t.range_week(),
            Self::Month => t.range_month(),
            Self::Year => t.range_year(),
        }
    }

    /// As SQL writes it.
    pub(crate) const fn interval(self) -> &'static str {
        match self {
            Self::Hour => "1 hour",
            Self::HalfDay => "12 hours",
            Self::Week => "7 days",
            Self::Month => "30 days",
            Self::Year => "365 days",
        }
    }

    pub(crate) const fn span(self) -> Duration {
        match self {
            Self::Hour => HOUR,
            Self::HalfDay => HOUR.saturating_mul(12),
            Self::Week => DAY.saturating_mul(7),
            Self::Month => DAY.saturating_mul(30),
            Self::Year => DAY.saturating_mul(365),
        }
    }
}
