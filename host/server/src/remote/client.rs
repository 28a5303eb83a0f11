//! The REST API as a tool needs it: patient where the server asks for patience, and never twice the same effect.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use reqwest::{Method, RequestBuilder, StatusCode, Url, header};
use serde_json::Value;

use super::stop::Stop;
use super::target::Target;

/// How often a request is tried before the tool gives up. Being asked to come back later does not count.
const FAILED_TRIES_MAX: usize = 8;
/// How long the server may ask to wait before that is taken for a mistake.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
/// One answer must come within this time. The server's own limit is shorter.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why a tool cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Ctrl-C.
    #[error("stopped")]
    Stopped,
    /// No answer, again and again.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// An answer that leaves nothing to be tried.
    #[error("{0}")]
    Refused(String),
}

/// A client of one server.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: String,
    stop: Stop,
    /// Until when the server asked everybody to wait.
    pause: Mutex<Instant>,
}

/// A settled answer: neither a fault of the network nor a request to come back later.
pub struct Answer {
    pub status: StatusCode,
    /// The answer of an earlier request with the same key.
    pub replayed: bool,
    pub body: Value,
    /// The body as it came: numbers with exactly their digits.
    pub text: String,
}

impl Answer {
    /// The problem's code, or nothing.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// What the server said against it, with the places of the faults.
    pub fn problem(&self) -> String {
        let detail = self.body["detail"].as_str().unwrap_or("no reason given");
        let code = if self.code().is_empty() { self.status.as_str() } else { self.code() };
        let faults = self.body["errors"].as_array().into_iter().flatten().take(3);
        let faults: Vec<String> = faults
            .map(|fault| {
                let text = |name: &str| fault[name].as_str().unwrap_or_default().to_owned();
                format!("{} {}", text("pointer"), text("detail"))
            })
            .collect();
        if faults.is_empty() { format!("{code}: {detail}") } else { format!("{code}: {}", faults.join("; ")) }
    }

    /// The answer, if it is a success.
    pub fn success(self, what: &str) -> Result<Value, Error> {
        if self.status.is_success() {
            Ok(self.body)
        } else {
            Err(Error::Refused(format!("{what}: {}", self.problem())))
        }
    }
}

/// What a try came to.
enum Tried {
    Settled(Answer),
    /// The server wants to be asked again, in so long.
    Later(Option<Duration>),
    Failed(String),
}

impl Client {
    /// A client of this server.
    pub fn new(target: &Target, stop: Stop) -> anyhow::Result<Self> {
        // Somebody may have chosen a provider for this process before: then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = Url::parse(&target.url).with_context(|| format!("`{}` is no URL", target.url))?;
        let base = base.join("/api/v1/").with_context(|| format!("`{}` cannot be a server's address", target.url))?;
        let mut builder = reqwest::Client::builder().timeout(TIMEOUT).no_proxy();
        if base.scheme() == "http" {
            // A machine without root certificates can still reach its own server.
            builder = builder.tls_certs_only([]);
        }
        Ok(Self {
            http: builder.build().context("preparing the HTTP client")?,
            base,
            key: target.key.clone(),
            stop,
            pause: Mutex::new(Instant::now()),
        })
    }

    /// Whether Ctrl-C was pressed.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_requested()
    }

    /// The address of a resource; each segment is encoded as one.
    fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("the address has a path").pop_if_empty().extend(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Reads.
    pub async fn get(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Answer, Error> {
        let url = self.url(segments, query);
        self.send(|| self.http.request(Method::GET, url.clone())).await
    }

    /// Writes what may be written twice.
    pub async fn put(&self, segments: &[&str], body: &Value) -> Result<Answer, Error> {
        let url = self.url(segments, &[]);
        self.send(|| json(self.http.request(Method::PUT, url.clone()), body.to_string())).await
    }

    /// Writes under a key, once however often it is sent.
    pub async fn post(&self, segments: &[&str], key: &str, body: &str) -> Result<Answer, Error> {
        let url = self.url(segments, &[]);
        let request = || self.http.request(Method::POST, url.clone()).header("idempotency-key", key);
        self.send(|| json(request(), body.to_owned())).await
    }

    /// Replaces what has this `ETag`.
    pub async fn replace(&self, segments: &[&str], tag: &str, body: &Value) -> Result<Answer, Error> {
        let url = self.url(segments, &[]);
        let request = || self.http.request(Method::PUT, url.clone()).header(header::IF_MATCH, tag);
        self.send(|| json(request(), body.to_string())).await
    }

    /// Asks for something that may be asked for again.
    pub async fn ask(&self, segments: &[&str], body: &Value) -> Result<Answer, Error> {
        let url = self.url(segments, &[]);
        self.send(|| json(self.http.request(Method::POST, url.clone()), body.to_string())).await
    }

    /// Sends a component.
    pub async fn upload(&self, segments: &[&str], query: &[(&str, &str)], wasm: &[u8]) -> Result<Answer, Error> {
        let url = self.url(segments, query);
        let request = || self.http.request(Method::POST, url.clone()).header(header::CONTENT_TYPE, "application/wasm");
        self.send(|| request().body(wasm.to_vec())).await
    }

    /// Removes or ends something.
    pub async fn delete(&self, segments: &[&str]) -> Result<Answer, Error> {
        let url = self.url(segments, &[]);
        self.send(|| self.http.request(Method::DELETE, url.clone())).await
    }

    /// Removes what has this `ETag`.
    pub async fn remove(&self, segments: &[&str], tag: &str) -> Result<Answer, Error> {
        let url = self.url(segments, &[]);
        self.send(|| self.http.request(Method::DELETE, url.clone()).header(header::IF_MATCH, tag)).await
    }

    async fn send(&self, request: impl Fn() -> RequestBuilder) -> Result<Answer, Error> {
        let backoff = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .without_max_times()
            .with_jitter();
        let mut delays = backoff.build();
        let mut failed = 0;
        loop {
            self.wait_for_pause().await?;
            let delay = delays.next().unwrap_or(Duration::from_secs(5));
            match self.attempt(request()).await {
                Tried::Settled(answer) => return Ok(answer),
                Tried::Later(Some(asked)) => self.pause_all(asked.min(RETRY_AFTER_MAX)),
                Tried::Later(None) => self.sleep(delay).await?,
                Tried::Failed(reason) => {
                    failed += 1;
                    if failed >= FAILED_TRIES_MAX {
                        return Err(Error::Unreachable(reason));
                    }
                    self.sleep(delay).await?;
                }
            }
        }
    }

    async fn attempt(&self, request: RequestBuilder) -> Tried {
        let response = match request.header(header::AUTHORIZATION, format!("Bearer {}", self.key)).send().await {
            Ok(response) => response,
            Err(error) => return Tried::Failed(chain(&error)),
        };
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let replayed = response.headers().contains_key("idempotent-replayed");
        // What broke off in the middle may have happened: the same key asks again.
        let text = match response.text().await {
            Ok(text) => text,
            Err(error) => return Tried::Failed(chain(&error)),
        };
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let in_use = status == StatusCode::CONFLICT && body["code"] == "idempotency_key_in_use";
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Tried::Later(retry_after),
            _ if in_use => Tried::Later(None),
            _ if status.is_server_error() => Tried::Failed(format!("{status}: {}", text.trim())),
            _ => Tried::Settled(Answer { status, replayed, body, text }),
        }
    }

    /// Everybody waits where one was asked to: the limit is the merchant's, not the request's.
    fn pause_all(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut pause = self.pause.lock().expect("nothing panics while it holds this");
        *pause = (*pause).max(until);
    }

    async fn wait_for_pause(&self) -> Result<(), Error> {
        let until = *self.pause.lock().expect("nothing panics while it holds this");
        self.sleep(until.saturating_duration_since(Instant::now())).await
    }

    async fn sleep(&self, time: Duration) -> Result<(), Error> {
        if time.is_zero() {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.stop.requested() => Err(Error::Stopped),
        }
    }
}

fn json(request: RequestBuilder, body: String) -> RequestBuilder {
    request.header(header::CONTENT_TYPE, "application/json").body(body)
}

fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The error with its causes: reqwest's own text leaves out what went wrong.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests;
