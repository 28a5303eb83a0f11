//! Small orders, drafts and plans for tests, shared by unit and integration tests.

use std::sync::Arc;

use domain::hooks::routing::{Allocation, Input, Line as RoutedLine, Plan, Warehouse};
use domain::hooks::tax::Charge;
use domain::hooks::{Context, Destination};
use domain::ids::{OrderId, Sku, TenantId, WarehouseId};
use domain::order::{Line, LineStatus};
use domain::placement::{Draft, add_up};
use domain::time::Timestamp;
use uuid::Uuid;

/// 2026-01-01.
pub const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

pub fn tenant(n: u128) -> TenantId {
    TenantId::new(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n))
}

pub fn sku(name: impl ToString) -> Sku {
    Sku::parse(&name.to_string()).unwrap()
}

pub fn warehouse(name: impl ToString) -> WarehouseId {
    WarehouseId::parse(&name.to_string()).unwrap()
}

pub fn destination() -> Destination {
    Destination {
        country: "US".into(),
        region: Some("TX".into()),
        city: Some("Austin".into()),
        zip: Some("78701".into()),
    }
}

/// A draft of lines `(sku, quantity)` that may ship from these warehouses, the first preferred.
pub fn draft(tenant: TenantId, lines: &[(Sku, u32)], warehouses: &[WarehouseId]) -> Draft {
    let line = |(line_id, (sku, quantity)): (u32, &(Sku, u32))| Line {
        line_id,
        sku: sku.clone(),
        quantity: *quantity,
        price: 1999,
        title: Some("A \"mug\", blue\n".into()),
        seller_id: None,
        tax_code: None,
        discount: 0,
        tax: Charge { amount: 165, rate_ppm: 82_500, name: "TX sales tax".into() },
        status: LineStatus::Active,
        cancelled: 0,
        credited_units: 0,
        credited: 0,
    };
    let basket: Vec<Line> = (1..).zip(lines).map(line).collect();
    let amounts = add_up(&basket, 500, 0, false).unwrap();
    Draft {
        order_id: OrderId::new(Uuid::now_v7()),
        tenant_id: tenant,
        placed_at: NOW,
        external_id: None,
        customer_id: None,
        currency: "USD".parse().unwrap(),
        prices_include_tax: false,
        discounts: Vec::new(),
        amounts,
        shipping_tax: Charge::default(),
        payment_method_id: "pm_ok".into(),
        holds: Vec::new(),
        destination: destination(),
        billing: None,
        personal: None,
        delivery_preference: Some("standard".into()),
        requested_delivery_date: None,
        estimated_delivery: None,
        discount_codes: Vec::new(),
        tax_exemption: None,
        metadata: Some(r#"{"channel":"web"}"#.into()),
        payment_retry_seconds: 1800,
        shipping_refund: Default::default(),
        routing: Arc::new(routing(&basket, warehouses)),
        lines: basket,
    }
}

fn routing(lines: &[Line], warehouses: &[WarehouseId]) -> Input {
    let routed = |line: &Line| RoutedLine {
        line_id: line.line_id,
        sku: line.sku.clone(),
        quantity: line.quantity,
        price: Some(line.price),
        seller_id: None,
    };
    let place = |(priority, warehouse_id): (i32, &WarehouseId)| Warehouse {
        warehouse_id: warehouse_id.clone(),
        country: "US".into(),
        region: None,
        zip: None,
        latitude_e6: None,
        longitude_e6: None,
        priority,
        seller_id: None,
    };
    Input {
        context: Context { now: NOW, config: "{}".into() },
        destination: destination(),
        delivery_preference: None,
        requested_delivery_date: None,
        currency: None,
        lines: lines.iter().map(routed).collect(),
        warehouses: (1..).zip(warehouses).map(place).collect(),
        stock: Vec::new(),
    }
}

/// A plan that ships everything from one warehouse.
pub fn all_from(draft: &Draft, warehouse: &WarehouseId) -> Plan {
    let part =
        |line: &Line| Allocation { line_id: line.line_id, warehouse_id: warehouse.clone(), quantity: line.quantity };
    Plan { allocations: draft.lines.iter().map(part).collect() }
}

/// One line, one warehouse.
pub fn draft_and_plan() -> (Draft, Plan) {
    let draft = draft(tenant(1), &[(sku("MUG"), 2)], &[warehouse("NYC")]);
    let plan = all_from(&draft, &warehouse("NYC"));
    (draft, plan)
}
