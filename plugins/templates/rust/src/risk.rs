//! Decides whether an order may be placed: large ones wait for a person, blocked e-mail domains are refused.
//!
//! Totals are minor units of the order's currency. What is not configured is not looked at.
//!
//! ```json
//! { "review_total": 50000, "review_quantity": 20, "blocked_domains": ["mailinator.com"] }
//! ```

use orderwright_sdk::risk::{Answer, Input, Verdict};
use serde::Deserialize;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::asks!("email_domain");
orderwright_sdk::export_risk!(screen);

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    review_total: Option<i64>,
    review_quantity: Option<u32>,
    blocked_domains: Vec<String>,
}

fn screen(input: Input) -> Result<Answer, String> {
    let config: Config = orderwright_sdk::config::read(&input.context)?;
    let domain = input.email_domain.unwrap_or_default().to_lowercase();
    if config.blocked_domains.contains(&domain) {
        let reasons = vec!["the e-mail domain is blocked".to_owned()];
        return Ok(Answer { verdict: Verdict::Reject, score: 1000, reasons });
    }
    let mut reasons = Vec::new();
    if config.review_total.is_some_and(|limit| input.total >= limit) {
        reasons.push("the total is large".to_owned());
    }
    let most = input.lines.iter().map(|line| line.quantity).max().unwrap_or(0);
    if config.review_quantity.is_some_and(|limit| most >= limit) {
        reasons.push(format!("{most} units of one article"));
    }
    let verdict = if reasons.is_empty() { Verdict::Accept } else { Verdict::Review };
    let score = if reasons.is_empty() { 0 } else { 500 };
    orderwright_sdk::info!("{} lines, score {score}", input.lines.len());
    Ok(Answer { verdict, score, reasons })
}
