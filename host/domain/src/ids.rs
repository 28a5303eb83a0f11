//! Typed identifiers. A bare string never names an order, a warehouse or a merchant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::time::Timestamp;

/// A text that is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id that starts with `{prefix}_`")]
pub struct Malformed {
    /// The prefix that the wanted kind of id carries.
    pub prefix: &'static str,
}

/// Crockford's base 32 in lower case: no i, l, o, u, and it sorts as the bytes do.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits in groups of five.
const ENCODED_LEN: usize = 26;

fn encode(id: Uuid) -> [u8; ENCODED_LEN] {
    let mut rest = id.as_u128();
    let mut out = [b'0'; ENCODED_LEN];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    out
}

fn decode(text: &str) -> Option<Uuid> {
    // 26 groups hold 130 bits: a first digit above 7 would overflow.
    if text.len() != ENCODED_LEN || text.as_bytes()[0] > b'7' {
        return None;
    }
    let mut value: u128 = 0;
    for byte in text.bytes() {
        let digit = ALPHABET.iter().position(|&c| c == byte)?;
        value = (value << 5) | digit as u128;
    }
    Some(Uuid::from_u128(value))
}

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// What the text form starts with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID; version 7 keeps ids ordered by time.
            #[must_use]
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// When it was made, to the millisecond; for ids of version 7.
            #[must_use]
            pub const fn made_at(self) -> Timestamp {
                // 48 bits of milliseconds are microseconds within 58.
                Timestamp::from_micros((self.0.as_u128() >> 80) as i64 * 1000)
            }

            /// The raw 128 bits.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = encode(self.0);
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or(Malformed { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

prefixed_id!(/// A merchant.
    TenantId, "ten");
prefixed_id!(/// An order.
    OrderId, "ord");
prefixed_id!(/// A shipment of an order.
    ShipmentId, "shp");
prefixed_id!(/// A payment of an order: one choice of method with its authorisation and captures.
    PaymentId, "pay");
prefixed_id!(/// A refund of a payment.
    RefundId, "ref");
prefixed_id!(/// An event of the log; stable over redelivery.
    EventId, "evt");
prefixed_id!(/// One call of a policy.
    DecisionId, "dec");
prefixed_id!(/// A merchant's plugin, in all its versions.
    PluginId, "plg");
prefixed_id!(/// A back-test.
    BacktestId, "bkt");
prefixed_id!(/// A message to a customer or to somebody of the merchant's.
    MessageId, "msg");
prefixed_id!(/// An API key's public name.
    KeyId, "key");
prefixed_id!(/// A key that seals a customer's personal data.
    SealKeyId, "sky");

/// Ids of an order's parts are derived from its own, so that deciding needs no randomness and deciding twice gives the
/// same ids. The order's 74 random bits keep them apart between orders.
macro_rules! derived_id {
    ($name:ident) => {
        impl $name {
            /// The id of the order's part number `n`, counted from 1.
            #[must_use]
            pub const fn derived(order: OrderId, n: u32) -> Self {
                Self(Uuid::from_u128(order.0.as_u128().wrapping_add(n as u128)))
            }
        }
    };
}

derived_id!(ShipmentId);
derived_id!(PaymentId);
derived_id!(RefundId);
derived_id!(MessageId);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The longest accepted text, in characters.
            pub const MAX_CHARS: usize = $max;

            /// Accepts 1 to `MAX_CHARS` printable characters.
            ///
            /// # Errors
            /// Answers a sentence that says what is wrong.
            pub fn parse(text: &str) -> Result<Self, String> {
                printable(text, $max).map(|()| Self(text.into()))
            }

            /// The text as the merchant wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Accepts 1 to `max_chars` characters without control characters.
///
/// # Errors
/// Answers a sentence that says what is wrong.
pub fn printable(text: &str, max_chars: usize) -> Result<(), String> {
    let count = text.chars().count();
    if count == 0 {
        return Err("must not be empty".into());
    }
    if count > max_chars {
        return Err(format!("must have at most {max_chars} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters".into());
    }
    Ok(())
}

text_id!(/// A stock keeping unit, named by the merchant.
    Sku, 100);
text_id!(/// A warehouse, named by the merchant.
    WarehouseId, 100);
text_id!(/// A seller on a marketplace; a warehouse may belong to one.
    SellerId, 100);
text_id!(/// A customer, named by the merchant.
    CustomerId, 200);
text_id!(/// The merchant's own number of an order.
    ExternalId, 200);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_survive_text_and_sort_like_their_bytes(a: u128, b: u128) {
            let (x, y) = (OrderId::new(Uuid::from_u128(a)), OrderId::new(Uuid::from_u128(b)));
            prop_assert_eq!(x.to_string().parse::<OrderId>(), Ok(x));
            prop_assert_eq!(x.to_string().cmp(&y.to_string()), a.cmp(&b));
            prop_assert!(x.to_string().parse::<ShipmentId>().is_err());
        }
    }

    #[test]
    fn a_text_that_overflows_is_refused() {
        assert!("ord_zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<OrderId>().is_err());
        assert!("ord_".parse::<OrderId>().is_err());
        assert!("ord_é0000000000000000000000000".parse::<OrderId>().is_err());
    }

    #[test]
    fn a_sku_is_printable() {
        assert!(Sku::parse("A b/ü").is_ok());
        assert!(Sku::parse("").is_err());
        assert!(Sku::parse("a\0b").is_err());
        assert!(Sku::parse(&"x".repeat(101)).is_err());
    }
}
