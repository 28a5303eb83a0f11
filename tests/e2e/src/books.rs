//! Comparing what the platform says with everything else that knows: the provider's ledger, the stock, the index.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::{Client, escape, order_id};
use crate::exact::minor;
use crate::provider::{Moved, Provider};
use crate::shop::Shop;
use crate::wait::{eventually, eventually_within};
use std::time::Duration;

/// What a crash leaves leased is taken up again after half a minute, and then has to get through.
pub const SETTLES_WITHIN: Duration = Duration::from_secs(120);

/// Waits until nothing more happens to any payment by itself, and the provider's ledger says the same as the orders'
/// own histories: per payment, what was authorised, captured, given up and given back.
///
/// # Panics
/// With the first difference, where it stays.
pub async fn agree_with_provider(client: &Client, provider: &Provider) {
    eventually_within(SETTLES_WITHIN, "the books agree with the provider's", async || {
        let orders = client.all("/orders").await;
        if let Some(busy) = orders.iter().find(|order| !is_settled(order)) {
            return Err(format!("not settled: {busy}"));
        }
        let mut ours = BTreeMap::new();
        for order in &orders {
            ours.extend(moved_by(&client.events(&order_id(order)).await));
        }
        let mut theirs = provider.moved().await;
        for (payment, moved) in &ours {
            let there = theirs.remove(payment).unwrap_or_default();
            if there != *moved {
                return Err(format!("{payment}: we have {moved:?}, the provider {there:?}"));
            }
        }
        match theirs.iter().find(|(_, moved)| **moved != Moved::default()) {
            Some((payment, moved)) => Err(format!("{payment}: we have nothing, the provider {moved:?}")),
            None => Ok(()),
        }
    })
    .await;
}

/// Whether a payment waits for nobody but its customer or a person.
fn is_settled(order: &Value) -> bool {
    let payment = &order["payment"];
    let parked = order["holds"].as_array().is_some_and(|holds| !holds.is_empty());
    payment.is_null()
        || parked
        || match payment["status"].as_str() {
            Some("captured" | "partially_refunded" | "refunded" | "voided" | "failed" | "unknown") => {
                let refunds = payment["refunds"].as_array().map(Vec::as_slice).unwrap_or_default();
                refunds.iter().all(|refund| refund["status"] != "pending")
            }
            Some("requires_action") => order["status"] != "cancelled",
            _ => false,
        }
}

/// What an order's history says about its payments. A payment without a movement is left out.
fn moved_by(events: &[Value]) -> BTreeMap<String, Moved> {
    let mut moved: BTreeMap<String, Moved> = BTreeMap::new();
    for event in events {
        let payload = &event["payload"];
        let Some(payment) = payload["payment_id"].as_str() else { continue };
        let amount = || minor(&payload["amount"]);
        let change: Option<fn(&mut Moved, i64)> = match event["type"].as_str() {
            Some("order.payment_authorized") => Some(|moved, amount| moved.authorized += amount),
            Some("order.payment_captured") => Some(|moved, amount| moved.captured += amount),
            Some("order.payment_refunded") => Some(|moved, amount| moved.refunded += amount),
            _ => None,
        };
        if let Some(change) = change {
            change(moved.entry(payment.to_owned()).or_default(), amount());
        } else if event["type"] == "order.payment_voided" {
            let payment = moved.entry(payment.to_owned()).or_default();
            payment.voided = payment.authorized - payment.captured;
        }
    }
    moved
}

/// Asserts that what is reserved of a SKU is what the orders that are not over have in their shipments.
///
/// # Panics
/// With the first difference.
pub async fn agree_with_stock(shop: &Shop, sku: &str, orders: &[Value]) {
    let mut promised: BTreeMap<&str, i64> = BTreeMap::new();
    for shipment in orders.iter().flat_map(|order| order["shipments"].as_array().expect("shipments")) {
        if shipment["status"] == "cancelled" {
            continue;
        }
        let warehouse = shipment["warehouse"].as_str().expect("a warehouse");
        for item in shipment["items"].as_array().expect("items").iter().filter(|item| item["sku_id"] == sku) {
            *promised.entry(warehouse).or_default() += item["quantity"].as_i64().expect("a quantity");
        }
    }
    for (warehouse, level) in shop.levels(sku).await {
        let promised = promised.remove(warehouse.as_str()).unwrap_or(0);
        assert_eq!(level.reserved, promised, "reserved of {sku} in {warehouse}");
        assert!((0..=level.on_hand).contains(&level.reserved), "{warehouse}: {level:?}");
    }
    assert!(promised.is_empty(), "shipments from where the stock knows nothing: {promised:?}");
}

/// Waits until the index finds exactly these orders by their SKU, in the status that each has.
///
/// # Panics
/// Where it does not come to that.
pub async fn agree_with_index(client: &Client, sku: &str, orders: &[Value]) {
    let mut by_status: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for order in orders {
        by_status.entry(order["status"].as_str().expect("a status")).or_default().push(order_id(order));
    }
    let everything = orders.iter().map(order_id).collect();
    finds(client, &format!("sku:\"{sku}\""), everything).await;
    for (status, expected) in by_status {
        finds(client, &format!("sku:\"{sku}\" status:{status}"), expected).await;
    }
}

/// Waits until a query finds exactly these orders.
///
/// # Panics
/// Where it does not come to that.
pub async fn finds(client: &Client, query: &str, mut expected: Vec<String>) {
    expected.sort_unstable();
    eventually(query, async || {
        let hits = client.all(&format!("/search/orders?q={}", escape(query))).await;
        let mut found: Vec<String> = hits.iter().map(order_id).collect();
        found.sort_unstable();
        if found == expected { Ok(()) } else { Err(difference(&found, &expected)) }
    })
    .await;
}

fn difference(found: &[String], expected: &[String]) -> String {
    let missing: Vec<_> = expected.iter().filter(|id| !found.contains(id)).collect();
    let surplus: Vec<_> = found.iter().filter(|id| !expected.contains(id)).collect();
    format!("{} found, {} expected; missing {missing:?}, surplus {surplus:?}", found.len(), expected.len())
}
