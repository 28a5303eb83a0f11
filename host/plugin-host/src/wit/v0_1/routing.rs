//! The world `routing`.

use domain::hooks::routing as hook;
use domain::ids::WarehouseId;

use super::{RECORD_BYTES, Unreadable};

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
pub use world::exports::orderwright::policy::route as wit;

/// Roughly how many bytes the input takes.
pub fn weight(input: &hook::Input) -> usize {
    let lines = input.lines.iter().map(|l| RECORD_BYTES + l.sku.as_str().len()).sum::<usize>();
    let stock =
        input.stock.iter().map(|s| RECORD_BYTES + s.sku.as_str().len() + s.warehouse_id.as_str().len()).sum::<usize>();
    input.context.config.len() + lines + stock + input.warehouses.len() * 2 * RECORD_BYTES
}

/// To the guest.
pub fn input(input: &hook::Input) -> wit::Input {
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

fn warehouse(warehouse: &hook::Warehouse) -> wit::Warehouse {
    wit::Warehouse {
        warehouse_id: warehouse.warehouse_id.as_str().into(),
        country: warehouse.country.clone(),
        region: warehouse.region.clone(),
        zip: warehouse.zip.clone(),
        latitude_e6: warehouse.latitude_e6,
        longitude_e6: warehouse.longitude_e6,
        priority: warehouse.priority,
        seller_id: warehouse.seller_id.as_ref().map(|s| s.as_str().into()),
    }
}

fn stock(stock: &hook::Stock) -> wit::Stock {
    wit::Stock {
        sku: stock.sku.as_str().into(),
        warehouse_id: stock.warehouse_id.as_str().into(),
        available: stock.available,
    }
}

/// From the guest.
pub fn answer(answer: wit::Answer) -> Result<hook::Answer, Unreadable> {
    let plans = answer.plans.into_iter().map(plan).collect::<Result<_, _>>()?;
    Ok(hook::Answer { plans })
}

fn plan(plan: wit::Plan) -> Result<hook::Plan, Unreadable> {
    let allocations = plan.allocations.into_iter().map(allocation).collect::<Result<_, _>>()?;
    Ok(hook::Plan { allocations })
}

fn allocation(allocation: wit::Allocation) -> Result<hook::Allocation, Unreadable> {
    let warehouse_id = WarehouseId::parse(&allocation.warehouse_id)
        .map_err(|why| Unreadable(format!("the warehouse of line {} {why}", allocation.line_id)))?;
    Ok(hook::Allocation { line_id: allocation.line_id, warehouse_id, quantity: allocation.quantity })
}
