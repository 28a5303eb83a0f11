//! API keys as the API shows them.

use domain::ids::KeyId;
use serde::Serialize;
use utoipa::ToSchema;

use super::Time;

/// An API key without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct KeyView {
    #[schema(value_type = String)]
    pub key_id: KeyId,
    /// The actor in the audit trail.
    pub name: String,
    /// What it may do.
    #[schema(example = json!(["orders:read", "orders:write"]))]
    pub scopes: Vec<&'static str>,
    pub created_at: Time,
}

/// A new API key with its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewApiKey)]
pub struct NewKeyView {
    #[serde(flatten)]
    pub info: KeyView,
    /// The secret. Only the answer to the request that made the key shows it.
    #[schema(example = "ow_…")]
    pub key: String,
}

impl From<&app::merchant::KeyInfo> for KeyView {
    fn from(info: &app::merchant::KeyInfo) -> Self {
        Self {
            key_id: info.key_id,
            name: info.name.clone(),
            scopes: info.scopes.iter().map(|scope| scope.name()).collect(),
            created_at: Time(info.created_at),
        }
    }
}
