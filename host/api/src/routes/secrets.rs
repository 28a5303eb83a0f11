//! `GET /secrets`, `PUT` and `DELETE /secrets/{name}`: credentials that the host uses on behalf of adapters.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Authorized, PluginsWrite};
use crate::body::JsonBody;
use crate::json::Document;
use crate::path::Id;
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::views::All;

const VALUE_CHARS_MAX: usize = 16 * 1024;

/// A credential.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `set` reads the body")]
pub struct PutSecret {
    /// It is never shown again.
    #[schema(max_length = 16384)]
    value: String,
}

/// A credential without its value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Secret)]
pub struct SecretView {
    /// What a binding's configuration calls it.
    name: String,
}

refusals!(
    /// Of listing secrets.
    ListRefusals: COMMON
);

refusals!(
    /// Of setting a secret.
    PutRefusals: COMMON BODY; NotFound
);

refusals!(
    /// Of removing a secret.
    DeleteRefusals: COMMON; NotFound
);

/// Lists the names of the merchant's secrets.
#[utoipa::path(
    get, path = "/api/v1/secrets", operation_id = "listSecrets", tag = "Plugins",
    responses((status = 200, description = "The names.", body = All<SecretView>), ListRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn list(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
) -> Result<Json<All<SecretView>>, Problem> {
    let names = api.app.secret_names(caller.tenant()).await?;
    Ok(Json(All { data: names.into_iter().map(|name| SecretView { name }).collect() }))
}

/// Sets a secret. Its value is kept encrypted and never read back; an adapter names it, the host uses it, if the adapter's
/// binding names it too.
#[utoipa::path(
    put, path = "/api/v1/secrets/{name}", operation_id = "putSecret", tag = "Plugins",
    params(("name" = String, Path, description = "What a binding's configuration calls it.")),
    request_body = PutSecret,
    responses((status = 204, description = "It is set."), PutRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn set(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(name): Id<String>,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, Problem> {
    let value = read_value(&body)?;
    api.app.put_secret(caller.tenant(), &name, &value).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads a secret's value.
pub fn read_value(body: &Document) -> Result<String, Problem> {
    body.read(|o| o.required("value", |v| v.text(VALUE_CHARS_MAX)))
}

/// Removes a secret.
#[utoipa::path(
    delete, path = "/api/v1/secrets/{name}", operation_id = "deleteSecret", tag = "Plugins",
    params(("name" = String, Path, description = "What a binding's configuration calls it.")),
    responses((status = 204, description = "It is gone."), DeleteRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn delete(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(name): Id<String>,
) -> Result<StatusCode, Problem> {
    if api.app.delete_secret(caller.tenant(), &name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}
