//! Starts a provider and talks to it.

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use sandbox_provider::{API_KEY_DEFAULT, Config, Error, Server};
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running provider.
pub struct Sandbox {
    pub api: Api,
    pub folder: Arc<TempDir>,
    config: Config,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), Error>>,
}

/// A client of a provider.
#[derive(Clone)]
pub struct Api {
    pub client: Client,
    pub url: String,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub status: StatusCode,
    pub is_replayed: bool,
    pub body: Value,
}

impl Sandbox {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut config = Config::new(folder.path());
        change(&mut config);
        Self::open(folder, config).await
    }

    async fn open(folder: Arc<TempDir>, config: Config) -> Self {
        let server = Server::bind(config.clone()).await.unwrap();
        let api = Api::new(server.url());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.serve(async move {
            let _ = stopped.await;
        }));
        Self { api, folder, config, stop, task }
    }

    /// Stops the provider and returns what is needed to start it again.
    pub async fn stop(self) -> (Arc<TempDir>, Config) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
        (self.folder, self.config)
    }

    pub async fn restart(self) -> Self {
        let (folder, config) = self.stop().await;
        Self::open(folder, config).await
    }
}

impl Api {
    pub fn new(url: &str) -> Self {
        // Every test process installs it once; later calls find it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { client: Client::new(), url: url.to_owned() }
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(API_KEY_DEFAULT)
    }

    pub fn post_request(&self, path: &str, key: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).header("idempotency-key", key).json(body)
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Reply {
        reply(self.post_request(path, key, body)).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        reply(self.request(Method::GET, path)).await
    }

    /// Opens an intent with a key and a reference of the same name.
    pub async fn open(&self, name: &str, method: &str) -> Reply {
        self.open_with(name, &intent(name, method)).await
    }

    pub async fn open_with(&self, key: &str, body: &Value) -> Reply {
        self.post("/v1/payment_intents", key, body).await
    }

    /// Opens an intent and captures nothing yet.
    pub async fn authorized(&self, name: &str, method: &str) -> String {
        let reply = self.open(name, method).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.body["status"], "requires_capture");
        id(&reply.body)
    }

    pub async fn intent(&self, id: &str) -> Value {
        let reply = self.get(&format!("/v1/payment_intents/{id}")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    pub async fn capture(&self, id: &str, key: &str, body: &Value) -> Reply {
        self.post(&format!("/v1/payment_intents/{id}/capture"), key, body).await
    }

    pub async fn cancel(&self, id: &str, key: &str) -> Reply {
        self.post(&format!("/v1/payment_intents/{id}/cancel"), key, &json!({})).await
    }

    pub async fn refund(&self, id: &str, key: &str, amount: u64) -> Reply {
        let body = json!({ "payment_intent": id, "amount": amount });
        self.post("/v1/refunds", key, &body).await
    }

    /// The whole ledger.
    pub async fn ledger(&self) -> Vec<Value> {
        let reply = self.get("/v1/ledger?limit=10000").await;
        assert_eq!(reply.body["has_more"], false);
        reply.body["data"].as_array().unwrap().clone()
    }

    /// The ledger as (kind, reference, amount).
    pub async fn lines(&self) -> Vec<(String, String, u64)> {
        let ledger = self.ledger().await;
        ledger
            .iter()
            .map(|line| (text(&line["kind"]), text(&line["reference"]), line["amount"].as_u64().unwrap()))
            .collect()
    }
}

/// The parameters of an intent over 1000 minor units.
pub fn intent(reference: &str, method: &str) -> Value {
    json!({
        "amount": 1000,
        "currency": "EUR",
        "payment_method": method,
        "capture_method": "manual",
        "reference": reference,
    })
}

/// Sends a form. Its values must not need any encoding.
pub fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    request.header("content-type", "application/x-www-form-urlencoded").body(fields.join("&"))
}

pub async fn reply(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let status = response.status();
    let is_replayed = response.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
    let body = response.text().await.unwrap();
    Reply { status, is_replayed, body: serde_json::from_str(&body).unwrap_or(Value::String(body)) }
}

pub fn id(body: &Value) -> String {
    text(&body["id"])
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub fn line(kind: &str, reference: &str, amount: u64) -> (String, String, u64) {
    (kind.into(), reference.into(), amount)
}

/// Waits until `done` says so. A test that waits for what never comes is ended by the runner.
pub async fn until<F: Future<Output = bool>>(mut done: impl FnMut() -> F) {
    while !done().await {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
