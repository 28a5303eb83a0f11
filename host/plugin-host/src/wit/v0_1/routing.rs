//! The world `routing`.

use domain::hooks::routing as hook;

use crate::limiter::State;
use crate::wit::speak::policy;

mod world {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/routing",
        with: {
            "orderwright:policy/types@0.1.0": crate::wit::v0_1::types,
            "orderwright:policy/log@0.1.0": crate::wit::v0_1::log,
        },
        exports: { default: async },
    });
}

pub use world::RoutingPre;
use world::exports::orderwright::policy::route as wit;

crate::wit::routing::unchanged!();

policy!(RoutingPre<State>, orderwright_policy_route, call_plan_shipments);

/// To the guest.
fn input(input: &hook::Input) -> wit::Input {
    wit::Input {
        context: super::context(&input.context),
        destination: super::destination(&input.destination),
        delivery_preference: input.delivery_preference.clone(),
        requested_delivery_date: input.requested_delivery_date.map(|d| d.to_string()),
        lines: input.lines.iter().map(line).collect(),
        warehouses: input.warehouses.iter().map(warehouse).collect(),
        stock: input.stock.iter().map(stock).collect(),
    }
}

fn line(line: &hook::Line) -> wit::Line {
    wit::Line {
        line_id: line.line_id,
        sku: line.sku.as_str().into(),
        quantity: line.quantity,
        seller_id: line.seller_id.as_ref().map(|s| s.as_str().into()),
    }
}
