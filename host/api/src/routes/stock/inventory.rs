//! `GET /inventory/{sku}`, `PUT /inventory/{sku}/{warehouse}` and `POST /inventory/adjust`

use app::stock::{Change, ON_HAND_MAX};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domain::ids::{Sku, WarehouseId};
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Authorized, InventoryRead, InventoryWrite};
use crate::body::JsonBody;
use crate::idempotency::{IDEMPOTENT_REPLAYED, OptionalKey};
use crate::json::{Document, Value};
use crate::path::{Id, Ids};
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::routes::{OptionalKeyHeader, put as put_header};
use crate::views::All;
use crate::views::stock::{InventoryView, SkuLevelView};

const CHANGES_MAX: usize = 1_000;
const REASON_CHARS_MAX: usize = 500;

/// What a warehouse holds.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_on_hand` reads the body")]
pub struct PutInventory {
    /// Units in the house, reserved ones included.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 100)]
    on_hand: i64,
}

/// Changes of stock, made together or not at all.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_changes` builds the use case's types")]
pub struct AdjustInventory {
    #[schema(min_items = 1, max_items = 1000)]
    changes: Vec<StockChange>,
}

/// A change of stock.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_change` builds the use case's type")]
pub struct StockChange {
    #[schema(max_length = 100, example = "SKU-123")]
    sku: String,
    #[schema(max_length = 100, example = "WH-NYC")]
    warehouse: String,
    /// Units, negative to take away.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000, example = -3)]
    delta: i64,
    /// For people; goes to the log.
    #[schema(max_length = 500, example = "broken")]
    reason: Option<String>,
}

refusals!(
    /// Of reading stock.
    ReadRefusals: COMMON; NotFound
);

refusals!(
    /// Of setting stock.
    PutRefusals: COMMON BODY; NotFound, StockReserved
);

refusals!(
    /// Of changing stock.
    AdjustRefusals: COMMON BODY KEY_OPTIONAL; StockReserved, UnknownWarehouse
);

/// What the merchant's warehouses hold of a SKU.
#[utoipa::path(
    get, path = "/api/v1/inventory/{sku}", operation_id = "getInventory", tag = "Stock",
    params(("sku" = String, Path, description = "The SKU, percent-encoded.", example = "SKU-123")),
    responses((status = 200, description = "The levels; empty for a SKU that no warehouse ever held.", body = InventoryView), ReadRefusals),
    security(("key" = ["inventory:write"]), ("key" = ["orders:read"])),
)]
pub async fn read(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<InventoryRead>,
    Id(sku): Id<Sku>,
) -> Result<Json<InventoryView>, Problem> {
    let levels = api.app.inventory(caller.tenant(), &sku).await?;
    Ok(Json(InventoryView { sku, data: levels.into_iter().map(Into::into).collect() }))
}

/// Sets what a warehouse holds of a SKU.
#[utoipa::path(
    put, path = "/api/v1/inventory/{sku}/{warehouse}", operation_id = "putInventory", tag = "Stock",
    params(
        ("sku" = String, Path, description = "The SKU, percent-encoded.", example = "SKU-123"),
        ("warehouse" = String, Path, description = "The warehouse, percent-encoded.", example = "WH-NYC"),
    ),
    request_body = PutInventory,
    responses((status = 200, description = "The level now.", body = SkuLevelView), PutRefusals),
    security(("key" = ["inventory:write"])),
)]
pub async fn put(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<InventoryWrite>,
    Ids(sku, warehouse): Ids<Sku, WarehouseId>,
    JsonBody(body): JsonBody,
) -> Result<Json<SkuLevelView>, Problem> {
    let on_hand = read_on_hand(&body)?;
    let level = api.app.put_inventory(&caller, sku.clone(), warehouse, on_hand).await?;
    Ok(Json(SkuLevelView::new(sku, level)))
}

/// Changes stock: all of the changes or none.
#[utoipa::path(
    post, path = "/api/v1/inventory/adjust", operation_id = "adjustInventory", tag = "Stock",
    params(OptionalKeyHeader),
    request_body = AdjustInventory,
    responses((status = 200, description = "The levels now, in the order of the changes.", body = All<SkuLevelView>), AdjustRefusals),
    security(("key" = ["inventory:write"])),
)]
pub async fn adjust(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<InventoryWrite>,
    key: OptionalKey,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let changes = read_changes(&body)?;
    let adjusted = api.app.adjust_inventory(&caller, changes, key.with(&body)?).await?;
    let mut headers = HeaderMap::new();
    if adjusted.replayed {
        put_header(&mut headers, IDEMPOTENT_REPLAYED, "true");
    }
    let data = adjusted.levels.into_iter().map(|(sku, level)| SkuLevelView::new(sku, level)).collect();
    Ok((headers, Json(All { data })).into_response())
}

/// Reads how many units there are.
pub fn read_on_hand(body: &Document) -> Result<i64, Problem> {
    body.read(|o| o.required("on_hand", |v| v.integer(0..=ON_HAND_MAX)))
}

/// Reads changes of stock.
pub fn read_changes(body: &Document) -> Result<Vec<Change>, Problem> {
    body.read(|o| o.required("changes", |v| v.array(1..=CHANGES_MAX, |v| read_change(&v))))
}

fn read_change(v: &Value<'_>) -> Option<Change> {
    v.object(|o| {
        let sku = o.required("sku", |v| v.parsed(Sku::parse));
        let warehouse_id = o.required("warehouse", |v| v.parsed(WarehouseId::parse));
        let delta = o.required("delta", |v| v.integer(-ON_HAND_MAX..=ON_HAND_MAX));
        let reason = o.optional("reason", |v| v.text(REASON_CHARS_MAX));
        Some(Change { sku: sku?, warehouse_id: warehouse_id?, delta: delta?, reason })
    })
}
