//! What responses look like. These types are the schemas of the OpenAPI document, so the two cannot disagree.

pub mod decision;
pub mod event;
pub mod key;
pub mod ledger;
pub mod message;
pub mod observed;
pub mod order;
pub mod plugin;
pub mod stock;

use domain::money::Currency;
use domain::time::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where the next page begins; null on the last.
    pub next_cursor: Option<String>,
}

/// A list that is always whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct All<T> {
    /// The rows.
    pub data: Vec<T>,
}

/// An amount in the currency's main unit, with exactly its digits. Computed and written without floats.
#[derive(Debug, Clone)]
pub struct Money(Box<RawValue>);

impl Money {
    /// Minor units of a currency.
    #[must_use]
    pub fn new(currency: Currency, minor: i64) -> Self {
        let text = currency.format_minor(minor);
        Self(RawValue::from_string(text).expect("a formatted amount is a JSON number"))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(s)
    }
}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        let description = "An amount in the currency's main unit, a number with exactly the currency's digits: `29.99` in USD, `2999` in JPY.";
        let number = ObjectBuilder::new().schema_type(SchemaType::new(Type::Number));
        number.description(Some(description)).examples([serde_json::json!(29.99)]).into()
    }
}

impl ToSchema for Money {}

/// A moment, RFC 3339 in UTC with microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Time(pub Timestamp);

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
        let text = text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        text.description(Some("A moment in UTC.")).examples(["2026-03-14T09:26:53.589793Z"]).into()
    }
}

impl ToSchema for Time {}

/// JSON of somebody else's shape, passed on as it is.
#[derive(Debug, Clone)]
pub struct AnyJson(Box<RawValue>);

impl AnyJson {
    /// Text that is JSON; what is none is shown as a string.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let raw = RawValue::from_string(text.to_owned());
        Self(raw.unwrap_or_else(|_| serde_json::value::to_raw_value(text).expect("a string can be written as JSON")))
    }
}

impl Serialize for AnyJson {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(s)
    }
}

impl PartialSchema for AnyJson {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some("Any JSON value.")).into()
    }
}

impl ToSchema for AnyJson {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_exactly_the_currencys_digits() {
        let text = |code: &str, minor| serde_json::to_string(&Money::new(code.parse().unwrap(), minor)).unwrap();
        assert_eq!(text("USD", 0), "0.00");
        assert_eq!(text("USD", 2999), "29.99");
        assert_eq!(text("JPY", 2999), "2999");
        assert_eq!(text("KWD", -1), "-0.001");
    }

    #[test]
    fn foreign_text_is_json_or_a_string() {
        let text = |text: &str| serde_json::to_string(&AnyJson::new(text)).unwrap();
        assert_eq!(text(r#"{"a":1.50}"#), r#"{"a":1.50}"#);
        assert_eq!(text("oops {"), r#""oops {""#);
    }
}
