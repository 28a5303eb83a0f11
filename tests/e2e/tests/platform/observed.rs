//! What a plugin writes and takes in earnest, through the interface and the command line.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use e2e::client::{Request, escape, rows};
use e2e::server::Folder;
use e2e::{Client, Options, Server, Shop, admin, basket, eventually, process};
use serde_json::{Value, json};

use super::plugins::{fixture, plugin};

fn texts(lines: &[Value]) -> Vec<(String, String)> {
    let text = |line: &Value, name: &str| line[name].as_str().expect("a text").to_owned();
    lines.iter().map(|line| (text(line, "decision_id"), text(line, "message"))).collect()
}

/// The risk decisions about orders as they are recorded.
async fn recorded(client: &Client, orders: &[String]) -> Vec<Value> {
    let mut all = Vec::new();
    for order in orders {
        all.extend(client.decisions(order).await.into_iter().filter(|decision| decision["plugin"] == "noisy"));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_wrote_and_took_is_what_its_decisions_say() {
    let folder = Folder::new();
    let stranger = admin::create_tenant(&folder, "stranger");
    let server = Server::start_in(folder, Options::new());
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(10_000).await);
    let made = client.upload("noisy", fixture("fixture_log_flood")).await;
    assert!(matches!(made.status, 201 | 202), "{}", made.text);
    let id = made.body["plugin_id"].as_str().expect("an id").to_owned();
    eventually("its checks are over", async || {
        let version = client.get(&format!("/plugins/{id}")).await.expect(200);
        if version["status"] == "ready" { Ok(()) } else { Err(version.to_string()) }
    })
    .await;
    let (logs, metrics) = (format!("/plugins/{id}/logs"), format!("/plugins/{id}/metrics"));
    let nothing = client.get(&logs).await.expect(200);
    assert_eq!((&nothing["data"], &nothing["next_cursor"]), (&json!([]), &Value::Null));
    assert_eq!(client.get(&metrics).await.expect(200)["data"], json!([]));

    let bind = Request::new("PUT", "/hooks/risk").json(&json!({"plugin": "noisy"})).header("if-match", "*");
    client.call(bind).await.expect(200);
    let mut orders = Vec::new();
    while recorded(client, &orders).await.len() < 5 {
        orders.push(client.placed(&basket::of(&sku, 1)).await);
    }
    let decisions = recorded(client, &orders).await;
    let mut expected: Vec<(String, String)> = Vec::new();
    for decision in decisions.iter().rev() {
        let own = decision["logs"].as_array().expect("a log");
        let id = decision["decision_id"].as_str().expect("an id");
        expected
            .extend(own.iter().rev().map(|line| (id.to_owned(), line["message"].as_str().expect("a text").to_owned())));
    }
    assert!(expected.len() > 50, "it writes a lot");

    // Page by page, whatever their size, newest first.
    for limit in [7, 200] {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client.get(&format!("{logs}?limit={limit}{cursor}")).await.expect(200);
            all.extend(rows(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={}", escape(next));
        }
        assert_eq!(texts(&all), expected, "pages of {limit}");
    }
    let first = &rows(&client.get(&logs).await.expect(200))[0];
    assert_eq!(
        (&first["hook"], &first["version"], &first["level"], &first["role"], &first["source"]),
        (&json!("risk"), &json!("1"), &json!("warn"), &json!("active"), &json!("plugin"))
    );
    for narrower in ["level=error", "version=2"] {
        assert_eq!(client.get(&format!("{logs}?{narrower}")).await.expect(200)["data"], json!([]), "{narrower}");
    }

    // What comes later comes to whoever follows, oldest first and once.
    let follow = async |place: &str| client.get(&format!("{logs}?limit=9&after={}", escape(place))).await.expect(200);
    let mut place = nothing["follow"].as_str().expect("a place").to_owned();
    let mut followed = Vec::new();
    loop {
        let page = follow(&place).await;
        followed.extend(rows(&page));
        place = page["follow"].as_str().expect("a place").to_owned();
        if page["next_cursor"].is_null() {
            break;
        }
    }
    followed.reverse();
    assert_eq!(texts(&followed), expected);
    assert_eq!(follow(&place).await["data"], json!([]));
    let later = client.placed(&basket::of(&sku, 1)).await;
    let lines = rows(&follow(&place).await);
    assert!(!lines.is_empty() && lines.iter().all(|line| line["order_id"] == json!(later)), "{lines:?}");
    orders.push(later);

    // The figures are those of the decisions.
    let decisions = recorded(client, &orders).await;
    let told = client.get(&metrics).await.expect(200);
    let total = &told["data"][0]["total"];
    let sum = |name: &str| decisions.iter().map(|decision| decision[name].as_u64().expect("a count")).sum::<u64>();
    let mut took: Vec<u64> =
        decisions.iter().map(|decision| decision["duration_us"].as_u64().expect("a time")).collect();
    took.sort_unstable();
    let expected = json!({"calls": decisions.len(), "failures": {}, "fuel": sum("fuel"),
        "duration_us_p50": took[(took.len() - 1) / 2], "duration_us_p99": took[took.len() - 1]});
    assert_eq!(total, &expected, "{told}");
    let buckets = told["data"][0]["buckets"].as_array().expect("pieces");
    assert_eq!(
        buckets.iter().map(|piece| piece["calls"].as_u64().expect("a count")).sum::<u64>(),
        decisions.len() as u64
    );
    assert_eq!(client.get(&format!("{metrics}?from=2020-01-01&to=2020-01-02")).await.expect(200)["data"], json!([]));

    // Another merchant sees neither, and places are each merchant's own.
    let theirs = server.client_with(&stranger.api_key);
    for path in [&logs, &metrics] {
        theirs.get(path).await.expect_refusal(404, "not_found");
    }
    theirs.get(&format!("{logs}?after={}", escape(&place))).await.expect_refusal(400, "invalid_cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_shown_and_followed_on_the_command_line() {
    let folder = Folder::new();
    let tenant = admin::create_tenant(&folder, "crashing");
    // An operator may install what the gate would refuse.
    let binding = admin::Binding {
        tenant: &tenant.tenant,
        hook: "risk",
        file: admin::fixture("fixture_trap"),
        on_failure: "fallback",
        config: json!({}),
    };
    admin::bind(&folder, &binding);
    let server = Server::start_in(folder, Options::new());
    let shop = Shop::open(server.client_with(&tenant.api_key)).await;
    let (client, sku) = (&shop.client, shop.stocked(100).await);
    let order = client.placed(&basket::of(&sku, 1)).await;
    let name = "own-fixture_trap";

    // Why it failed stands after what it wrote.
    let told = plugin(client, &["logs", name]).await;
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told = String::from_utf8(told.stdout).expect("UTF-8");
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("a line is an object")).collect();
    let last = lines.last().expect("it wrote something");
    assert_eq!((&last["order_id"], &last["level"], &last["source"]), (&json!(order), &json!("error"), &json!("host")));
    assert!(last["message"].as_str().is_some_and(|message| message.starts_with("trap")), "{last}");
    assert!(lines.iter().any(|line| line["source"] == "plugin"), "{told}");
    let plugins = rows(&client.get("/plugins").await.expect(200));
    let id = plugins.iter().find(|plugin| plugin["name"] == name).expect("it is listed")["plugin_id"].clone();
    let id = id.as_str().expect("an id");
    let metrics = client.get(&format!("/plugins/{id}/metrics")).await.expect(200);
    assert_eq!(metrics["data"][0]["total"]["failures"], json!({"trap": 1}), "{metrics}");
    let none = plugin(client, &["logs", &format!("{name}@2")]).await;
    assert!(none.status.success() && none.stdout.is_empty());

    let base = client.url().trim_end_matches("/api/v1").to_owned();
    let mut command = Command::new(process::orderwright());
    command.args(["plugin", "logs", name, "--follow", "--level", "error", "--limit", "1"]);
    command.args(["--url", &base, "--key", client.api_key()]).stdout(Stdio::piped());
    let mut following = command.spawn().expect("it starts");
    let (sender, mut shown) = tokio::sync::mpsc::channel(100);
    let stdout = BufReader::new(following.stdout.take().expect("a pipe"));
    std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.blocking_send(line)));
    let first = shown.recv().await.expect("the newest line");
    assert!(first.contains(&order) && first.contains("error"), "{first}");
    let mut orders = BTreeSet::new();
    for _ in 0..3 {
        orders.insert(client.placed(&basket::of(&sku, 1)).await);
    }
    // The clock of the test's runner ends it where a line does not come.
    while !orders.is_empty() {
        let line = shown.recv().await.expect("it goes on");
        let order = line.split_whitespace().find(|word| word.starts_with("ord_")).expect("an order").to_owned();
        assert!(orders.remove(&order) || line.contains("error"), "{line}");
    }
    following.kill().expect("it runs");
    following.wait().expect("it ends");
}
