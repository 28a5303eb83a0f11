//! What the merchant sets.

use std::collections::BTreeMap;

use orderwright_sdk::tax::Destination;
use serde::{Deserialize, Deserializer};

use crate::places;
use crate::rate::{self, Rates};

/// The merchant's own rates and registrations.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// By `DE` or `US-TX`; what is not set is taken from the table.
    pub rates: BTreeMap<String, Override>,
    /// The only places where tax is collected.
    pub collect_in: Option<Vec<String>>,
}

/// What a merchant knows better about a place.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Override {
    /// What the law calls the tax.
    pub name: Option<String>,
    /// Percent.
    pub general: Option<Percent>,
    /// Percent.
    pub food: Option<Percent>,
    /// Percent.
    pub books: Option<Percent>,
    /// Whether shipping carries the general rate.
    pub shipping: Option<bool>,
}

/// A percentage, kept in millionths.
#[derive(Debug, Clone, Copy)]
pub struct Percent(pub u32);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        // A number is taken as it is written: `8.25` is exact, though no binary fraction is.
        let text = serde_json::Number::deserialize(d)?.to_string();
        rate::percent(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a rate is a percentage from 0 to 100 with up to four decimals"))
    }
}

impl Config {
    /// The rates at a destination; none where nothing is collected.
    pub fn rates(&self, destination: &Destination) -> Option<Rates> {
        let country = destination.country.to_ascii_uppercase();
        let region = destination.region.as_deref().map(|r| region_code(&country, r));
        let place = region.as_ref().map(|region| format!("{country}-{region}"));
        if let Some(registered) = &self.collect_in {
            let is_here = |p: &String| {
                p.eq_ignore_ascii_case(&country) || place.as_ref().is_some_and(|q| p.eq_ignore_ascii_case(q))
            };
            if !registered.iter().any(is_here) {
                return None;
            }
        }
        let own = place.as_ref().and_then(|p| self.rates.get(p)).or_else(|| self.rates.get(&country));
        let table = places::rates(&country, region.as_deref());
        match (own, table) {
            (None, table) => table,
            (Some(own), table) => Some(own.over(table)),
        }
    }
}

impl Override {
    fn over(&self, table: Option<Rates>) -> Rates {
        let general = self.general.map(|p| p.0).or(table.as_ref().map(|t| t.general)).unwrap_or(0);
        let or = |own: Option<Percent>, from_table: Option<u32>| own.map(|p| p.0).or(from_table).unwrap_or(general);
        Rates {
            general,
            food: or(self.food, table.as_ref().map(|t| t.food)),
            books: or(self.books, table.as_ref().map(|t| t.books)),
            taxes_shipping: self.shipping.or(table.as_ref().map(|t| t.taxes_shipping)).unwrap_or(true),
            name: self.name.clone().or(table.map(|t| t.name)).unwrap_or_else(|| "tax".into()),
        }
    }
}

/// `TX` and `US-TX` mean the same, and so does `tx`.
fn region_code(country: &str, region: &str) -> String {
    let region = region.trim().to_ascii_uppercase();
    match region.split_once('-') {
        Some((before, code)) if before == country => code.to_owned(),
        _ => region,
    }
}
