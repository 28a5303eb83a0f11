//! What the merchant sets.

use serde::Deserialize;

/// Where the provider is, and which secret opens it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Such as `http://127.0.0.1:8090`.
    pub base_url: String,
    /// The name of the secret that holds the provider's key.
    #[serde(default = "api_key")]
    pub secret: String,
    /// The name of the secret that the provider signs its calls with; without it none is understood.
    pub callback_secret: Option<String>,
}

fn api_key() -> String {
    "api_key".into()
}
