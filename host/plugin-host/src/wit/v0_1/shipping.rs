//! The world `shipping`.

use domain::hooks::shipping as hook;

use super::RECORD_BYTES;
use crate::limiter::State;
use crate::wit::speak::{Unreadable, policy};

mod world {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/shipping",
        with: {
            "orderwright:policy/types@0.1.0": crate::wit::v0_1::types,
            "orderwright:policy/log@0.1.0": crate::wit::v0_1::log,
        },
        exports: { default: async },
    });
}

pub use world::ShippingPre;
use world::exports::orderwright::policy::delivery as wit;

policy!(ShippingPre<State>, orderwright_policy_delivery, call_quote);

fn weight(input: &hook::Input) -> usize {
    let lines = input.lines.iter().map(|l| RECORD_BYTES + l.sku.as_str().len());
    let parcels = input.parcels.iter().map(|p| (3 + p.items.len()) * RECORD_BYTES);
    input.context.config.len() + lines.chain(parcels).sum::<usize>()
}

/// To the guest.
fn input(input: &hook::Input) -> wit::Input {
    wit::Input {
        context: super::context(&input.context),
        currency: input.currency.code().into(),
        destination: super::destination(&input.destination),
        delivery_preference: input.delivery_preference.clone(),
        requested_delivery_date: input.requested_delivery_date.map(|d| d.to_string()),
        lines: input.lines.iter().map(line).collect(),
        parcels: input.parcels.iter().map(parcel).collect(),
    }
}

fn line(line: &hook::Line) -> wit::Line {
    wit::Line { line_id: line.line_id, sku: line.sku.as_str().into(), quantity: line.quantity, amount: line.amount }
}

fn parcel(parcel: &hook::Parcel) -> wit::Parcel {
    let item = |item: &hook::Item| wit::Item { line_id: item.line_id, quantity: item.quantity };
    wit::Parcel {
        warehouse_id: parcel.warehouse_id.as_str().into(),
        country: parcel.country.clone(),
        region: parcel.region.clone(),
        zip: parcel.zip.clone(),
        items: parcel.items.iter().map(item).collect(),
    }
}

/// From the guest.
fn answer(answer: wit::Answer) -> Result<hook::Answer, Unreadable> {
    let options = answer.options.into_iter().map(|offer| {
        let arrives = super::date(offer.arrives, "the day of arrival")?;
        Ok(hook::Offer { service: offer.service, cost: offer.cost, arrives })
    });
    Ok(hook::Answer { options: options.collect::<Result<_, Unreadable>>()? })
}
