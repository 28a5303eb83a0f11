//! Moments and days. The domain never asks what time it is: every moment comes in as an argument.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A calendar day, without a time zone.
pub type Date = jiff::civil::Date;

/// A moment in UTC, to the microsecond, which is what both databases keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The last moment that can be shown, in the year 9999.
    pub const MAX: Self = Self(253_402_207_200_000_000);

    /// Microseconds since 1970; moments outside of the years −9999 to 9999 are brought to the nearest that can be shown.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros > Self::MAX.0 {
            Self::MAX
        } else if micros < -Self::MAX.0 {
            Self(-Self::MAX.0)
        } else {
            Self(micros)
        }
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This moment and so many seconds.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_micros(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// This moment and so many milliseconds.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self::from_micros(self.0.saturating_add(millis.saturating_mul(1000)))
    }

    /// The day in UTC.
    #[must_use]
    pub fn date(self) -> Date {
        self.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date()
    }

    fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).expect("a timestamp is within the years that can be shown")
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with six digits of fraction, so that texts sort as the moments do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.to_jiff())
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<jiff::Timestamp>().map(|t| Self::from_micros(t.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_six_digits_and_comes_back() {
        let moment = Timestamp::from_micros(1_770_000_000_000_120);
        assert_eq!(moment.to_string(), "2026-02-02T02:40:00.000120Z");
        assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
        assert_eq!(Timestamp::MAX.to_string().parse::<Timestamp>().unwrap(), Timestamp::MAX);
        assert_eq!(
            Timestamp::from_micros(i64::MIN).to_string().parse::<Timestamp>().unwrap().micros(),
            -Timestamp::MAX.0
        );
    }
}
