//! The operations. Each file holds one operation or one family: its schema, its reader and its handler.

pub mod callbacks;
pub mod events;
pub mod hooks;
pub mod keys;
pub mod observed;
pub mod operations;
pub mod orders;
pub mod plugins;
pub mod search;
pub mod secrets;
pub mod stock;

use axum::Json;
use axum::http::header::{ETAG, HeaderName, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::order::Order;
use serde::Serialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::conditional::{Wait, etag};
use crate::errors::order_path;
use crate::idempotency::IDEMPOTENT_REPLAYED;

/// The operations that need a key.
pub fn protected() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(orders::place::place, orders::list::list))
        .routes(routes!(orders::bulk::bulk))
        .routes(routes!(orders::read::read))
        .routes(routes!(orders::cancel::cancel))
        .routes(routes!(orders::pay::pay))
        .routes(routes!(orders::hold::hold))
        .routes(routes!(orders::hold::release))
        .routes(routes!(orders::shipments::pack))
        .routes(routes!(orders::shipments::split))
        .routes(routes!(orders::shipments::ship))
        .routes(routes!(orders::shipments::track))
        .routes(routes!(orders::shipments::cancel))
        .routes(routes!(orders::refund::refund))
        .routes(routes!(orders::refund::ledger))
        .routes(routes!(events::of_order))
        .routes(routes!(orders::decisions::decisions))
        .routes(routes!(orders::messages::messages))
        .routes(routes!(events::of_merchant))
        .routes(routes!(search::search))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::delete))
        .routes(routes!(stock::warehouses::list))
        .routes(routes!(stock::warehouses::put))
        .routes(routes!(stock::inventory::adjust))
        .routes(routes!(stock::inventory::read))
        .routes(routes!(stock::inventory::put))
        .routes(routes!(plugins::list, plugins::upload))
        .routes(routes!(plugins::read))
        .routes(routes!(plugins::versions))
        .routes(routes!(plugins::read_version))
        .routes(routes!(observed::logs))
        .routes(routes!(observed::metrics))
        .routes(routes!(plugins::run))
        .routes(routes!(plugins::backtest))
        .routes(routes!(plugins::read_backtest, plugins::cancel_backtest))
        .routes(routes!(hooks::list))
        .routes(routes!(hooks::read, hooks::bind))
        .routes(routes!(hooks::adapters::read, hooks::adapters::bind, hooks::adapters::unbind))
        .routes(routes!(hooks::adapters::roll_back))
        .routes(routes!(hooks::callbacks::list))
        .routes(routes!(hooks::callbacks::rotate))
        .routes(routes!(hooks::roll_back))
        .routes(routes!(hooks::promote))
        .routes(routes!(secrets::list))
        .routes(routes!(secrets::set, secrets::delete))
        .routes(routes!(orders::decisions::replay))
}

/// The operations that everybody may call.
pub fn open() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(operations::livez))
        .routes(routes!(operations::readyz))
        .routes(routes!(callbacks::take))
}

/// Makes a request safe to repeat.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "this type is only documentation; `idempotency` reads the header")]
pub struct RequiredKeyHeader {
    /// 1 to 255 visible ASCII characters. The same key with the same request gives the stored answer again.
    #[param(rename = "Idempotency-Key")]
    key: String,
}

/// Makes a request safe to repeat, where it is given.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "this type is only documentation; `idempotency` reads the header")]
pub struct OptionalKeyHeader {
    /// 1 to 255 visible ASCII characters. The same key with the same request gives the stored answer again.
    #[param(rename = "Idempotency-Key")]
    key: Option<String>,
}

/// Waits for a settled payment.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "this type is only documentation; `conditional` reads the header")]
pub struct PreferHeader {
    /// `wait=2` answers once the payment is settled, or after so many seconds (at most 10).
    #[param(rename = "Prefer", example = "wait=2")]
    prefer: Option<String>,
}

/// Follows a command only at a version.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "this type is only documentation; `conditional` reads the header")]
pub struct IfMatchHeader {
    /// The `ETag` that the command is meant for; without it the command is decided on the newest version.
    #[param(rename = "If-Match", example = "\"3\"")]
    if_match: Option<String>,
}

/// A page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is only documentation; `params` reads the query")]
pub struct PageParams {
    /// Rows of a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// An answer about one order, with its `ETag`, what became of `Prefer`, and whether it is a replay.
pub struct OrderAnswer<'o, T> {
    pub status: StatusCode,
    pub order: &'o Order,
    pub view: T,
    pub wait: Wait,
    pub replayed: bool,
}

impl<T: Serialize> IntoResponse for OrderAnswer<'_, T> {
    fn into_response(self) -> Response {
        let mut headers = order_headers(self.order);
        if self.status == StatusCode::CREATED {
            put(&mut headers, LOCATION, &order_path(&self.order.order_id));
        }
        if let Some((name, value)) = self.wait.applied() {
            put(&mut headers, name, &value);
        }
        if self.replayed {
            put(&mut headers, IDEMPOTENT_REPLAYED, "true");
        }
        (self.status, headers, Json(self.view)).into_response()
    }
}

/// The `ETag` of an order.
pub fn order_headers(order: &Order) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, ETAG, &etag(order.version));
    headers
}

/// Sets a header; a value that cannot stand in one is left out.
pub fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
