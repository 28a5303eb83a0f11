//! Exact money. An amount is a whole number of a currency's minor units; nothing here is ever a float.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What can be wrong with an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not three letters that ISO 4217 lists.
    #[error("must be an ISO 4217 currency code such as `EUR`")]
    UnknownCurrency,
    /// Not a decimal number.
    #[error("must be a decimal number such as `29.99`")]
    NotDecimal,
    /// More digits than the currency has.
    #[error("{currency} has {digits} decimal places, this has more")]
    TooPrecise {
        /// The currency.
        currency: Currency,
        /// Its decimal places.
        digits: u32,
    },
    /// Larger than can be computed with.
    #[error("is too large")]
    TooLarge,
}

/// The largest amount accepted from outside, in minor units: sums of a thousand such lines still fit.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

/// A currency of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: [u8; 3],
    digits: u8,
}

impl Currency {
    /// The three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).expect("a currency code is three ASCII letters")
    }

    /// Decimal places of the main unit: 2 for USD, 0 for JPY, 3 for KWD.
    #[must_use]
    pub const fn digits(&self) -> u32 {
        self.digits as u32
    }

    /// Reads a decimal such as `29.99` or `2999` exactly into minor units.
    ///
    /// Trailing zeros beyond the currency's digits are no more precision and are accepted; an exponent is read as JSON writes it.
    ///
    /// # Errors
    /// `NotDecimal`, `TooPrecise` or `TooLarge`.
    pub fn parse_minor(&self, text: &str) -> Result<i64, Error> {
        let decimal = Decimal::parse(text)?;
        decimal.scaled(self.digits()).ok_or(Error::TooLarge)?.map_or(
            Err(Error::TooPrecise { currency: *self, digits: self.digits() }),
            |minor| {
                let minor = i64::try_from(minor).map_err(|_| Error::TooLarge)?;
                if minor.unsigned_abs() > AMOUNT_MAX.unsigned_abs() { Err(Error::TooLarge) } else { Ok(minor) }
            },
        )
    }

    /// Writes minor units with exactly the currency's digits.
    #[must_use]
    pub fn format_minor(&self, minor: i64) -> String {
        let digits = self.digits() as usize;
        let sign = if minor < 0 { "-" } else { "" };
        let magnitude = minor.unsigned_abs();
        if digits == 0 {
            return format!("{sign}{magnitude}");
        }
        let unit = 10u64.pow(self.digits());
        format!("{sign}{}.{:0digits$}", magnitude / unit, magnitude % unit)
    }
}

/// More digits than any accepted amount has, and few enough for an `i128`.
const DIGITS_MAX: usize = 30;

/// A decimal number as written: digits and a power of ten.
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn parse(text: &str) -> Result<Self, Error> {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |r| (true, r));
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (
                mantissa,
                exponent
                    .parse::<i64>()
                    .map_err(|_| if is_integer(exponent) { Error::TooLarge } else { Error::NotDecimal })?,
            ),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) {
            return Err(Error::NotDecimal);
        }
        let fraction = fraction.trim_end_matches('0');
        let digits = format!("{whole}{fraction}").trim_start_matches('0').to_owned();
        let exponent = exponent.checked_sub(fraction.len() as i64).ok_or(Error::TooLarge)?;
        Ok(Self { negative, digits, exponent })
    }

    /// The number times 10^places: `None` if it does not fit, `Some(None)` if it is not whole.
    fn scaled(&self, places: u32) -> Option<Option<i128>> {
        if self.digits.is_empty() {
            return Some(Some(0));
        }
        let shift = self.exponent.checked_add(i64::from(places))?;
        let mut digits = self.digits.clone();
        if shift >= 0 {
            let zeros = usize::try_from(shift).ok().filter(|zeros| *zeros <= DIGITS_MAX)?;
            digits.extend(std::iter::repeat_n('0', zeros));
        } else {
            let cut = usize::try_from(shift.unsigned_abs()).ok()?;
            if cut >= digits.len() || digits[digits.len() - cut..].bytes().any(|b| b != b'0') {
                return Some(None);
            }
            digits.truncate(digits.len() - cut);
        }
        if digits.len() > DIGITS_MAX {
            return None;
        }
        let value: i128 = digits.parse().ok()?;
        Some(Some(if self.negative { -value } else { value }))
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

impl FromStr for Currency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let upper = text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
        let known = iso_currency::Currency::from_code(text).filter(|_| upper).ok_or(Error::UnknownCurrency)?;
        // Codes without minor units (gold, test codes) are no money that an order can be paid in.
        let digits = known.exponent().ok_or(Error::UnknownCurrency)?;
        let code = text.as_bytes().try_into().map_err(|_| Error::UnknownCurrency)?;
        Ok(Self { code, digits: u8::try_from(digits).map_err(|_| Error::UnknownCurrency)? })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Splits `total` over `weights` so that the parts add up to it exactly (largest remainder, ties by position).
///
/// With no weight above zero everything goes to the first part; with no parts at all the answer is empty.
#[must_use]
pub fn allocate(total: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i128 = weights.iter().map(|&w| i128::from(w.max(0))).sum();
    let mut parts = vec![0i64; weights.len()];
    if sum == 0 {
        if let Some(first) = parts.first_mut() {
            *first = total;
        }
        return parts;
    }
    let magnitude = i128::from(total).abs();
    let sign = total.signum();
    let mut remainders = Vec::with_capacity(weights.len());
    let mut given = 0i128;
    for (index, &weight) in weights.iter().enumerate() {
        let exact = magnitude * i128::from(weight.max(0));
        let share = exact / sum;
        given += share;
        parts[index] = i64::try_from(share).expect("a share is not larger than the total") * sign;
        remainders.push((std::cmp::Reverse(exact % sum), index));
    }
    remainders.sort_unstable();
    let left = usize::try_from(magnitude - given).expect("fewer units are left over than there are parts");
    for &(_, index) in remainders.iter().take(left) {
        parts[index] += sign;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn a_currency_has_its_own_digits() {
        assert_eq!(currency("USD").parse_minor("29.99"), Ok(2999));
        assert_eq!(currency("JPY").parse_minor("2999"), Ok(2999));
        assert_eq!(currency("KWD").parse_minor("1.234"), Ok(1234));
        assert!(matches!(currency("JPY").parse_minor("1.5"), Err(Error::TooPrecise { .. })));
        assert!(matches!(currency("USD").parse_minor("0.001"), Err(Error::TooPrecise { .. })));
        assert_eq!(currency("USD").format_minor(-5), "-0.05");
        assert!("usd".parse::<Currency>().is_err());
        assert!("XXX".parse::<Currency>().is_err());
    }

    #[test]
    fn odd_numbers_are_read_exactly_or_refused() {
        let usd = currency("USD");
        assert_eq!(usd.parse_minor("5.00"), Ok(500));
        assert_eq!(usd.parse_minor("5.000"), Ok(500));
        assert_eq!(usd.parse_minor("1e2"), Ok(10000));
        assert_eq!(usd.parse_minor("1500e-2"), Ok(1500));
        assert_eq!(usd.parse_minor("0e999999999"), Ok(0));
        assert_eq!(usd.parse_minor("1e400"), Err(Error::TooLarge));
        assert_eq!(usd.parse_minor("1e99999999999999999999"), Err(Error::TooLarge));
        assert!(matches!(usd.parse_minor("1e-400"), Err(Error::TooPrecise { .. })));
        assert_eq!(usd.parse_minor("-92233720368547758.08"), Err(Error::TooLarge), "the most negative i64");
        let jpy = currency("JPY");
        assert_eq!(jpy.parse_minor("1e9223372036854775807"), Err(Error::TooLarge));
        assert_eq!(usd.parse_minor("1.11e9223372036854775807"), Err(Error::TooLarge));
        assert!(matches!(jpy.parse_minor("1e-9223372036854775808"), Err(Error::TooPrecise { .. })));
        for bad in ["", "-", ".5", "5.", "1,5", "NaN", "0x1", "1e", "--1", "٣"] {
            assert_eq!(usd.parse_minor(bad), Err(Error::NotDecimal), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn amounts_survive_text(minor in -AMOUNT_MAX..AMOUNT_MAX, code in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"])) {
            let c = currency(code);
            prop_assert_eq!(c.parse_minor(&c.format_minor(minor)), Ok(minor));
        }

        #[test]
        fn what_is_read_is_within_the_limit(text in prop_oneof![".{0,40}", "-?[0-9]{1,20}(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,20})?"]) {
            for code in ["USD", "JPY", "KWD"] {
                if let Ok(minor) = currency(code).parse_minor(&text) {
                    prop_assert!((-AMOUNT_MAX..=AMOUNT_MAX).contains(&minor));
                }
            }
        }

        #[test]
        fn allocation_loses_no_cent(total in -AMOUNT_MAX..AMOUNT_MAX, weights in prop::collection::vec(0i64..AMOUNT_MAX, 1..50)) {
            let parts = allocate(total, &weights);
            prop_assert_eq!(parts.iter().map(|&p| i128::from(p)).sum::<i128>(), i128::from(total));
            let sum: i128 = weights.iter().map(|&w| i128::from(w)).sum();
            if sum > 0 {
                for (part, weight) in parts.iter().zip(&weights) {
                    let exact = i128::from(total) * i128::from(*weight);
                    prop_assert!((i128::from(*part) * sum - exact).abs() < sum);
                }
            }
        }
    }
}
