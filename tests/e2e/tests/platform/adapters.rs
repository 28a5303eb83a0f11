//! What an adapter can ask of the host, each against a provider that really checks it: credentials, signatures, blobs,
//! waiting, and personal values that only the host knows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use e2e::{Server, Shop, admin, basket, eventually};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::hooks::uploaded;

/// HMAC-SHA256 of `signed answer` with the key `signing-key`, computed with `openssl dgst -sha256 -hmac`.
const SIGNED: &str = "7b205408a4d1ca5c775d466d27dacd29a32634a27dafc87b36112e80b83e389b";
/// The same of the requests' bodies: plain in hexadecimal, filled in base 64.
const PLAIN_BODY: &str = "sha256=b4c63369caeff39b44695edffc8a9f0db7fb84a89dae70284b7fa1d8f3e48688";
const FILLED_BODY: &str = "sha256=08H/0RmgBCeacH1LX8u0mokkfu9QVklaqT4uXAr/lTQ=";
const FILLED: &str = r#"{"to": "Ann \"B\" Lee, 1 Main St", "mail": "ann@shop.example"}"#;

/// A request as it came.
#[derive(Debug, Clone)]
struct Asked {
    path: String,
    headers: HashMap<String, String>,
    body: String,
}

/// How a token endpoint fails.
#[derive(Debug, Clone, Copy)]
enum Fault {
    HangsUp,
    Busy,
    SomethingElse,
    OtherType,
    Endless,
}

#[derive(Clone)]
struct Provider {
    url: String,
    /// What comes in place of the first tokens.
    token_faults: &'static [Fault],
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Provider {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(token_faults: &'static [Fault]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let provider = Self { url, token_faults, asked: Arc::default() };
        let serving = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let provider = serving.clone();
                tokio::spawn(async move { provider.answer(stream).await });
            }
        });
        provider
    }

    async fn answer(&self, mut stream: TcpStream) {
        let Some(asked) = read(&mut stream).await else { return };
        let earlier = self.of(&asked.path).len();
        let header = |name: &str| asked.headers.get(name).map(String::as_str).unwrap_or_default().to_owned();
        self.asked.lock().expect("nobody fails with it").push(asked.clone());
        // Whoever is let in hears all of it again: an answer may repeat what only the host may know.
        let echo = format!("{}\n{:?}", asked.body, asked.headers);
        let right = |is: bool| if is { (200, echo.clone()) } else { (403, "{}".to_owned()) };
        let mut extra = String::new();
        let (status, body) = match asked.path.as_str() {
            "/bearer" => right(header("authorization") == "Bearer the-key"),
            "/basic" => right(header("authorization") == "Basic c2hvcDp0aGUta2V5"),
            "/api-key" => right(header("x-api-key") == "the-key"),
            "/token" if earlier < self.token_faults.len() => match self.token_faults[earlier] {
                Fault::HangsUp => return,
                Fault::Busy => (503, "{}".to_owned()),
                Fault::SomethingElse => (200, "<h1>It works!</h1>".to_owned()),
                Fault::OtherType => (200, json!({"access_token": "t", "token_type": "mac"}).to_string()),
                Fault::Endless => {
                    (200, json!({"access_token": "x".repeat(2 << 20), "token_type": "Bearer"}).to_string())
                }
            },
            "/token" => {
                let earlier = earlier - self.token_faults.len();
                let is_client = header("authorization") == "Basic c2hvcDpjbGllbnQtc2VjcmV0"
                    && asked.body == "grant_type=client_credentials&scope=pay";
                let token =
                    json!({"access_token": format!("token-{earlier}"), "token_type": "Bearer", "expires_in": 600});
                if is_client { (200, token.to_string()) } else { (401, "{}".to_owned()) }
            }
            "/oauth2" => right(header("authorization") == "Bearer token-0"),
            // The token that served until now has been revoked.
            "/oauth2-again" if header("authorization") == "Bearer token-0" => (401, "{}".to_owned()),
            "/oauth2-again" => right(header("authorization") == "Bearer token-1"),
            "/hmac" => right(header("x-signature") == PLAIN_BODY),
            "/fill" => right(header("x-signature") == FILLED_BODY && asked.body == FILLED),
            "/blob" => {
                let state = json!({"payment": {"state": "cGFpZA=="}, "padding": "x".repeat(100_000)});
                (200, state.to_string())
            }
            "/verify" => {
                extra = format!("x-signature: {SIGNED}\r\nx-seen: {}\r\n", header("authorization"));
                (200, "signed answer".to_owned())
            }
            "/busy" if earlier < 2 => (503, "{}".to_owned()),
            "/forged" => (500, "{}".to_owned()),
            _ => (200, "{}".to_owned()),
        };
        let head =
            format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\nconnection: close\r\n{extra}\r\n", body.len());
        // Who has gone away needs no answer.
        let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await;
    }

    fn of(&self, path: &str) -> Vec<Asked> {
        self.asked.lock().expect("nobody fails with it").iter().filter(|asked| asked.path == path).cloned().collect()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.lines();
        let path = lines.next()?.split_whitespace().nth(1)?.to_owned();
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let headers: HashMap<_, _> = lines.filter_map(header).collect();
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            return Some(Asked { path, headers, body: body.to_owned() });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_can_ask_for_everything_there_is() {
    let provider = Provider::start().await;
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(1_000).await);
    uploaded(client, "cases", &admin::fixture("fixture_adapter_cases")).await;
    for (name, value) in [("api_key", "the-key"), ("client", "client-secret"), ("signing", "signing-key")] {
        client.put(&format!("/secrets/{name}"), &json!({"value": value})).await;
    }
    let host = provider.url.trim_start_matches("http://");
    let binding = |fields: &[&str]| json!({"plugin": "cases", "config": {"base_url": provider.url}, "hosts": [host], "fields": fields, "secrets": ["api_key", "client", "signing"]});
    let granted = ["name", "street", "email"];
    client.bind("payment/main", &binding(&granted)).await.expect(200);
    let basket = |case: &str| {
        let to = json!({"country": "US", "region": "TX", "name": "Ann \"B\" Lee", "street": "1 Main St"});
        let members = json!({"shipping_address": to, "customer": {"email": "ann@shop.example"}});
        basket::paid_with(basket::with(basket::of(&sku, 1), members), case)
    };
    eventually("the adapter is in force", async || {
        let id = client.placed(&basket("bearer")).await;
        let order = client.order_when(&id, "the payment ends", |order| order["status"] != "payment_pending").await;
        if provider.of("/bearer").is_empty() { Err(order.to_string()) } else { Ok(()) }
    })
    .await;

    for case in [
        "bearer",
        "basic",
        "api-key",
        "oauth2",
        "oauth2-again",
        "hmac",
        "fill",
        "blob",
        "verify",
        "action",
        "wait",
        "busy",
        "get",
    ] {
        let id = client.placed(&basket(case)).await;
        let order = client.order_when(&id, "the payment ends", |order| order["payment"]["status"] != "pending").await;
        if case == "action" {
            let action = &order["payment"]["next_action"];
            assert_eq!(action["url"], format!("{}/confirm", provider.url), "{order}");
        }
        let order = client.order_in(&id, "payment_confirmed").await;
        assert_eq!(order["payment"]["captured"], order["total"], "{case}: {order}");
        nothing_personal(&client.decisions(&id).await, case);
    }
    assert_eq!(provider.of("/token").len(), 2, "a token serves as long as it is accepted");
    assert_eq!(provider.of("/oauth2-again").len(), 2);
    assert_eq!(provider.of("/fill")[0].body, FILLED);
    assert_eq!(provider.of("/busy").len(), 3, "what cannot be done now is done later");
    let keys: Vec<_> = provider.of("/busy").iter().map(|asked| asked.headers["idempotency-key"].clone()).collect();
    assert!(keys[0] == keys[1] && keys[1] == keys[2], "{keys:?}");

    // What fails says why, and nothing is paid.
    for (case, code) in [("declined", "insufficient_funds"), ("forged", "provider_error")] {
        let id = client.placed(&basket(case)).await;
        let order = client.order_in(&id, "payment_failed").await;
        assert_eq!(order["payment"]["decline_code"], code, "{order}");
    }
    client.bind("payment/main", &binding(&["name"])).await.expect(200);
    let refused = eventually("the grant is taken back", async || {
        let id = client.placed(&basket("fill")).await;
        let order = client.order_when(&id, "the payment ends", |order| order["status"] != "payment_pending").await;
        if order["status"] == "payment_failed" { Ok(id) } else { Err(order.to_string()) }
    })
    .await;
    let said = json!(client.decisions(&refused).await).to_string();
    assert!(said.contains("was not granted"), "{said}");
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_nothing_is_sent_and_it_is_asked_for_again() {
    let faults = &[Fault::HangsUp, Fault::Busy, Fault::SomethingElse, Fault::OtherType, Fault::Endless];
    let provider = Provider::start_with(faults).await;
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(10).await);
    uploaded(client, "cases", &admin::fixture("fixture_adapter_cases")).await;
    client.put("/secrets/client", &json!({"value": "client-secret"})).await;
    let host = provider.url.trim_start_matches("http://");
    let binding = json!({
        "plugin": "cases", "config": {"base_url": provider.url}, "hosts": [host], "fields": [], "secrets": ["client"]
    });
    client.bind("payment/main", &binding).await.expect(200);
    let paid = eventually("the adapter is in force", async || {
        let id = client.placed(&basket::paid_with(basket::of(&sku, 1), "oauth2")).await;
        let was_asked = || !provider.of("/token").is_empty();
        let order = client
            .order_when(&id, "somebody is asked", |order| was_asked() || order["status"] != "payment_pending")
            .await;
        if was_asked() { Ok(id) } else { Err(order.to_string()) }
    })
    .await;
    let order = client.order_in(&paid, "payment_confirmed").await;
    assert_eq!(order["payment"]["captured"], order["total"]);
    assert_eq!(provider.of("/token").len(), faults.len() + 1);
    assert!(provider.of("/oauth2").iter().all(|asked| asked.headers["authorization"] == "Bearer token-0"));
    nothing_personal(&client.decisions(&paid).await, "oauth2");
    server.stop();
    admin::verify(server.folder());
}

/// The host fills names and addresses in; the adapter, its transcript and the decisions never have them.
fn nothing_personal(decisions: &[Value], case: &str) {
    let kept = json!(decisions).to_string();
    for personal in ["Ann", "1 Main St", "ann@shop", "the-key", "client-secret", "signing-key", "token-0"] {
        assert!(!kept.contains(personal), "{case}: {personal} is in {kept}");
    }
}
