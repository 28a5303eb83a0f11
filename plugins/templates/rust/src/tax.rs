//! Says how much tax is due: a rate for each country, and a reduced one for food.
//!
//! Rates are millionths, so that 19 % is 190000. A country that is not named carries no tax, and a customer with an
//! exemption certificate neither.
//!
//! ```json
//! { "rates": {"DE": 190000, "AT": 200000}, "food": {"DE": 70000, "AT": 100000}, "name": "VAT" }
//! ```

use std::collections::BTreeMap;

use orderwright_sdk::tax::{Answer, Charge, Input, LineTax};
use serde::Deserialize;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::export_tax!(assess);

/// All of it: a charge is never more than what is taxed.
const WHOLE: u32 = 1_000_000;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    rates: BTreeMap<String, u32>,
    food: BTreeMap<String, u32>,
    name: String,
}

impl Default for Config {
    fn default() -> Self {
        let table = |rates: &[(&str, u32)]| rates.iter().map(|(country, rate)| ((*country).into(), *rate)).collect();
        Self {
            rates: table(&[("DE", 190_000), ("AT", 200_000), ("FR", 200_000)]),
            food: table(&[("DE", 70_000), ("AT", 100_000), ("FR", 55_000)]),
            name: "VAT".into(),
        }
    }
}

fn assess(input: Input) -> Result<Answer, String> {
    let config: Config = orderwright_sdk::config::read(&input.context)?;
    if let Some((country, rate)) = config.rates.iter().chain(&config.food).find(|(_, rate)| **rate > WHOLE) {
        return Err(format!("the rate of {country} is {rate}, which is more than all of it"));
    }
    let rate = |tax_code: Option<&str>| {
        if input.exemption.is_some() {
            return 0;
        }
        let country = &input.destination.country;
        let reduced = config.food.get(country).filter(|_| tax_code == Some("food"));
        reduced.or_else(|| config.rates.get(country)).copied().unwrap_or(0)
    };
    let charge = |amount: i64, rate_ppm: u32| {
        let amount = tax(amount, rate_ppm, input.prices_include_tax);
        Charge { amount, rate_ppm, name: config.name.clone() }
    };
    let lines = input
        .lines
        .iter()
        .map(|line| LineTax { line_id: line.line_id, charge: charge(line.amount, rate(line.tax_code.as_deref())) });
    Ok(Answer { lines: lines.collect(), shipping: charge(input.shipping, rate(None)) })
}

/// Rounded to the nearest minor unit, halves up.
fn tax(amount: i64, rate_ppm: u32, is_included: bool) -> i64 {
    let (amount, rate, whole) = (i128::from(amount), i128::from(rate_ppm), i128::from(WHOLE));
    let of = if is_included { whole + rate } else { whole };
    i64::try_from((2 * amount * rate + of) / (2 * of)).unwrap_or(0)
}
