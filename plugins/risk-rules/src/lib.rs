//! A risk screen by rules that the merchant sets in the binding's configuration. Without any it accepts every order and
//! only scores it.
//!
//! ```json
//! { "review_total": 500000, "reject_total": {"USD": 5000000, "JPY": 5000000},
//!   "blocked_countries": ["KP"], "blocked_email_domains": ["mailinator.com"],
//!   "review_quantity": 50, "reject_quantity": 1000, "mismatch_review_total": 100000 }
//! ```
//! Totals are minor units, one number for every currency or one for each. `mismatch_review_total` is where an order
//! that ships to another country than it is billed to goes to review.

mod config;

use orderwright_sdk::risk::{Answer, Input, Verdict};

use config::Config;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::asks!("email_domain");
orderwright_sdk::export_risk!(screen);

fn screen(input: Input) -> Result<Answer, String> {
    let config: Config = orderwright_sdk::config::read(&input.context)?;
    Ok(decide(&config, &input))
}

/// What the rules found so far: the sternest verdict counts, the scores add up.
struct Finding {
    verdict: Verdict,
    score: u16,
    reasons: Vec<String>,
}

impl Finding {
    fn add(&mut self, verdict: Verdict, score: u16, reason: impl Into<String>) {
        if sternness(verdict) > sternness(self.verdict) {
            self.verdict = verdict;
        }
        self.score = (self.score + score).min(1000);
        self.reasons.push(reason.into());
    }
}

fn sternness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Accept => 0,
        Verdict::Review => 1,
        Verdict::Reject => 2,
    }
}

/// The decision as a plain function.
pub fn decide(config: &Config, input: &Input) -> Answer {
    let mut found = Finding { verdict: Verdict::Accept, score: 0, reasons: Vec::new() };
    places(config, input, &mut found);
    total(config, input, &mut found);
    quantity(config, input, &mut found);
    Answer { verdict: found.verdict, score: found.score, reasons: found.reasons }
}

fn places(config: &Config, input: &Input, found: &mut Finding) {
    let country = input.destination.country.as_str();
    for place in [Some(country), input.billing_country.as_deref()].into_iter().flatten() {
        if config.blocked_countries.iter().any(|c| c.eq_ignore_ascii_case(place)) {
            found.add(Verdict::Reject, 1000, format!("orders from or to {} are not accepted", short(place)));
            break;
        }
    }
    let is_blocked = |domain: &&String| config.blocked_email_domains.iter().any(|blocked| is_under(domain, blocked));
    if let Some(domain) = input.email_domain.as_ref().filter(is_blocked) {
        found.add(Verdict::Reject, 1000, format!("e-mail addresses at {} are not accepted", short(domain)));
    }
    if let Some(billing) = input.billing_country.as_deref().filter(|b| !b.eq_ignore_ascii_case(country)) {
        let high = config.mismatch_review_total.as_ref().and_then(|l| l.of(&input.currency));
        let verdict = if high.is_some_and(|limit| input.total >= limit) { Verdict::Review } else { Verdict::Accept };
        found.add(verdict, 200, format!("billed to {} but shipped to {}", short(billing), short(country)));
    }
}

fn total(config: &Config, input: &Input, found: &mut Finding) {
    let reached = |limit: &Option<config::Limit>| {
        limit.as_ref().and_then(|l| l.of(&input.currency)).filter(|&limit| input.total >= limit)
    };
    if let Some(limit) = reached(&config.reject_total) {
        found.add(Verdict::Reject, 800, format!("the total reaches the limit of {limit} minor units"));
    } else if let Some(limit) = reached(&config.review_total) {
        found.add(
            Verdict::Review,
            400,
            format!("the total reaches {limit} minor units, from which orders are reviewed"),
        );
    }
}

fn quantity(config: &Config, input: &Input, found: &mut Finding) {
    let Some(line) = input.lines.iter().max_by_key(|line| line.quantity) else { return };
    let reached = |limit: Option<u32>| limit.is_some_and(|limit| line.quantity >= limit);
    if reached(config.reject_quantity) {
        found.add(
            Verdict::Reject,
            800,
            format!("line {} orders {} units, which is too many", line.line_id, line.quantity),
        );
    } else if reached(config.review_quantity) {
        found.add(Verdict::Review, 300, format!("line {} orders {} units", line.line_id, line.quantity));
    }
}

/// Whether a domain is the blocked one or lies under it.
fn is_under(domain: &str, blocked: &str) -> bool {
    let (domain, blocked) = (domain.trim_end_matches('.').to_ascii_lowercase(), blocked.to_ascii_lowercase());
    domain.strip_suffix(&blocked).is_some_and(|rest| !blocked.is_empty() && (rest.is_empty() || rest.ends_with('.')))
}

/// Texts of the order are quoted cut and clean: a reason has at most 200 characters, none of them a control character.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests;
