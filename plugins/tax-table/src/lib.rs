//! Tax from a table: value added tax in Europe and elsewhere, sales tax in the United States, by country, region and
//! tax class.
//!
//! The table is a starting point, not advice: rates change, and a state's is the one in its largest city. What a
//! merchant knows better goes into the binding's configuration, in percent:
//!
//! ```json
//! { "rates": { "US-TX": {"general": 8.25, "food": 0, "name": "TX sales tax"}, "DE": {"general": 19, "shipping": true} },
//!   "collect_in": ["US-TX", "DE"] }
//! ```
//! `collect_in` names the only places where the merchant is registered; without it tax is collected everywhere.
//! Tax classes are `general`, `food`, `books` and `exempt`; an unknown one counts as `general`.

mod config;
mod places;
mod rate;

use orderwright_sdk::tax::{Answer, Charge, Input, LineTax};

use config::Config;
use rate::Rates;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::export_tax!(assess);

fn assess(input: Input) -> Result<Answer, String> {
    let config: Config = orderwright_sdk::config::read(&input.context)?;
    Ok(decide(&config, &input))
}

/// The decision as a plain function.
pub fn decide(config: &Config, input: &Input) -> Answer {
    let rates = match input.exemption.as_deref().map(str::trim) {
        Some(certificate) if !certificate.is_empty() => None,
        _ => config.rates(&input.destination),
    };
    let Some(rates) = rates else {
        let line = |line: &orderwright_sdk::tax::Line| LineTax { line_id: line.line_id, charge: none() };
        return Answer { lines: input.lines.iter().map(line).collect(), shipping: none() };
    };
    let inclusive = input.prices_include_tax;
    let line = |line: &orderwright_sdk::tax::Line| LineTax {
        line_id: line.line_id,
        charge: charge(&rates, rates.of_class(line.tax_code.as_deref()), line.amount, inclusive),
    };
    let on_shipping = if rates.taxes_shipping { rates.general } else { 0 };
    Answer {
        lines: input.lines.iter().map(line).collect(),
        shipping: charge(&rates, on_shipping, input.shipping, inclusive),
    }
}

fn charge(rates: &Rates, rate_ppm: u32, amount: i64, inclusive: bool) -> Charge {
    if rate_ppm == 0 {
        return none();
    }
    Charge { amount: rate::tax(amount, rate_ppm, inclusive), rate_ppm, name: rates.name.clone() }
}

fn none() -> Charge {
    Charge { amount: 0, rate_ppm: 0, name: String::new() }
}

#[cfg(test)]
mod tests;
