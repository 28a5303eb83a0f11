//! Amounts of money without a currency, exact.

use std::fmt;

/// Digits after the point that an amount may have; no currency has more.
pub(crate) const DECIMALS: u32 = 4;
const SCALE: i64 = 10_i64.pow(DECIMALS);

/// An amount in 1/10,000 of a currency's main unit, so that amounts of all currencies compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(i64);

impl Amount {
    /// The amount of this many 1/10,000.
    #[must_use]
    pub const fn from_scaled(scaled: i64) -> Self {
        Self(scaled)
    }

    /// The amount of `minor` units of a currency with this many decimals: `(2999, 2)` is 29.99. Amounts beyond the
    /// index's range (922 million million) end at it.
    #[must_use]
    pub const fn from_minor(minor: i64, decimals: u32) -> Self {
        if decimals <= DECIMALS {
            Self(minor.saturating_mul(10_i64.pow(DECIMALS - decimals)))
        } else {
            match 10_i64.checked_pow(decimals - DECIMALS) {
                Some(divisor) => Self(minor / divisor),
                None => Self(0),
            }
        }
    }

    /// The amount in 1/10,000.
    #[must_use]
    pub const fn scaled(self) -> i64 {
        self.0
    }

    /// Reads `29`, `29.9` or `29.99`: digits, and up to four more after a point.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return None,
            Some((whole, fraction)) => (whole, fraction),
            None => (text, ""),
        };
        let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || fraction.len() > DECIMALS as usize {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let fraction: i64 = format!("{fraction:0<4}").parse().ok()?;
        Some(Self(whole.checked_mul(SCALE)?.checked_add(fraction)?))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let (whole, fraction) = (magnitude / SCALE.unsigned_abs(), magnitude % SCALE.unsigned_abs());
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let fraction = format!("{fraction:04}");
        write!(f, "{sign}{whole}.{}", fraction.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        assert_eq!(Amount::parse("29.99"), Some(Amount(299_900)));
        assert_eq!(Amount::parse("0.0001"), Some(Amount(1)));
        assert_eq!(Amount::parse("007.50").map(|a| a.to_string()).as_deref(), Some("7.5"));
        assert_eq!(Amount::parse("922337203685477.5807"), Some(Amount(i64::MAX)));
        for bad in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "1.00001", "922337203685477.5808", "٣", "1.2.3"] {
            assert_eq!(Amount::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn minor_units_of_every_exponent_compare() {
        assert_eq!(Amount::from_minor(2999, 2), Amount::from_scaled(299_900));
        assert_eq!(Amount::from_minor(2999, 0), Amount::from_scaled(29_990_000));
        assert_eq!(Amount::from_minor(29_990, 3), Amount::from_scaled(299_900));
        assert_eq!(Amount::from_minor(i64::MAX, 2), Amount::from_scaled(i64::MAX));
        assert_eq!(Amount::from_minor(123_456_789, 8), Amount::from_scaled(12_345));
    }
}
