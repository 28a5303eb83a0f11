//! What the merchant sets.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The rules. Everything is off where it is not set.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// From this total on a person looks at the order.
    pub review_total: Option<Limit>,
    /// From this total on it is refused.
    pub reject_total: Option<Limit>,
    /// Two-letter codes; compared with destination and billing country.
    pub blocked_countries: Vec<String>,
    /// With everything under them.
    pub blocked_email_domains: Vec<String>,
    /// Units of one line from which a person looks at the order.
    pub review_quantity: Option<u32>,
    /// Units of one line from which it is refused.
    pub reject_quantity: Option<u32>,
    /// The total from which a person looks at an order that is billed to another country.
    pub mismatch_review_total: Option<Limit>,
}

/// An amount in minor units.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Limit {
    /// In every currency.
    Any(i64),
    /// By currency; none in those that are not named.
    ByCurrency(BTreeMap<String, i64>),
}

impl Limit {
    /// The limit in a currency.
    pub fn of(&self, currency: &str) -> Option<i64> {
        match self {
            Self::Any(limit) => Some(*limit),
            Self::ByCurrency(limits) => limits.get(currency).copied(),
        }
    }
}
