//! Many orders in one request.

use e2e::client::Request;
use e2e::{Client, Options, Reply, Server, Shop, admin, basket, unique};
use serde_json::{Value, json};

fn request(lines: &[String], key: &str) -> Request {
    let request = Request::new("POST", "/orders/bulk").key(key).header("content-type", "application/x-ndjson");
    Request { body: Some(lines.join("\n").into_bytes()), ..request }
}

fn answers(reply: &Reply) -> Vec<Value> {
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/x-ndjson"), "{}", reply.text);
    reply.text.lines().map(|line| serde_json::from_str(line).expect("each line is a document")).collect()
}

async fn placed(client: &Client, lines: &[String], key: &str) -> Vec<Value> {
    answers(&client.send(request(lines, key)).await)
}

/// Orders of one unit each.
fn baskets(sku: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|n| basket::with(basket::for_free(sku, 1), json!({"external_id": format!("{sku}-{n}")})).to_string())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_is_answered_as_if_it_had_come_alone() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(100).await);
    let mut lines = baskets(&sku, 3);
    lines.push(String::new());
    lines.push("{".to_owned());
    lines.push(json!({"items": []}).to_string());
    lines.push(basket::for_free(&sku, 1000).to_string());
    let key = unique("bulk");
    let first = placed(client, &lines, &key).await;
    let seen: Vec<_> = first.iter().map(|answer| (answer["line"].as_u64(), answer["status"].as_u64())).collect();
    let expected = [(1, 201), (2, 201), (3, 201), (5, 400), (6, 422), (7, 422)];
    assert_eq!(seen, expected.map(|(line, status)| (Some(line), Some(status))), "{first:?}");
    let problem = |line: usize| &first[line]["problem"];
    assert_eq!((&problem(3)["code"], &problem(4)["code"]), (&json!("malformed_json"), &json!("invalid_request")));
    let pointers: Vec<_> = problem(4)["errors"].as_array().expect("faults").iter().map(|e| &e["pointer"]).collect();
    assert!(pointers.contains(&&json!("/items")) && pointers.len() == 3, "{pointers:?}");
    assert_eq!((&problem(5)["code"], &problem(5)["items"][0]["requested"]), (&json!("out_of_stock"), &json!(1000)));
    assert!(problem(5)["request_id"].as_str().is_some_and(|id| id.starts_with("req_")));
    assert_eq!(client.all("/orders").await.len(), 3);
    let other = placed(client, &lines[..1], &unique("bulk")).await;
    assert_eq!((&other[0]["status"], &other[0]["problem"]["code"]), (&json!(409), &json!("duplicate_external_id")));
    assert_eq!(other[0]["problem"]["order_id"], first[0]["order"]["order_id"]);

    // What was refused is put right, the rest is as it was.
    lines[5] = basket::for_free(&sku, 1).to_string();
    let again = placed(client, &lines, &key).await;
    for line in 0..3 {
        assert_eq!((&again[line]["replayed"], &again[line]["order"]), (&json!(true), &first[line]["order"]));
    }
    assert_eq!((&again[4]["status"], &again[4]["replayed"]), (&json!(201), &json!(false)));
    // The same key for another order is a mistake.
    lines.swap(0, 1);
    let swapped = placed(client, &lines, &key).await;
    assert_eq!(swapped[0]["problem"]["code"], "idempotency_key_reused");
    assert_eq!(client.all("/orders").await.len(), 4);
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_off_goes_on_and_doubles_nothing() {
    const ORDERS: usize = 2_000;
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (sku, key) = (shop.stocked(i64::try_from(ORDERS).expect("small")).await, unique("bulk"));
    let lines = baskets(&sku, ORDERS);
    let (client, asked) = (server.client(), request(&lines, &key));
    let cut_off = tokio::spawn(async move { client.try_send(&asked).await.is_err() });
    e2e::eventually("some are placed", async || {
        let some = server.client().get("/orders?limit=20").await.expect(200)["data"].as_array().map_or(0, Vec::len);
        if some == 20 { Ok(()) } else { Err(some.to_string()) }
    })
    .await;
    server.kill();
    assert!(cut_off.await.expect("it ends"), "the answer breaks off");
    server.restart();
    let before = server.client().all("/orders").await.len();
    assert!((20..ORDERS).contains(&before), "the kill came in the middle: {before}");
    let answers = placed(&server.client(), &lines, &key).await;
    assert!(answers.iter().all(|answer| answer["status"] == 201), "every order is placed in the end");
    let replayed = answers.iter().filter(|answer| answer["replayed"] == true).count();
    assert_eq!((answers.len(), replayed), (ORDERS, before));
    assert_eq!(server.client().all("/orders").await.len(), ORDERS);
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_orders_keep_to_the_merchants_rate() {
    let mut server = Server::start_with(Options::new().flags("--rate-limit 60/1"));
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(1_000).await;
    let began = std::time::Instant::now();
    let answers = placed(&shop.client, &baskets(&sku, 200), &unique("bulk")).await;
    assert!(answers.iter().all(|answer| answer["status"] == 201), "those over the rate wait");
    // A burst of sixty, and sixty a second.
    assert!(began.elapsed().as_secs() >= 2, "200 orders took {:?}", began.elapsed());
    server.stop();
}
