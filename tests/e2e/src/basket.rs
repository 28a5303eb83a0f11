//! Baskets to order.

use serde_json::{Value, json};

/// One line of one SKU at 10.00, to Austin, paid with `pm_ok`.
#[must_use]
pub fn of(sku: &str, quantity: u32) -> Value {
    of_lines(&[(sku, quantity)])
}

/// Several lines.
#[must_use]
pub fn of_lines(lines: &[(&str, u32)]) -> Value {
    let line = |(sku, quantity): &(&str, u32)| json!({"sku_id": sku, "quantity": quantity, "price": "10.00"});
    json!({
        "items": lines.iter().map(line).collect::<Vec<_>>(),
        "currency": "USD",
        "shipping_cost": "0.00",
        "shipping_address": {"country": "US", "region": "TX", "city": "Austin", "zip": "78701"},
        "payment_method_id": "pm_ok",
    })
}

/// The same basket with other members; null takes one out.
///
/// # Panics
/// Where either is no object.
#[must_use]
pub fn with(mut basket: Value, members: Value) -> Value {
    let (Value::Object(basket_members), Value::Object(members)) = (&mut basket, members) else {
        panic!("a basket is an object");
    };
    for (name, value) in members {
        if value.is_null() {
            basket_members.remove(&name);
        } else {
            basket_members.insert(name, value);
        }
    }
    basket
}

/// The same basket, paid otherwise.
#[must_use]
pub fn paid_with(basket: Value, method: &str) -> Value {
    with(basket, json!({"payment_method_id": method}))
}

/// A basket with nothing to pay.
#[must_use]
pub fn for_free(sku: &str, quantity: u32) -> Value {
    with(of(sku, quantity), json!({"items": [{"sku_id": sku, "quantity": quantity, "price": 0}], "shipping_cost": 0}))
}
