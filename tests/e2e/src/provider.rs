//! The sandbox payment provider, asked directly: what it says is what really happened to the money.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::client::http_client;

/// How many entries are asked for at once.
const PAGE: usize = 10_000;

/// A provider.
pub struct Provider {
    http: reqwest::Client,
    url: String,
    key: String,
}

/// What the provider did for one payment, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Authorised.
    pub authorized: i64,
    /// Captured.
    pub captured: i64,
    /// Given up.
    pub voided: i64,
    /// Given back.
    pub refunded: i64,
}

impl Provider {
    pub(crate) fn new(url: &str, key: &str) -> Self {
        Self { http: http_client(), url: url.trim_end_matches('/').to_owned(), key: key.to_owned() }
    }

    /// Whether it answers.
    pub async fn is_up(&self) -> bool {
        let answer = self.http.get(format!("{}/healthz", self.url)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Everything that moved, by our reference of the payment.
    ///
    /// # Panics
    /// Where the provider does not answer, or its entries do not have the form that its description gives.
    pub async fn moved(&self) -> BTreeMap<String, Moved> {
        let mut moved: BTreeMap<String, Moved> = BTreeMap::new();
        for entry in self.ledger().await {
            let amount = entry["amount"].as_i64().expect("an amount in minor units");
            let payment = moved.entry(entry["reference"].as_str().expect("a reference").to_owned()).or_default();
            match entry["kind"].as_str() {
                Some("authorize") => payment.authorized += amount,
                Some("capture") => payment.captured += amount,
                Some("void") => payment.voided += amount,
                Some("refund") => payment.refunded += amount,
                Some("refund_failed") => payment.refunded -= amount,
                Some("decline") => {}
                other => panic!("the ledger has an entry of the unknown kind {other:?}"),
            }
        }
        moved
    }

    async fn ledger(&self) -> Vec<Value> {
        let mut entries: Vec<Value> = Vec::new();
        loop {
            let since = entries.last().map_or(0, |last| last["sequence"].as_u64().expect("a sequence"));
            let url = format!("{}/v1/ledger?since={since}&limit={PAGE}", self.url);
            let answer = self.http.get(url).bearer_auth(&self.key).send().await.expect("the provider answers");
            let page: Value = answer.error_for_status().expect("a ledger").json().await.expect("a ledger is JSON");
            entries.extend(page["data"].as_array().expect("a list").iter().cloned());
            if page["has_more"] != true {
                return entries;
            }
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends it half a request. Until the connection is dropped it waits for the rest, even where it is asked to end, if
    /// not for long.
    ///
    /// # Panics
    /// Where it does not listen.
    pub async fn half_a_request(&self) -> TcpStream {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.expect("the provider listens");
        let half = format!("POST /confirm/pi_x HTTP/1.1\r\nhost: {address}\r\ncontent-length: 9\r\n\r\ntoken");
        stream.write_all(half.as_bytes()).await.expect("the provider reads");
        assert!(self.is_up().await, "it has seen the half request before it answers another");
        stream
    }

    /// Answers the question on the customer's page, `confirm` or `refuse`, by the form that is there.
    ///
    /// # Panics
    /// Where the page has no such form or does not take it.
    pub async fn answer_page(&self, url: &str, answer: &str) {
        let page = self.http.get(url).send().await.expect("the page answers").text().await.expect("a page is text");
        let action = attribute(&page, "action=\"").unwrap_or_else(|| panic!("no form in {page}"));
        let token = attribute(&page, "value=\"").unwrap_or_else(|| panic!("no token in {page}"));
        let button = format!("name=\"answer\" value=\"{answer}\"");
        assert!(page.contains(&button), "no button {answer} in {page}");
        let taken = self.post_form(&format!("{}{action}", self.url), &format!("token={token}&answer={answer}")).await;
        assert!(taken.is_success() || taken.is_redirection(), "the page answers {taken}");
    }

    /// Tells it what to do, or what is to happen.
    ///
    /// # Panics
    /// Where it refuses.
    pub async fn control(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let request = self.http.request(method, format!("{}/v1{path}", self.url)).bearer_auth(&self.key);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.expect("the provider answers");
        let (status, text) = (answer.status(), answer.text().await.expect("an answer has a body"));
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).expect("an answer is JSON")
    }

    async fn post_form(&self, url: &str, form: &str) -> reqwest::StatusCode {
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded");
        request.body(form.to_owned()).send().await.expect("the page takes an answer").status()
    }
}

/// The first value after this beginning of an attribute.
fn attribute<'p>(page: &'p str, begin: &str) -> Option<&'p str> {
    page.split_once(begin)?.1.split_once('"').map(|(value, _)| value)
}
