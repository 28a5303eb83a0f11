//! The world `pricing`.

use domain::hooks::pricing as hook;

use super::RECORD_BYTES;
use crate::limiter::State;
use crate::wit::speak::{Unreadable, policy};

mod world {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/pricing",
        with: {
            "orderwright:policy/types@0.1.0": crate::wit::v0_1::types,
            "orderwright:policy/log@0.1.0": crate::wit::v0_1::log,
        },
        exports: { default: async },
    });
}

pub use world::PricingPre;
use world::exports::orderwright::policy::promotion as wit;

policy!(PricingPre<State>, orderwright_policy_promotion, call_promote);

fn weight(input: &hook::Input) -> usize {
    let lines = input.lines.iter().map(|l| RECORD_BYTES + l.sku.as_str().len());
    let codes = input.discount_codes.iter().map(|c| RECORD_BYTES + c.len());
    input.context.config.len() + lines.chain(codes).sum::<usize>()
}

/// To the guest.
fn input(input: &hook::Input) -> wit::Input {
    wit::Input {
        context: super::context(&input.context),
        currency: input.currency.code().into(),
        prices_include_tax: input.prices_include_tax,
        destination: super::destination(&input.destination),
        customer_id: input.customer_id.as_ref().map(|c| c.as_str().into()),
        discount_codes: input.discount_codes.clone(),
        lines: input.lines.iter().map(line).collect(),
    }
}

fn line(line: &hook::Line) -> wit::Line {
    wit::Line {
        line_id: line.line_id,
        sku: line.sku.as_str().into(),
        quantity: line.quantity,
        price: line.price,
        seller_id: line.seller_id.as_ref().map(|s| s.as_str().into()),
    }
}

/// From the guest.
fn answer(answer: wit::Answer) -> Result<hook::Answer, Unreadable> {
    let line = |l: wit::LineDiscount| hook::LineDiscount { line_id: l.line_id, discount: discount(l.discount) };
    Ok(hook::Answer {
        lines: answer.lines.into_iter().map(line).collect(),
        order: answer.order.into_iter().map(discount).collect(),
    })
}

fn discount(discount: wit::Discount) -> hook::Discount {
    hook::Discount { amount: discount.amount, name: discount.name, code: discount.code }
}
