//! A merchant's program: sends requests and reads answers.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::exact;
use crate::torn;
use crate::wait::eventually;

/// What the paths of the API begin with.
pub const BASE: &str = "/api/v1";

/// The longest wait for one answer: more than the server's own time-out.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// A client with the time-outs of a sane program, which follows no redirect.
///
/// # Panics
/// Where the library cannot be set up.
#[must_use]
pub fn http_client() -> reqwest::Client {
    // The first in the process installs it; for the others it is there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().timeout(ANSWERED_WITHIN).redirect(reqwest::redirect::Policy::none());
    builder.no_proxy().build().expect("a client without TLS roots")
}

/// A request that is not sent yet.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET` and the like.
    pub method: String,
    /// With `/api/v1` and query.
    pub path: String,
    /// Further headers; values may be any bytes.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Option<Vec<u8>>,
}

impl Request {
    /// Without a body, below `/api/v1`.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: format!("{BASE}{path}"), headers: Vec::new(), body: None }
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.raw(body.to_string())
    }

    /// With a body that is declared as JSON, whatever it is.
    #[must_use]
    pub fn raw(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", "application/json")
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// With an idempotency key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// Whether sending it twice is the same as sending it once.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.method != "POST" || self.headers.iter().any(|(name, _)| name == "idempotency-key")
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON, decimals as strings; null where it is none.
    pub body: Value,
}

impl Reply {
    /// A header, or the empty text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body of an answer with this status.
    ///
    /// # Panics
    /// Where the status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Asserts a refusal.
    ///
    /// # Panics
    /// Where it is another answer.
    #[track_caller]
    pub fn expect_refusal(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.text);
    }

    /// Whether an answer has what every problem document has.
    #[must_use]
    pub fn is_problem(&self) -> bool {
        let has = |member: &&str| self.body[*member].as_str().is_some_and(|text| !text.is_empty());
        self.header("content-type") == "application/problem+json"
            && self.body["status"] == self.status
            && self.body["request_id"] == self.header("x-request-id")
            && ["type", "title", "detail", "code", "request_id"].iter().all(has)
    }

    /// The pointers of a refusal, sorted.
    #[must_use]
    pub fn pointers(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut pointers: Vec<&str> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
        pointers.sort_unstable();
        pointers
    }

    /// Whether it is the answer to an earlier request with the same key.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.header("idempotent-replayed") == "true"
    }
}

/// A merchant's program.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    key: String,
    tears: bool,
}

impl Client {
    /// A program with a key.
    #[must_use]
    pub fn new(url: &str, key: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self { http: http_client(), url, key: key.to_owned(), tears: false }
    }

    /// The same program on a network that breaks: each request is cut off somewhere at its first sending, and sent again.
    #[must_use]
    pub fn on_a_broken_network(self) -> Self {
        Self { tears: true, ..self }
    }

    /// The same program with another API key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// Where the server listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The API key.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.key
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn try_send(&self, request: &Request) -> Result<Reply, reqwest::Error> {
        let method = request.method.parse().expect("a method");
        let mut builder = self.http.request(method, format!("{}{}", self.url, request.path));
        if !request.headers.iter().any(|(name, _)| name == "authorization") && !self.key.is_empty() {
            builder = builder.bearer_auth(&self.key);
        }
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
            builder = builder.header(name, HeaderValue::from_bytes(value).expect("a header's value"));
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let answer = builder.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        Ok(Reply { status, headers, body: exact::parse(&text).unwrap_or_default(), text })
    }

    /// Sends a request once.
    ///
    /// # Panics
    /// Where there is no answer.
    pub async fn send(&self, request: Request) -> Reply {
        let sent = self.try_send(&request).await;
        sent.unwrap_or_else(|error| panic!("{} {} has no answer: {error:?}", request.method, request.path))
    }

    /// Sends a request as a well-made program does: again where it is told to come back.
    ///
    /// # Panics
    /// Where there is no answer, or none but to come back.
    pub async fn call(&self, request: Request) -> Reply {
        if self.tears && request.is_repeatable() {
            torn::send_somewhat(self, &request).await;
        }
        eventually("an answer", async || {
            let reply = self.send(request.clone()).await;
            let again = reply.status == 503 || reply.body["code"] == "idempotency_key_in_use";
            if again { Err(reply.text) } else { Ok(reply) }
        })
        .await
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Reply {
        self.call(Request::new("GET", path)).await
    }

    /// Uploads a component as a plugin's next version.
    pub async fn upload(&self, name: &str, wasm: Vec<u8>) -> Reply {
        let request = Request::new("POST", &format!("/plugins?name={name}")).header("content-type", "application/wasm");
        self.call(Request { body: Some(wasm), ..request }).await
    }

    /// Binds a hook, whatever is bound now.
    pub async fn bind(&self, hook: &str, body: &Value) -> Reply {
        self.call(Request::new("PUT", &format!("/hooks/{hook}")).json(body).header("if-match", "*")).await
    }

    /// `PUT`.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.call(Request::new("PUT", path).json(body)).await
    }

    /// `POST` with a key.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Reply {
        self.call(Request::new("POST", path).json(body).key(key)).await
    }

    /// Places an order.
    pub async fn place(&self, basket: &Value) -> Reply {
        self.post("/orders", &crate::unique("place"), basket).await
    }

    /// Places an order that must be accepted; its id.
    ///
    /// # Panics
    /// Where it is refused.
    pub async fn placed(&self, basket: &Value) -> String {
        order_id(&self.place(basket).await.expect(201))
    }

    /// Places an order and waits for its payment.
    pub async fn place_and_wait(&self, key: &str, basket: &Value) -> Reply {
        let request = Request::new("POST", "/orders").json(basket).key(key).header("prefer", "wait=10");
        self.call(request).await
    }

    /// An order.
    ///
    /// # Panics
    /// Where it is not there.
    pub async fn order(&self, id: &str) -> Value {
        self.get(&format!("/orders/{id}")).await.expect(200)
    }

    /// An order once it is as it should be.
    ///
    /// # Panics
    /// Where it does not come to that.
    pub async fn order_when(&self, id: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        eventually(what, async || {
            let order = self.order(id).await;
            if is_so(&order) { Ok(order) } else { Err(order.to_string()) }
        })
        .await
    }

    /// An order once it has a status.
    ///
    /// # Panics
    /// Where it does not get there.
    pub async fn order_in(&self, id: &str, status: &str) -> Value {
        self.order_when(id, status, |order| order["status"] == status).await
    }

    /// An order once its payment has a status.
    ///
    /// # Panics
    /// Where it does not get there.
    pub async fn order_with_payment(&self, id: &str, status: &str) -> Value {
        self.order_when(id, status, |order| order["payment"]["status"] == status).await
    }

    /// Cancels an order.
    pub async fn cancel(&self, id: &str) -> Reply {
        let body = serde_json::json!({"reason": "changed my mind"});
        self.post(&format!("/orders/{id}/cancel"), &crate::unique("cancel"), &body).await
    }

    /// Tries another payment method.
    pub async fn pay(&self, id: &str, method: &str) -> Reply {
        let body = serde_json::json!({"payment_method_id": method});
        self.post(&format!("/orders/{id}/pay"), &crate::unique("pay"), &body).await
    }

    /// The events of an order.
    ///
    /// # Panics
    /// Where it is not there.
    pub async fn events(&self, id: &str) -> Vec<Value> {
        rows(&self.get(&format!("/orders/{id}/events")).await.expect(200))
    }

    /// The decisions about an order.
    ///
    /// # Panics
    /// Where it is not there.
    pub async fn decisions(&self, id: &str) -> Vec<Value> {
        rows(&self.get(&format!("/orders/{id}/decisions")).await.expect(200))
    }

    /// Every row of a list, page after page.
    ///
    /// # Panics
    /// Where a page is refused.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        self.pages(path, "cursor").await
    }

    /// Every event of the merchant.
    ///
    /// # Panics
    /// Where a page is refused.
    pub async fn all_events(&self) -> Vec<Value> {
        self.pages("/events", "after").await
    }

    async fn pages(&self, path: &str, parameter: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}{joint}limit=200{cursor}")).await.expect(200);
            found.extend(rows(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&{parameter}={}", escape(next)),
                None => return found,
            }
        }
    }
}

/// The `data` of a list.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn rows(list: &Value) -> Vec<Value> {
    list["data"].as_array().unwrap_or_else(|| panic!("no list: {list}")).clone()
}

/// The id of an order.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn order_id(order: &Value) -> String {
    order["order_id"].as_str().unwrap_or_else(|| panic!("no order: {order}")).to_owned()
}

/// Percent-encodes everything but letters and digits.
#[must_use]
pub fn escape(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
