//! How often a merchant may ask.

use e2e::client::Request;
use e2e::{Options, Server, basket, unique};

use super::{assert_problem, keyed};

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_back() {
    // So long a window that nothing comes back while the test runs.
    let mut server = Server::start_with(Options::new().flags("--rate-limit 5/3600"));
    let client = server.client();
    let get = || Request::new("GET", "/orders");
    for left in (0..5).rev() {
        let reply = client.send(get()).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.header("ratelimit-policy"), "\"burst\";q=5;w=3600");
        assert!(reply.header("ratelimit").starts_with(&format!("\"burst\";r={left};t=")), "{:?}", reply.headers);
    }
    let refused = client.send(get()).await;
    assert_problem("one too many", &refused);
    refused.expect_refusal(429, "rate_limited");
    let seconds: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=720).contains(&seconds), "a fifth of the window brings one back: {seconds}");
    assert!(refused.header("ratelimit").starts_with("\"burst\";r=0;t="));

    // Writing has an allowance of its own, and what is refused counts too.
    let key = unique("k");
    for _ in 0..5 {
        let place = keyed("/orders", &basket::of("NOT-THERE", 1));
        client.send(place).await.expect_refusal(422, "out_of_stock");
    }
    let place = Request::new("POST", "/orders").json(&basket::of("MUG-BLUE", 1)).key(&key);
    client.send(place.clone()).await.expect_refusal(429, "rate_limited");
    // Whoever is not known is not counted, and health is asked without a key.
    let stranger = client.with_key("ow_nobody").send(get()).await;
    stranger.expect_refusal(401, "unauthorized");
    let mut health = get();
    for path in ["/livez", "/readyz"] {
        health.path = path.to_owned();
        assert_eq!(client.send(health.clone()).await.status, 200, "{path}");
    }
    // The demo merchant has no limit unless one is given.
    server.stop();
    server.restart_with(Options::new());
    let client = server.client();
    for _ in 0..20 {
        let reply = client.send(get()).await;
        assert_eq!((reply.status, reply.header("ratelimit")), (200, ""), "{}", reply.text);
    }
    let placed = client.send(place).await;
    assert_eq!((placed.status, placed.is_replayed()), (201, false), "a refused key is not used up: {}", placed.text);
}
