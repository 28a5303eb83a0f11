//! Takes discounts off: a percentage of the whole order for each code that a customer enters.
//!
//! Percentages are whole. A code counts once, and nothing costs less than nothing.
//!
//! ```json
//! { "codes": {"SPRING": 10, "WELCOME": 5} }
//! ```

use std::collections::{BTreeMap, BTreeSet};

use orderwright_sdk::pricing::{Answer, Discount, Input};
use serde::Deserialize;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::export_pricing!(promote);

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    codes: BTreeMap<String, i64>,
}

fn promote(input: Input) -> Result<Answer, String> {
    let config: Config = orderwright_sdk::config::read(&input.context)?;
    if let Some((code, percent)) = config.codes.iter().find(|(_, percent)| !(0..=100).contains(*percent)) {
        return Err(format!("{code} takes {percent} % off, which is not possible"));
    }
    let goods: i64 = input.lines.iter().map(|line| line.price * i64::from(line.quantity)).sum();
    let mut left = goods;
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    for code in input.discount_codes.iter().filter(|code| seen.insert(*code)) {
        let Some(percent) = config.codes.get(code) else { continue };
        let amount = (goods / 100 * percent + goods % 100 * percent / 100).min(left);
        left -= amount;
        order.push(Discount { amount, name: format!("{percent} % off"), code: Some(code.clone()) });
    }
    orderwright_sdk::info!("{} of {goods} taken off", goods - left);
    Ok(Answer { lines: Vec::new(), order })
}
