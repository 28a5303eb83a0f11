//! `GET` and `POST /keys`, `DELETE /keys/{id}`

use app::merchant::Scope;
use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::KeyId;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Admin, Authorized};
use crate::body::JsonBody;
use crate::idempotency::{IDEMPOTENT_REPLAYED, OptionalKey};
use crate::json::Document;
use crate::path::Id;
use crate::problem::Problem;
use crate::refusals::{CommonRefusals, refusals};
use crate::routes::{OptionalKeyHeader, put};
use crate::views::All;
use crate::views::key::{KeyView, NewKeyView};

const NAME_CHARS_MAX: usize = 100;

/// An API key to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read` reads the body")]
pub struct CreateKey {
    /// The actor in the audit trail.
    #[schema(max_length = 100, example = "web shop")]
    name: String,
    /// `orders:read`, `orders:write`, `inventory:write`, `plugins:write`, `webhooks:write`, `support` or `admin`.
    #[schema(min_items = 1, max_items = 7, example = json!(["orders:read", "orders:write"]))]
    scopes: Vec<String>,
}

refusals!(
    /// Of making a key.
    CreateRefusals: COMMON BODY KEY_OPTIONAL
);

refusals!(
    /// Of removing a key.
    DeleteRefusals: COMMON; NotFound
);

/// Lists the merchant's API keys, without their secrets.
#[utoipa::path(
    get, path = "/api/v1/keys", operation_id = "listKeys", tag = "Keys",
    responses((status = 200, description = "The keys.", body = All<KeyView>), CommonRefusals),
    security(("key" = ["admin"])),
)]
pub async fn list(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<Admin>,
) -> Result<Json<All<KeyView>>, Problem> {
    let keys = api.app.keys(caller.tenant()).await?;
    Ok(Json(All { data: keys.iter().map(KeyView::from).collect() }))
}

/// Makes an API key.
///
/// Only the answer shows the secret, which is stored hashed. With an `Idempotency-Key` the answer is kept encrypted, for a
/// day at least, and the same request gives it again; without one, repeating the request makes another key.
#[utoipa::path(
    post, path = "/api/v1/keys", operation_id = "createKey", tag = "Keys",
    params(OptionalKeyHeader),
    request_body = CreateKey,
    responses((status = 201, description = "The key with its secret.", body = NewKeyView), CreateRefusals),
    security(("key" = ["admin"])),
)]
pub async fn create(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<Admin>,
    key: OptionalKey,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let (name, scopes) = read(&body)?;
    let made = api.app.create_key(caller.tenant(), &name, &scopes, key.with(&body)?).await?;
    let mut headers = HeaderMap::new();
    put(&mut headers, CACHE_CONTROL, "no-store");
    if made.replayed {
        put(&mut headers, IDEMPOTENT_REPLAYED, "true");
    }
    let view = NewKeyView { info: KeyView::from(&made.key), key: made.secret };
    Ok((StatusCode::CREATED, headers, Json(view)).into_response())
}

/// Removes an API key. It is refused everywhere within a second.
#[utoipa::path(
    delete, path = "/api/v1/keys/{id}", operation_id = "deleteKey", tag = "Keys",
    params(("id" = String, Path, description = "The key's id.")),
    responses((status = 204, description = "The key is gone."), DeleteRefusals),
    security(("key" = ["admin"])),
)]
pub async fn delete(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<Admin>,
    Id(key_id): Id<KeyId>,
) -> Result<StatusCode, Problem> {
    if api.app.delete_key(caller.tenant(), key_id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}

/// Reads a key's name and scopes, each scope once.
pub fn read(body: &Document) -> Result<(String, Vec<Scope>), Problem> {
    body.read(|o| {
        let name = o.required("name", |v| v.text(NAME_CHARS_MAX));
        let scopes = o.required("scopes", |v| v.array(1..=Scope::ALL.len(), |v| v.named::<Scope>()));
        let scopes = scopes?;
        Some((name?, Scope::ALL.into_iter().filter(|scope| scopes.contains(scope)).collect()))
    })
}
