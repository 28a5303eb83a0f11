//! Uploads and back-tests that take long, are too large, or are broken off.

use std::time::Duration;

use e2e::client::{Request, order_id};
use e2e::{Server, Shop, admin, basket, eventually};
use serde_json::{Value, json};

/// One byte more than a component may have.
const TOO_LARGE: usize = (32 << 20) + 1;

fn policy(name: &str) -> Vec<u8> {
    std::fs::read(admin::policy(name)).expect("the policies are built")
}

/// The accepting policy with a module in it that it does not need, of so many functions that a core has work for seconds.
fn long_to_compile(functions: usize) -> Vec<u8> {
    let number = |value: usize| (0..5).map(move |n| (value >> (7 * n)) as u8 & 0x7f | if n < 4 { 0x80 } else { 0 });
    let sized = |content: &[u8]| number(content.len()).chain(content.iter().copied()).collect::<Vec<u8>>();
    let section = |id: u8, content: &[u8]| [&[id], sized(content).as_slice()].concat();
    // A function of one parameter: local.get 0, then `i32.const 7, i32.mul, local.get 0, i32.xor` again and again.
    let body = [&[0, 0x20, 0][..], &[0x41, 7, 0x6c, 0x20, 0, 0x73].repeat(20), &[0x0b]].concat();
    let many = |each: &[u8]| number(functions).chain(each.repeat(functions)).collect::<Vec<u8>>();
    let module = [
        b"\0asm\x01\0\0\0".as_slice(),
        &section(1, &[1, 0x60, 1, 0x7f, 1, 0x7f]),
        &section(3, &many(&[0])),
        &section(10, &many(&sized(&body))),
    ];
    [policy("risk_rules"), section(1, &module.concat())].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let mut server = Server::start();
    let client = &server.client();
    let refused = client.upload("large", vec![0; TOO_LARGE]).await;
    refused.expect_refusal(413, "body_too_large");
    assert!(refused.is_problem() && refused.body["detail"].to_string().contains("33554432 bytes"), "{}", refused.text);
    // As large as may be, and none of what counts: refused for what it is.
    let refused = client.upload("large", vec![0; TOO_LARGE - 1]).await;
    refused.expect_refusal(422, "component_refused");
    assert!(refused.body["reasons"][0].to_string().contains("not WebAssembly"), "{}", refused.text);
    let refused = client.upload("large", long_to_compile(100_001)).await;
    refused.expect_refusal(422, "component_refused");
    assert!(refused.body["reasons"][0].to_string().contains("at most 100000 are allowed"), "{}", refused.text);
    let kept = client.all("/plugins").await;
    assert!(kept.iter().all(|plugin| plugin["name"] != "large"), "nothing of it is kept: {kept:?}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_still_compiled_is_taken_up_again_after_a_crash() {
    let mut server = Server::start();
    let client = server.client();
    let reply = client.upload("long", long_to_compile(30_000)).await;
    let place = reply.header("location").to_owned();
    let version = reply.expect(202);
    assert_eq!((&version["status"], &version["version"]), (&json!("compiling"), &json!("1")), "{version}");
    let id = version["plugin_id"].as_str().expect("an id").to_owned();
    assert_eq!(place, format!("/api/v1/plugins/{id}/versions/1"));
    let bind =
        Request::new("PUT", "/hooks/risk").json(&json!({"plugin": "long", "fields": []})).header("if-match", "*");
    client.call(bind.clone()).await.expect_refusal(409, "version_not_ready");
    // The same again is the version that is under way, and is not compiled twice.
    let again = client.upload("long", long_to_compile(30_000)).await.expect(202);
    assert_eq!(again["version"], "1");

    server.kill();
    server.restart();
    let client = server.client();
    let ready = eventually("the version is ready", async || {
        let version = client.get(&format!("/plugins/{id}")).await.expect(200);
        if version["status"] == "compiling" { Err(version.to_string()) } else { Ok(version) }
    })
    .await;
    assert_eq!(ready["status"], "ready", "{ready}");
    assert!(ready["checks"].to_string().contains("kept the hook's laws"), "{ready}");
    client.call(bind).await.expect(200);
    let shop = Shop::open(client).await;
    let sku = shop.stocked(100).await;
    eventually("it decides", async || {
        let order = order_id(&shop.client.place(&basket::of(&sku, 1)).await.expect(201));
        let decisions = shop.client.decisions(&order).await;
        let risk = decisions.into_iter().find(|decision| decision["hook"] == "risk").expect("risk was asked");
        let is_so = (&risk["plugin"], &risk["outcome"]) == (&json!("long"), &json!("ok"));
        if is_so { Ok(()) } else { Err(risk.to_string()) }
    })
    .await;
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_test_that_runs_is_cancelled() {
    // The more cores, the more of a second may a merchant's slow policies take.
    let orders = 75 * std::thread::available_parallelism().map_or(2, usize::from) as u64;
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(1_000).await);
    for _ in 0..orders {
        client.placed(&basket::of(&sku, 1)).await;
    }
    let slow = std::fs::read(admin::fixture("fixture_slow")).expect("the fixtures are built");
    let version = client.upload("slow", slow).await.expect(201);
    let id = version["plugin_id"].as_str().expect("an id");
    // Some ten of them a second are within what a merchant's slow policies may take: longer than the answer waits.
    let body = json!({"config": {"turns": 500_000}});
    let reply = client.call(Request::new("POST", &format!("/plugins/{id}/versions/1/backtest")).json(&body)).await;
    let place = reply.header("location").trim_start_matches("/api/v1").to_owned();
    let running = reply.expect(202);
    assert_eq!(running["status"], "running", "{running}");
    let done = |test: &Value| test["decisions"].as_u64().expect("a number");
    assert!((1..orders).contains(&done(&running)), "{running}");

    let cancel = async || client.call(Request::new("DELETE", &place)).await;
    assert_eq!(cancel().await.status, 204);
    let cancelled = eventually("it is cancelled", async || {
        let test = client.get(&place).await.expect(200);
        if test["status"] == "running" { Err(test.to_string()) } else { Ok(test) }
    })
    .await;
    assert_eq!((&cancelled["status"], &cancelled["report"]), (&json!("cancelled"), &Value::Null), "{cancelled}");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(client.get(&place).await.expect(200), cancelled, "it goes no further");
    assert!(done(&cancelled) < orders, "{cancelled}");
    assert_eq!(cancel().await.status, 204, "once more changes nothing");
    // Orders are taken as before.
    client.placed(&basket::of(&sku, 1)).await;
    server.stop();
}
