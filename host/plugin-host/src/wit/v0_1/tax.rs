//! The world `tax`.

use domain::hooks::tax as hook;

use super::RECORD_BYTES;
use crate::limiter::State;
use crate::wit::speak::{Unreadable, policy};

mod world {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/tax",
        with: {
            "orderwright:policy/types@0.1.0": crate::wit::v0_1::types,
            "orderwright:policy/log@0.1.0": crate::wit::v0_1::log,
        },
        exports: { default: async },
    });
}

pub use world::TaxPre;
use world::exports::orderwright::policy::taxation as wit;

/// Roughly how many bytes the input takes.
fn weight(input: &hook::Input) -> usize {
    let lines =
        input.lines.iter().map(|l| RECORD_BYTES + l.sku.as_str().len() + l.tax_code.as_ref().map_or(0, String::len));
    input.context.config.len() + input.exemption.as_ref().map_or(0, String::len) + lines.sum::<usize>()
}

/// To the guest.
fn input(input: &hook::Input) -> wit::Input {
    wit::Input {
        context: super::context(&input.context),
        currency: input.currency.code().into(),
        prices_include_tax: input.prices_include_tax,
        destination: super::destination(&input.destination),
        exemption: input.exemption.clone(),
        lines: input.lines.iter().map(line).collect(),
        shipping: input.shipping,
    }
}

fn line(line: &hook::Line) -> wit::Line {
    wit::Line {
        line_id: line.line_id,
        sku: line.sku.as_str().into(),
        tax_code: line.tax_code.clone(),
        quantity: line.quantity,
        amount: line.amount,
    }
}

policy!(TaxPre<State>, orderwright_policy_taxation, call_assess);

/// From the guest.
fn answer(answer: wit::Answer) -> Result<hook::Answer, Unreadable> {
    let line = |l: wit::LineTax| hook::LineTax { line_id: l.line_id, charge: charge(l.charge) };
    Ok(hook::Answer { lines: answer.lines.into_iter().map(line).collect(), shipping: charge(answer.shipping) })
}

fn charge(charge: wit::Charge) -> hook::Charge {
    hook::Charge { amount: charge.amount, rate_ppm: charge.rate_ppm, name: charge.name }
}
