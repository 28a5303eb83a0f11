//! The columns of a CSV file, and where their values stand in an order.

use serde_json::{Map, Value};

/// How a value is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text. Amounts too: the API takes decimal texts, and no digit is lost.
    Text,
    /// A whole number.
    Whole,
    /// `true` or `false`.
    Boolean,
    /// Texts with semicolons between them.
    List,
    /// A JSON object.
    Object,
}

/// A column: its name, the members that lead to its value, and how that is written.
pub type Column = (&'static str, &'static [&'static str], Kind);

/// What is said once an order.
pub const ORDER: [Column; 26] = [
    ("external_id", &["external_id"], Kind::Text),
    ("currency", &["currency"], Kind::Text),
    ("prices_include_tax", &["prices_include_tax"], Kind::Boolean),
    ("discount_codes", &["discount_codes"], Kind::List),
    ("customer_id", &["customer", "id"], Kind::Text),
    ("customer_name", &["customer", "name"], Kind::Text),
    ("customer_email", &["customer", "email"], Kind::Text),
    ("customer_phone", &["customer", "phone"], Kind::Text),
    ("shipping_name", &["shipping_address", "name"], Kind::Text),
    ("shipping_street", &["shipping_address", "street"], Kind::Text),
    ("shipping_city", &["shipping_address", "city"], Kind::Text),
    ("shipping_region", &["shipping_address", "region"], Kind::Text),
    ("shipping_zip", &["shipping_address", "zip"], Kind::Text),
    ("shipping_country", &["shipping_address", "country"], Kind::Text),
    ("billing_name", &["billing_address", "name"], Kind::Text),
    ("billing_street", &["billing_address", "street"], Kind::Text),
    ("billing_city", &["billing_address", "city"], Kind::Text),
    ("billing_region", &["billing_address", "region"], Kind::Text),
    ("billing_zip", &["billing_address", "zip"], Kind::Text),
    ("billing_country", &["billing_address", "country"], Kind::Text),
    ("tax_exemption", &["tax_exemption"], Kind::Text),
    ("shipping_cost", &["shipping_cost"], Kind::Text),
    ("payment_method_id", &["payment_method_id"], Kind::Text),
    ("delivery_preference", &["delivery_preference"], Kind::Text),
    ("requested_delivery_date", &["requested_delivery_date"], Kind::Text),
    ("metadata", &["metadata"], Kind::Object),
];

/// What is said of each line of an order.
pub const LINE: [Column; 6] = [
    ("sku_id", &["sku_id"], Kind::Text),
    ("quantity", &["quantity"], Kind::Whole),
    ("price", &["price"], Kind::Text),
    ("title", &["title"], Kind::Text),
    ("seller_id", &["seller_id"], Kind::Text),
    ("tax_code", &["tax_code"], Kind::Text),
];

/// What `--help` says of the files.
pub const HELP: &str = "\
NDJSON: each line is an order as `POST /orders` takes it.\n\
CSV: the first line names the columns, in any order; each further line is a line of an order. Lines that follow each\n\
other under the same external_id are one order; what they say of the order itself need stand only on the first.\n\n  \
of the order   external_id, currency, prices_include_tax, discount_codes (with ; between them), customer_id,\n                 \
customer_name, customer_email, customer_phone, shipping_name, shipping_street, shipping_city,\n                 \
shipping_region, shipping_zip, shipping_country, billing_… likewise, tax_exemption, shipping_cost,\n                 \
payment_method_id, delivery_preference, requested_delivery_date, metadata (a JSON object)\n  \
of the line    sku_id, quantity, price, title, seller_id, tax_code\n\n\
Examples:\n  \
orderwright import orders orders.ndjson                  into the server that `orderwright dev` started here\n  \
orderwright import orders orders.csv --dry-run           only read the file\n  \
orderwright import orders orders.csv --url https://orders.example.com --key ow_…\n\n\
Exit status: 0 when every order of the file is on the server, 1 when some are not, 2 for a wrong command line.";

/// The value of a cell that is not empty.
///
/// # Errors
/// What it must be instead.
pub fn value(kind: Kind, text: &str) -> Result<Value, &'static str> {
    match kind {
        Kind::Text => Ok(text.into()),
        Kind::Whole => text.parse::<i64>().map(Value::from).map_err(|_| "must be a whole number"),
        Kind::Boolean => text.parse::<bool>().map(Value::from).map_err(|_| "must be true or false"),
        Kind::List => Ok(text.split(';').map(str::trim).filter(|part| !part.is_empty()).collect()),
        Kind::Object => {
            serde_json::from_str::<Map<String, Value>>(text).map(Value::from).map_err(|_| "must be a JSON object")
        }
    }
}

/// Puts a value where the members lead.
pub fn put(object: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => _ = object.insert((*last).to_owned(), value),
        [first, rest @ ..] => {
            let inner = object.entry(*first).or_insert_with(|| Map::new().into());
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_column_has_a_name_and_a_place_of_its_own() {
        let all: Vec<Column> = ORDER.into_iter().chain(LINE).collect();
        assert_eq!(all.iter().map(|column| column.0).collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(ORDER.iter().map(|column| column.1).collect::<BTreeSet<_>>().len(), ORDER.len());
        let helped = |name: &str| name.starts_with("billing_") || HELP.contains(name);
        assert!(all.iter().all(|column| helped(column.0)), "--help names every column");
    }

    #[test]
    fn cells_become_values() {
        assert_eq!(value(Kind::Text, "0.10"), Ok("0.10".into()));
        assert_eq!(value(Kind::Whole, "17"), Ok(17.into()));
        assert!(value(Kind::Whole, "1.5").is_err() && value(Kind::Boolean, "yes").is_err());
        assert_eq!(value(Kind::List, "A; B;"), Ok(serde_json::json!(["A", "B"])));
        assert!(value(Kind::Object, "[1]").is_err());
    }
}
