//! `POST /orders`

use app::place::{Item, Request};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::hooks::Destination;
use domain::ids::{CustomerId, ExternalId, SellerId, Sku};
use domain::money::Currency;
use domain::order::{Personal, PersonalAddress};
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Authorized, OrdersWrite};
use crate::body::JsonBody;
use crate::conditional::Wait;
use crate::idempotency::RequiredKey;
use crate::json::{Document, Object, Value};
use crate::problem::{Code, Problem};
use crate::refusals::refusals;
use crate::routes::{OrderAnswer, PreferHeader, RequiredKeyHeader};
use crate::views::order::OrderView;
use crate::views::{AnyJson, Money};

use super::settled;

pub(super) const LINES_MAX: usize = 1_000;
pub(super) const QUANTITY_MAX: u32 = 1_000_000;
const DISCOUNT_CODES_MAX: usize = 20;
/// Of titles and streets.
const LONG_CHARS_MAX: usize = 500;
/// Of names and cities.
const NAME_CHARS_MAX: usize = 200;
/// Of codes and short wishes.
const CODE_CHARS_MAX: usize = 100;
/// RFC 5321: 64 before the @ and 255 after it.
const EMAIL_CHARS_MAX: usize = 320;
pub(super) const METHOD_CHARS_MAX: usize = 255;

/// A basket to be ordered.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read` builds the use case's request")]
pub struct PlaceOrder {
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<PlaceOrderItem>,
    /// ISO 4217; the merchant's where none is given.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// Whether prices and shipping cost contain the tax; false where nothing is given.
    prices_include_tax: Option<bool>,
    #[schema(max_items = 20, example = json!(["SPRING"]))]
    discount_codes: Option<Vec<String>>,
    customer: Option<PlaceOrderCustomer>,
    shipping_address: PlaceOrderAddress,
    billing_address: Option<PlaceOrderAddress>,
    /// The customer's exemption certificate.
    #[schema(max_length = 100)]
    tax_exemption: Option<String>,
    /// An unexpired quote.
    quote_id: Option<String>,
    /// What shipping costs; the merchant's rate table where nothing is given.
    shipping_cost: Option<Money>,
    #[schema(example = "pm_ok", max_length = 255)]
    payment_method_id: String,
    /// `standard`, `express` and the like.
    #[schema(example = "standard", max_length = 100)]
    delivery_preference: Option<String>,
    #[schema(format = Date)]
    requested_delivery_date: Option<String>,
    /// The merchant's own number, unique per merchant.
    #[schema(example = "WEB-10001", max_length = 200)]
    external_id: Option<String>,
    /// Any JSON object of at most 16 kB and 16 levels.
    #[schema(value_type = Option<Object>)]
    metadata: Option<AnyJson>,
}

/// A line of a basket. The same SKU may stand on several lines.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_item` builds the use case's item")]
pub struct PlaceOrderItem {
    #[schema(min_length = 1, max_length = 100, example = "SKU-123")]
    sku_id: String,
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: u32,
    /// Of one unit, zero or more; a number or a decimal text.
    price: Money,
    #[schema(max_length = 500)]
    title: Option<String>,
    /// Whose warehouses ship it; the merchant's own where none is given.
    #[schema(max_length = 100)]
    seller_id: Option<String>,
    /// The merchant's tax class.
    #[schema(max_length = 100)]
    tax_code: Option<String>,
}

/// Who orders.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_customer` builds the domain's types")]
pub struct PlaceOrderCustomer {
    /// The merchant's name for the customer.
    #[schema(max_length = 200)]
    id: Option<String>,
    #[schema(max_length = 200)]
    name: Option<String>,
    #[schema(max_length = 320)]
    email: Option<String>,
    #[schema(max_length = 100)]
    phone: Option<String>,
}

/// An address.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_address` builds the domain's types")]
pub struct PlaceOrderAddress {
    #[schema(max_length = 200)]
    name: Option<String>,
    #[schema(max_length = 500)]
    street: Option<String>,
    #[schema(max_length = 200)]
    city: Option<String>,
    #[schema(max_length = 100)]
    region: Option<String>,
    #[schema(max_length = 100)]
    zip: Option<String>,
    /// ISO 3166 alpha-2.
    #[schema(example = "US")]
    country: String,
}

refusals!(
    /// Of placing an order.
    PlaceRefusals: COMMON BODY KEYED;
    PaymentDeclined, DuplicateExternalId, OutOfStock, OrderRejected, PolicyFailed, QuoteNotFound, TotalTooLarge,
    OrderTooLarge
);

/// Places an order.
///
/// Stock is reserved and the order kept in one commit; the payment begins after it. Nothing is kept and no stock is
/// reserved where it is refused.
#[utoipa::path(
    post, path = "/api/v1/orders", operation_id = "placeOrder", tag = "Orders",
    params(RequiredKeyHeader, PreferHeader),
    request_body = PlaceOrder,
    responses(
        (status = 201, description = "The order is placed. The same answer comes again for the same key, with `Idempotent-Replayed: true`.",
         body = OrderView, headers(("Location" = String), ("ETag" = String))),
        PlaceRefusals,
    ),
    security(("key" = ["orders:write"])),
)]
pub async fn place(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersWrite>,
    key: RequiredKey,
    wait: Wait,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let request = read(&body, caller.merchant.settings.currency)?;
    let key = key.with(&body)?;
    let tenant = caller.tenant();
    let done = api.app.place(caller, request, key).await?;
    let done = settled(&api.app, tenant, done, wait).await?;
    let answer = OrderAnswer {
        status: StatusCode::CREATED,
        order: &done.order,
        view: OrderView::new(&done.order),
        wait,
        replayed: done.replayed,
    };
    Ok(answer.into_response())
}

/// Reads a basket; the currency is the merchant's unless the basket names one.
pub fn read(body: &Document, currency: Currency) -> Result<Request, Problem> {
    let mut quote_given = false;
    let request = body.read(|o| {
        quote_given = o.has("quote_id");
        read_request(o, currency)
    })?;
    if quote_given {
        let problem = Problem::new(Code::QuoteNotFound, "There is no such quote, or it has expired.");
        return Err(problem.at("/quote_id", "is no quote of this merchant"));
    }
    Ok(request)
}

fn read_request(o: &Object<'_>, merchants: Currency) -> Option<Request> {
    let currency = match o.has("currency") {
        true => o.optional("currency", |v| v.named::<Currency>()),
        false => Some(merchants),
    };
    // Where the currency is wrong, prices are still looked at: a body's faults are named all at once.
    let assumed = currency.unwrap_or(merchants);
    let items = o.required("items", |v| v.array(1..=LINES_MAX, |v| read_item(&v, assumed)));
    let customer = o.optional("customer", |v| read_customer(&v)).unwrap_or_default();
    let shipping = o.required("shipping_address", |v| read_address(&v));
    let billing = o.optional("billing_address", |v| read_address(&v));
    let shipping_cost = o.optional("shipping_cost", |v| v.money(assumed));
    let payment_method_id = o.required("payment_method_id", |v| v.text(METHOD_CHARS_MAX));
    let codes = |v: Value<'_>| v.array(0..=DISCOUNT_CODES_MAX, |v| v.text(CODE_CHARS_MAX));
    let request = RequestRest {
        prices_include_tax: o.optional("prices_include_tax", |v| v.boolean()).unwrap_or(false),
        discount_codes: o.optional("discount_codes", codes).unwrap_or_default(),
        tax_exemption: o.optional("tax_exemption", |v| v.text(CODE_CHARS_MAX)),
        delivery_preference: o.optional("delivery_preference", |v| v.text(CODE_CHARS_MAX)),
        requested_delivery_date: o.optional("requested_delivery_date", |v| v.date()),
        external_id: o.optional("external_id", |v| v.parsed(ExternalId::parse)),
        metadata: o.optional("metadata", |v| v.metadata()),
    };
    let (destination, shipping) = shipping?;
    let (billing, billing_personal) = billing.unzip();
    let (customer_id, mut personal) = customer;
    personal.shipping = shipping;
    personal.billing = billing_personal.unwrap_or_default();
    Some(Request {
        items: items?,
        currency: currency?,
        prices_include_tax: request.prices_include_tax,
        discount_codes: request.discount_codes,
        customer_id,
        personal,
        destination,
        billing,
        tax_exemption: request.tax_exemption,
        shipping_cost,
        payment_method_id: payment_method_id?,
        delivery_preference: request.delivery_preference,
        requested_delivery_date: request.requested_delivery_date,
        external_id: request.external_id,
        metadata: request.metadata,
    })
}

/// The fields that may be left out, read before the first that may not is given up on.
struct RequestRest {
    prices_include_tax: bool,
    discount_codes: Vec<String>,
    tax_exemption: Option<String>,
    delivery_preference: Option<String>,
    requested_delivery_date: Option<domain::time::Date>,
    external_id: Option<ExternalId>,
    metadata: Option<String>,
}

fn read_item(v: &Value<'_>, currency: Currency) -> Option<Item> {
    v.object(|o| {
        let sku = o.required("sku_id", |v| v.parsed(Sku::parse));
        let quantity = o.required("quantity", |v| v.integer(1..=i64::from(QUANTITY_MAX)));
        let price = o.required("price", |v| v.money(currency));
        let title = o.optional("title", |v| v.text(LONG_CHARS_MAX));
        let seller_id = o.optional("seller_id", |v| v.parsed(SellerId::parse));
        let tax_code = o.optional("tax_code", |v| v.text(CODE_CHARS_MAX));
        let quantity = u32::try_from(quantity?).ok()?;
        Some(Item { sku: sku?, quantity, price: price?, title, seller_id, tax_code })
    })
}

fn read_customer(v: &Value<'_>) -> Option<(Option<CustomerId>, Personal)> {
    v.object(|o| {
        let id = o.optional("id", |v| v.parsed(CustomerId::parse));
        let name = o.optional("name", |v| v.text(NAME_CHARS_MAX));
        let email = o.optional("email", |v| read_email(&v));
        let phone = o.optional("phone", |v| v.text(CODE_CHARS_MAX));
        Some((id, Personal { name, email, phone, ..Personal::default() }))
    })
}

/// Only what certainly is no address is refused; whether it exists shows when somebody writes to it.
fn read_email(v: &Value<'_>) -> Option<String> {
    let email = v.text(EMAIL_CHARS_MAX)?;
    let has_sides = email.rsplit_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if has_sides && !email.contains(char::is_whitespace) {
        Some(email)
    } else {
        v.fault("must be an e-mail address such as ann@example.com")
    }
}

fn read_address(v: &Value<'_>) -> Option<(Destination, PersonalAddress)> {
    v.object(|o| {
        let name = o.optional("name", |v| v.text(NAME_CHARS_MAX));
        let street = o.optional("street", |v| v.text(LONG_CHARS_MAX));
        let city = o.optional("city", |v| v.text(NAME_CHARS_MAX));
        let region = o.optional("region", |v| v.text(CODE_CHARS_MAX));
        let zip = o.optional("zip", |v| v.text(CODE_CHARS_MAX));
        let country = o.required("country", |v| v.country());
        Some((Destination { country: country?, region, city, zip }, PersonalAddress { name, street }))
    })
}

#[cfg(test)]
mod tests;
