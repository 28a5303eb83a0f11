//! Shipping by zone and service: a price for the order and for each further parcel, free from a value on.
//!
//! ```json
//! { "zones": [ {"countries": ["DE"], "services": [ {"name": "standard", "cost": 490, "parcel": 200, "days": 2, "free_from": 5000},
//!                                                  {"name": "express", "cost": 1290, "days": 1} ]},
//!              {"services": [ {"name": "standard", "cost": 1490, "days": 8} ]} ],
//!   "closed": ["saturday", "sunday"] }
//! ```
//! Costs are minor units of the order's currency, `days` are working days. The first zone that has the country counts; one
//! without countries has all. The service that the customer prefers comes first, the others by cost. Where no zone has the
//! country the policy gives up, and the binding's failure policy decides.

use jiff::civil::Weekday;
use orderwright_sdk::shipping::{Answer, Input, Offer};
use serde::Deserialize;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::export_shipping!(quote);

/// What the merchant sets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// In order of preference.
    pub zones: Vec<Zone>,
    /// Days of the week on which nothing moves.
    #[serde(deserialize_with = "days::weekdays")]
    pub closed: Vec<Weekday>,
}

/// Countries that are served alike.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Zone {
    /// ISO 3166 alpha-2; empty means all.
    pub countries: Vec<String>,
    /// What is offered.
    pub services: Vec<Service>,
}

/// A way to deliver.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// Such as `standard`.
    pub name: String,
    /// For the order, its first parcel included.
    pub cost: i64,
    /// For each further parcel.
    pub parcel: i64,
    /// Until it arrives.
    pub days: u16,
    /// The value of the goods from which it costs nothing.
    pub free_from: Option<i64>,
}

impl Default for Config {
    fn default() -> Self {
        let service = |name: &str, cost, days| Service { name: name.into(), cost, days, ..Service::default() };
        let services = vec![service("standard", 990, 5), service("express", 2490, 2)];
        Self { zones: vec![Zone { countries: vec![], services }], closed: vec![Weekday::Saturday, Weekday::Sunday] }
    }
}

fn quote(input: Input) -> Result<Answer, String> {
    let config: Config = orderwright_sdk::config::read(&input.context)?;
    decide(&config, &input)
}

/// The decision as a plain function.
///
/// # Errors
/// Where nothing is offered for the country.
pub fn decide(config: &Config, input: &Input) -> Result<Answer, String> {
    let country = &input.destination.country;
    let serves = |zone: &&Zone| zone.countries.is_empty() || zone.countries.contains(country);
    let zone = config.zones.iter().find(serves).filter(|zone| !zone.services.is_empty());
    let zone = zone.ok_or_else(|| format!("nothing is delivered to {country}"))?;
    let value = input.lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.amount));
    let further = i64::try_from(input.parcels.len().saturating_sub(1)).unwrap_or(i64::MAX);
    let preferred = input.delivery_preference.as_deref().unwrap_or("standard");
    let mut services: Vec<_> = zone.services.iter().take(20).collect();
    let cost = |service: &Service| match service.free_from {
        Some(from) if value >= from => 0,
        _ => service.cost.max(0).saturating_add(service.parcel.max(0).saturating_mul(further)),
    };
    services.sort_by_key(|service| (service.name != preferred, cost(service)));
    let offer = |service: &Service| Offer {
        service: service.name.clone(),
        cost: cost(service),
        arrives: Some(days::arrival(input.context.now, service.days, &config.closed)),
    };
    Ok(Answer { options: services.into_iter().map(offer).collect() })
}

mod days;
#[cfg(test)]
mod tests;
