//! The world `risk`.

use domain::hooks::risk as hook;

use super::RECORD_BYTES;
use crate::limiter::State;
use crate::wit::speak::{Unreadable, policy};

mod world {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/risk",
        with: {
            "orderwright:policy/types@0.1.0": crate::wit::v0_1::types,
            "orderwright:policy/log@0.1.0": crate::wit::v0_1::log,
        },
        exports: { default: async },
    });
}

pub use world::RiskPre;
use world::exports::orderwright::policy::screening as wit;

/// Roughly how many bytes the input takes.
fn weight(input: &hook::Input) -> usize {
    let lines = input.lines.iter().map(|l| RECORD_BYTES + l.sku.as_str().len());
    input.context.config.len() + lines.sum::<usize>()
}

/// To the guest.
fn input(input: &hook::Input) -> wit::Input {
    wit::Input {
        context: super::context(&input.context),
        order_id: input.order_id.to_string(),
        currency: input.currency.code().into(),
        total: input.total,
        lines: input.lines.iter().map(line).collect(),
        destination: super::destination(&input.destination),
        billing_country: input.billing_country.clone(),
        customer_id: input.customer_id.as_ref().map(|c| c.as_str().into()),
        email_domain: input.email_domain.clone(),
        payment_method_id: input.payment_method_id.clone(),
    }
}

fn line(line: &hook::Line) -> wit::Line {
    wit::Line { line_id: line.line_id, sku: line.sku.as_str().into(), quantity: line.quantity, price: line.price }
}

policy!(RiskPre<State>, orderwright_policy_screening, call_screen);

/// From the guest.
fn answer(answer: wit::Answer) -> Result<hook::Answer, Unreadable> {
    let verdict = match answer.verdict {
        wit::Verdict::Accept => hook::Verdict::Accept,
        wit::Verdict::Review => hook::Verdict::Review,
        wit::Verdict::Reject => hook::Verdict::Reject,
    };
    Ok(hook::Answer { verdict, score: answer.score, reasons: answer.reasons })
}
