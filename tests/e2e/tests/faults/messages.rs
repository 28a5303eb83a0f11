//! Kills around the commits of what tells: no event is told of twice, and none is left out.

use e2e::admin::{self, Binding};
use e2e::client::{Request, order_id, rows};
use e2e::server::Folder;
use e2e::{Options, Server, Shop, basket, eventually};
use serde_json::{Value, json};

/// Orders placed before each kill, and after the last.
const ORDERS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_told_of_once_over_kills_around_the_commits() {
    let folder = Folder::new();
    let tenant = admin::create_tenant(&folder, "talkative");
    let file = admin::policy("notification_texts");
    let bound =
        Binding { tenant: &tenant.tenant, hook: "notification", file, on_failure: "fallback", config: json!({}) };
    admin::bind(&folder, &bound);
    let mut server = Server::start_in(folder, Options::new());
    let sku = Shop::open(server.client_with(&tenant.api_key)).await.stocked(100_000).await;
    let basket = basket::for_free(&sku, 1);
    let mut orders = Vec::new();
    let points = ["announce.before_note", "announce.after_note", "announce.before_commit", "announce.after_commit"];
    for (point, passage) in points.into_iter().flat_map(|point| [(point, 1), (point, 2)]) {
        server.kill();
        // What is left over may bring it to the point at once: then it is as if it had died there later.
        if server.try_restart(Options::new().kill_at(point, passage)).is_ok() {
            let client = server.client_with(&tenant.api_key);
            // Orders are acknowledged until it dies; what was not acknowledged may be there too.
            for number in 0.. {
                let key = format!("{point}-{passage}-{number}");
                match client.try_send(&Request::new("POST", "/orders").json(&basket).key(&key)).await {
                    Ok(reply) => orders.push(order_id(&reply.expect(201))),
                    Err(_) => break,
                }
                assert!(number < 100_000, "{point} is never passed");
            }
            server.died().await;
        }
        server.restart_with(Options::new());
    }
    let client = server.client_with(&tenant.api_key);
    for _ in 0..ORDERS {
        orders.push(client.placed(&basket).await);
    }
    assert!(orders.len() > ORDERS, "none was acknowledged before a kill");
    for order in &orders {
        let events = rows(&client.get(&format!("/orders/{order}/events")).await.expect(200)).len();
        let asked = eventually("all its events are asked about", async || {
            let mut made: Vec<Value> = client.decisions(order).await;
            made.retain(|made| made["hook"] == "notification");
            if made.len() >= events { Ok(made) } else { Err(json!(made).to_string()) }
        })
        .await;
        let versions: Vec<_> = asked.iter().filter_map(|made| made["input"]["event"]["version"].as_u64()).collect();
        assert_eq!(versions, (1..=events as u64).collect::<Vec<_>>(), "each once, in their order: {order}");
        let told = rows(&client.get(&format!("/orders/{order}/messages")).await.expect(200));
        let of_placement = told.iter().filter(|message| message["event"] == "order.placed").count();
        assert_eq!((of_placement, told.len()), (1, 1), "{told:?}");
    }
    server.stop();
    admin::verify(server.folder());
}
