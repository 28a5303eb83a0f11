//! Placing what is not there yet, many at a time.

use std::borrow::Cow;

use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::client::{Client, Error};
use super::mapping::{CURRENCY, Kind, Refused, ToPlace};
use super::report::Report;
use crate::remote::place::{self, Place};
use crate::remote::progress;

/// What became of an invoice.
enum Fate {
    Placed,
    There,
    Refused(String),
}

/// Finds out which orders the server has, and answers those that it has not.
pub async fn look_up<'a>(
    client: &Client,
    orders: &'a [ToPlace],
    connections: usize,
    report: &mut Report,
) -> Result<Vec<&'a ToPlace>, Error> {
    let bar = progress::bar("looking up", orders.len());
    let found = stream::iter(orders).map(async |order| (order, find(client, order).await));
    let mut found = found.buffered(connections);
    let mut missing = Vec::new();
    while let Some((order, found)) = found.next().await {
        match found? {
            Some(there) => record(report, order, judge(order, &there, Fate::There)),
            None => missing.push(order),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(missing)
}

async fn find(client: &Client, order: &ToPlace) -> Result<Option<Value>, Error> {
    let answer = client.get(&["orders"], &[("external_id", &order.external_id), ("limit", "1")]).await?;
    let mut page = answer.success("looking for orders")?;
    Ok(page["data"].get_mut(0).map(Value::take))
}

impl Place for &ToPlace {
    fn key(&self) -> Cow<'_, str> {
        format!("import-online-retail-{}", self.external_id).into()
    }

    fn body(&self) -> &str {
        &self.body
    }
}

/// Places the orders.
pub async fn place(client: &Client, orders: &[&ToPlace], connections: usize, report: &mut Report) -> Result<(), Error> {
    let tell = |order: &&ToPlace, placed| {
        let fate = match placed {
            place::Fate::Placed(there) => judge(order, &there, Fate::Placed),
            place::Fate::There(there) => judge(order, &there, Fate::There),
            place::Fate::Duplicate => Fate::There,
            place::Fate::Refused(reason) => Fate::Refused(reason),
        };
        record(report, order, fate);
    };
    place::place(client, orders, connections, tell).await
}

/// The server's order must come to what the invoice comes to.
fn judge(order: &ToPlace, there: &Value, fate: Fate) -> Fate {
    let currency: domain::money::Currency = CURRENCY.parse().expect("ISO 4217 lists the pound");
    let total = match &there["total"] {
        Value::Number(number) => number.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    if there["currency"] == CURRENCY && currency.parse_minor(&total) == Ok(order.total_minor) {
        return fate;
    }
    let expected = currency.format_minor(order.total_minor);
    let found = there["currency"].as_str().unwrap_or("?");
    Fate::Refused(format!("the server has this number with a total of {total} {found}, the file with {expected} GBP"))
}

fn record(report: &mut Report, order: &ToPlace, fate: Fate) {
    match fate {
        Fate::Placed => report.placed += 1,
        Fate::There => report.already_there += 1,
        Fate::Refused(reason) => {
            report.refuse(Refused { invoice: order.external_id.clone(), reason, kind: Kind::Server });
            return;
        }
    }
    report.zero_totals += usize::from(order.total_minor == 0);
    report.sum_minor += order.total_minor;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn another_total_under_the_same_number_is_no_match() {
        let order =
            ToPlace { external_id: "1".into(), total_minor: 1_250, body: String::new(), units: Default::default() };
        let is_there = |there| matches!(judge(&order, &there, Fate::There), Fate::There);
        assert!(is_there(json!({"currency": "GBP", "total": 12.50})));
        assert!(!is_there(json!({"currency": "GBP", "total": 12.51})));
        assert!(!is_there(json!({"currency": "USD", "total": 12.50})));
        assert!(!is_there(json!({})));
    }
}
