//! From invoices to orders, or to the reason why one is none. Pure: the same file gives the same orders.

use std::collections::BTreeMap;

use domain::money::Currency;
use serde::Serialize;
use serde_json::value::RawValue;

use super::country;
use super::sheet::{Invoice, Row, Sheet};

/// What every price of the file is in.
pub const CURRENCY: &str = "GBP";
/// The most lines of an order, as the API says.
const LINES_MAX: usize = 1000;
/// The most units of a line, as the API says.
const QUANTITY_MAX: i64 = 1_000_000;
/// The longest SKU, as the API says.
const SKU_CHARS_MAX: usize = 100;

/// The file's invoices, each in its place.
pub struct Mapped {
    pub orders: Vec<ToPlace>,
    pub refused: Vec<Refused>,
    /// The numbers of the cancellations, left for later.
    pub cancellations: Vec<String>,
}

/// A sale, ready to be placed.
pub struct ToPlace {
    pub external_id: String,
    pub total_minor: i64,
    /// The request's body.
    pub body: String,
    /// Units of each SKU.
    pub units: BTreeMap<String, i64>,
}

/// An invoice that is no order.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    pub invoice: String,
    pub reason: String,
    /// What it has in common with others.
    pub kind: Kind,
}

/// The ways in which an invoice can fail to be an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Stock written off, found or corrected: a quantity or a price that is negative, without a cancellation's `C`.
    StockAdjustment,
    /// A price with more digits than the currency has.
    TooPrecise,
    /// A country that has no code.
    UnknownCountry,
    /// Values that cannot be read or that no order may have.
    Invalid,
    /// The server said no.
    Server,
}

impl Kind {
    /// For people, in a list.
    pub fn title(self) -> &'static str {
        match self {
            Self::StockAdjustment => "stock adjustments (a negative quantity or price)",
            Self::TooPrecise => "prices with more digits than GBP has",
            Self::UnknownCountry => "countries without an ISO code",
            Self::Invalid => "values that no order may have",
            Self::Server => "refused by the server",
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    external_id: &'a str,
    currency: &'static str,
    prices_include_tax: bool,
    shipping_cost: u8,
    payment_method_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<Customer<'a>>,
    shipping_address: Address,
    items: Vec<Item<'a>>,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
struct Customer<'a> {
    id: &'a str,
}

#[derive(Serialize)]
struct Address {
    country: &'static str,
}

#[derive(Serialize)]
struct Item<'a> {
    sku_id: &'a str,
    quantity: i64,
    price: Box<RawValue>,
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'a str,
}

#[derive(Serialize)]
struct Metadata<'a> {
    source: &'static str,
    invoice_date: &'a str,
}

/// Judges every invoice.
pub fn map(sheet: &Sheet) -> Mapped {
    let currency: Currency = CURRENCY.parse().expect("ISO 4217 lists the pound");
    let mut mapped = Mapped { orders: Vec::new(), refused: Vec::new(), cancellations: Vec::new() };
    for invoice in &sheet.invoices {
        if invoice.number.starts_with(['C', 'c']) {
            mapped.cancellations.push(invoice.number.clone());
            continue;
        }
        match order(invoice, currency) {
            Ok(order) => mapped.orders.push(order),
            Err((kind, reason)) => mapped.refused.push(Refused { invoice: invoice.number.clone(), reason, kind }),
        }
    }
    mapped
}

fn order(invoice: &Invoice, currency: Currency) -> Result<ToPlace, (Kind, String)> {
    let first = invoice.rows.first().expect("an invoice is made for its first row");
    if invoice.number.is_empty() {
        return Err((Kind::Invalid, format!("line {}: there is no invoice number", first.line)));
    }
    if invoice.rows.len() > LINES_MAX {
        return Err((Kind::Invalid, format!("{} lines, and an order has at most {LINES_MAX}", invoice.rows.len())));
    }
    let mut items = Vec::with_capacity(invoice.rows.len());
    let mut total_minor: i64 = 0;
    let mut units = BTreeMap::new();
    for row in &invoice.rows {
        let (item, price_minor) = item(row, currency)?;
        let line_total = price_minor.checked_mul(item.quantity);
        total_minor = line_total
            .and_then(|line_total| total_minor.checked_add(line_total))
            .ok_or_else(|| (Kind::Invalid, format!("line {}: the total is too large", row.line)))?;
        *units.entry(row.stock_code.clone()).or_insert(0) += item.quantity;
        items.push(item);
    }
    let country = country::code(&first.country)
        .ok_or_else(|| (Kind::UnknownCountry, format!("line {}: country `{}`", first.line, first.country)))?;
    let customer = customer(&first.customer);
    let body = Body {
        external_id: &invoice.number,
        currency: CURRENCY,
        prices_include_tax: true,
        shipping_cost: 0,
        payment_method_id: "pm_ok",
        customer: (!customer.is_empty()).then_some(Customer { id: customer }),
        shipping_address: Address { country },
        items,
        metadata: Metadata { source: "online-retail", invoice_date: &first.date },
    };
    let body = serde_json::to_string(&body).expect("texts and numbers can always be written as JSON");
    Ok(ToPlace { external_id: invoice.number.clone(), total_minor, body, units })
}

fn item(row: &Row, currency: Currency) -> Result<(Item<'_>, i64), (Kind, String)> {
    let at = |kind, what: String| (kind, format!("line {}: {what}", row.line));
    let quantity: i64 = row
        .quantity
        .parse()
        .map_err(|_| at(Kind::Invalid, format!("the quantity `{}` is no whole number", row.quantity)))?;
    if quantity < 0 {
        return Err(at(Kind::StockAdjustment, format!("quantity {quantity}")));
    }
    if quantity == 0 || quantity > QUANTITY_MAX {
        return Err(at(Kind::Invalid, format!("quantity {quantity}, and a line has 1 to {QUANTITY_MAX} units")));
    }
    let price_minor = currency.parse_minor(&row.price).map_err(|error| {
        let precise = matches!(error, domain::money::Error::TooPrecise { .. });
        at(if precise { Kind::TooPrecise } else { Kind::Invalid }, format!("the price `{}`: {error}", row.price))
    })?;
    if price_minor < 0 {
        return Err(at(Kind::StockAdjustment, format!("price {}", row.price)));
    }
    let sku_chars = row.stock_code.chars().count();
    if sku_chars == 0 || sku_chars > SKU_CHARS_MAX || row.stock_code.chars().any(char::is_control) {
        return Err(at(Kind::Invalid, format!("the stock code `{}` is no SKU", row.stock_code.escape_debug())));
    }
    // The digits go into the JSON as they are: no price is ever a float.
    let price = RawValue::from_string(currency.format_minor(price_minor)).expect("an amount is a JSON number");
    let item = Item { sku_id: &row.stock_code, quantity, price, title: &row.description };
    Ok((item, price_minor))
}

/// The file has passed through a table of floats: customer 17850 stands there as `17850.0`.
fn customer(text: &str) -> &str {
    text.strip_suffix(".0").unwrap_or(text)
}

#[cfg(test)]
mod tests;
