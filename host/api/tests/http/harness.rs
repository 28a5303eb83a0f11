//! A shop with its interface in process, and what it takes to call it.

use std::process::Command;

use api::Options;
use app::merchant::{RateLimit, Scope, Settings};
use app::{App, Config};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use domain::ids::TenantId;
use serde_json::{Value, json};
use tower::ServiceExt;

pub struct Shop {
    pub app: App,
    pub router: Router,
    pub tenant: TenantId,
    pub key: String,
    directory: tempfile::TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Status and code of a problem, for comparing both at once.
    pub fn problem(&self) -> (u16, &str) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.json["request_id"], self.header("x-request-id"));
        assert_eq!(self.json["status"], self.status.as_u16());
        (self.status.as_u16(), self.json["code"].as_str().unwrap())
    }

    pub fn pointers(&self) -> Vec<&str> {
        self.json["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
    }
}

impl Shop {
    pub async fn open() -> Self {
        Self::with(Settings::new("USD".parse().unwrap(), "US"), Options::default()).await
    }

    pub async fn with_limits(reads: Option<RateLimit>, writes: Option<RateLimit>) -> Self {
        let settings = Settings::new("USD".parse().unwrap(), "US");
        Self::with(Settings { reads, writes, ..settings }, Options::default()).await
    }

    pub async fn with(settings: Settings, options: Options) -> Self {
        // A second installation in the same process is refused, and is no harm.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let config = Config::new(directory.path().to_owned(), Box::new(|| Command::new("false")));
        let app = App::start(config).await.unwrap();
        let tenant = app.create_merchant("Test shop", settings).await.unwrap().tenant_id;
        let key = app.create_key(tenant, "tests", &Scope::ALL, None).await.unwrap().secret;
        Self { router: api::router(app.clone(), options), app, tenant, key, directory }
    }

    /// A key of another merchant in the same installation.
    pub async fn foreign_key(&self) -> String {
        let settings = Settings::new("EUR".parse().unwrap(), "DE");
        let other = self.app.create_merchant("Other shop", settings).await.unwrap();
        self.app.create_key(other.tenant_id, "other", &Scope::ALL, None).await.unwrap().secret
    }

    pub async fn key_with(&self, scopes: &[Scope]) -> String {
        self.app.create_key(self.tenant, "some", scopes, None).await.unwrap().secret
    }

    /// Every byte of the store's files.
    pub fn stored_bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.directory.path().join("store")).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, text, json }
    }

    pub async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let mut builder = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            builder = builder.header("authorization", format!("Bearer {}", self.key));
        }
        if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            builder = builder.header("content-type", "application/json");
        }
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        self.send(builder.body(body.map_or_else(Body::empty, |body| Body::from(body.to_owned()))).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], None).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, &[], Some(&body.to_string())).await
    }

    pub async fn post(&self, path: &str, idempotency_key: &str, body: &Value) -> Answer {
        self.call("POST", path, &[("idempotency-key", idempotency_key)], Some(&body.to_string())).await
    }

    /// A warehouse `W` with this many of `MUG`.
    pub async fn stock(&self, units: u32) {
        let made = self.put("/api/v1/warehouses/W", &json!({"name": "Main", "country": "US"})).await;
        assert!(made.status.is_success(), "{}", made.text);
        let level = self.put("/api/v1/inventory/MUG/W", &json!({"on_hand": units})).await;
        assert_eq!(level.status, 200, "{}", level.text);
    }

    pub async fn place(&self, idempotency_key: &str) -> Answer {
        self.post("/api/v1/orders", idempotency_key, &mug(1)).await
    }
}

/// An order of so many mugs.
pub fn mug(quantity: u32) -> Value {
    json!({
        "items": [{"sku_id": "MUG", "quantity": quantity, "price": 29.99, "title": "Blue mug"}],
        "shipping_address": {"name": "Ann Lee", "street": "1 Main St", "city": "Austin", "region": "TX", "zip": "78701", "country": "US"},
        "customer": {"id": "c-17", "name": "Ann Lee", "email": "ann@example.com"},
        "payment_method_id": "pm_ok",
        "metadata": {"channel": "web", "rate": 1.50},
    })
}
