//! Merchants' plugins from the upload to deciding, through the interface and the command line.

use std::path::Path;
use std::process::{Command, Output};

use e2e::admin::Binding;
use e2e::client::{Request, order_id};
use e2e::server::Folder;
use e2e::{Client, Options, Server, Shop, admin, basket, eventually, process};
use serde_json::{Value, json};

fn component(name: &str) -> Vec<u8> {
    std::fs::read(admin::policy(name)).expect("the policies are built")
}

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(admin::fixture(name)).expect("the fixtures are built")
}

/// `orderwright plugin …` with JSON as its answer.
pub async fn plugin(client: &Client, arguments: &[&str]) -> Output {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let base = client.url().trim_end_matches("/api/v1").to_owned();
    let key = client.api_key().to_owned();
    let run = move || {
        let mut command = Command::new(process::orderwright());
        command.arg("plugin").args(arguments).args(["--url", &base, "--key", &key, "--json"]).output()
    };
    tokio::task::spawn_blocking(run).await.expect("it runs").expect("it starts")
}

pub fn answer(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// A decision of an order.
async fn decision(client: &Client, order: &str, hook: &str) -> Value {
    let decisions = client.decisions(order).await;
    decisions.into_iter().find(|decision| decision["hook"] == hook).expect("the policy was asked")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_tried_on_history_before_it_decides() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(10_000).await);
    let mut orders = Vec::new();
    for number in 0..60 {
        orders.push(client.placed(&basket::of(&sku, 1 + number % 6)).await);
    }

    let first = client.upload("my-risk", component("risk_rules")).await.expect(201);
    assert_eq!((&first["hook"], &first["version"], &first["status"]), (&json!("risk"), &json!("1"), &json!("ready")));
    assert!(first["checks"].to_string().contains("kept the hook's laws"), "{first}");
    let again = client.upload("my-risk", component("risk_rules")).await.expect(201);
    assert_eq!(again["version"], "1", "the same component is the version that it was");
    client.upload("my-risk", component("tax_table")).await.expect_refusal(409, "other_hook");

    // Nothing would be different: it is the component that has decided. With a stricter configuration the orders of three
    // units and more would wait for a person.
    let id = first["plugin_id"].as_str().expect("an id");
    let path = format!("/plugins/{id}/versions/1/backtest");
    let test = client.call(Request::new("POST", &path)).await.expect(200);
    let report = &test["report"];
    assert_eq!(
        (&test["status"], &report["decisions"], &report["differing"]),
        (&json!("finished"), &json!(60), &json!(0))
    );
    assert_eq!(report["before"], report["now"]);
    let strict = json!({"review_quantity": 3});
    let told = plugin(client, &["backtest", "my-risk", "--config", &strict.to_string()]).await;
    let test = answer(&told);
    let report = &test["report"];
    assert_eq!((&report["decisions"], &report["differing"]), (&json!(60), &json!(40)), "{test}");
    assert_eq!(report["before"]["verdicts"], json!({"accept": 60}));
    assert_eq!(report["now"]["verdicts"], json!({"accept": 20, "review": 40}));
    assert_eq!(report["changed_most"].as_array().map(Vec::len), Some(20));
    let kept = client.get(&format!("/backtests/{}", test["backtest_id"].as_str().expect("an id"))).await.expect(200);
    assert_eq!(kept["report"], test["report"]);
    let span = json!({"to": "2020-01-01", "limit": 5});
    let none = client.call(Request::new("POST", &path).json(&span)).await.expect(200);
    assert_eq!(none["report"]["decisions"], 0);

    // Each decision of an order comes out the same again; a dry run with its input does too.
    for made in client.decisions(&orders[5]).await {
        let id = made["decision_id"].as_str().expect("an id");
        let replayed = plugin(client, &["replay", id]).await;
        assert!(replayed.status.success(), "{}", answer(&replayed));
    }
    let made = decision(client, &orders[5], "risk").await;
    let run = Request::new("POST", &format!("/plugins/{id}/versions/1/run")).json(&json!({"input": made["input"]}));
    let ran = client.call(run).await.expect(200);
    assert_eq!((&ran["outcome"], &ran["output"]), (&json!("ok"), &made["output"]));

    // Bound, it decides within a second; taken back, the reference policy does again.
    let file = admin::policy("risk_rules");
    let file = file.to_str().expect("a path in UTF-8");
    let config = strict.to_string();
    let pushed =
        plugin(client, &["push", file, "--name", "my-risk", "--activate", "--allow", "all", "--config", &config]).await;
    assert!(pushed.status.success(), "{pushed:?}");
    assert_eq!(answer(&pushed)["hook"]["plugin"], "my-risk");
    let status = async |quantity, wanted: &str| {
        eventually("the policy decides", async || {
            let order = client.place(&basket::of(&sku, quantity)).await.expect(201);
            if order["status"] == wanted { Ok(order) } else { Err(order.to_string()) }
        })
        .await
    };
    let parked = status(3, "placed").await;
    assert_eq!(parked["holds"][0]["source"], "risk");
    assert_eq!(decision(client, &order_id(&parked), "risk").await["plugin"], "my-risk");
    let bound = client.get("/hooks/risk").await.expect(200);
    assert_eq!((&bound["config"], &bound["version"], &bound["actor"]), (&strict, &json!("1"), &json!("demo key")));
    assert!(plugin(client, &["rollback", "risk"]).await.status.success());
    let order = status(3, "payment_pending").await;
    assert_eq!(decision(client, &order_id(&order), "risk").await["plugin"], "risk-rules");

    // The built-in default can be bound like any other, and everything outlives a restart.
    let native = Request::new("PUT", "/hooks/risk").json(&json!({"plugin": "native"})).header("if-match", "*");
    client.call(native).await.expect(200);
    server.stop();
    server.restart();
    let client = &server.client();
    assert_eq!(client.get("/hooks/risk").await.expect(200)["plugin"], "native");
    assert_eq!(client.get(&format!("/plugins/{id}")).await.expect(200), again);
    let order = client.placed(&basket::of(&sku, 3)).await;
    assert!(client.decisions(&order).await.iter().all(|decision| decision["hook"] != "risk"));
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_policy_is_refused_with_every_reason() {
    let mut server = Server::start();
    let client = &server.client();
    let whole = component("routing_nearest");
    let cut = whole[..whole.len() / 2].to_vec();
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("text", b"fn main() {}".to_vec(), "not WebAssembly"),
        ("module", b"\0asm\x01\0\0\0".to_vec(), "core module, not a component"),
        ("cut", cut, "damaged"),
        // The smallest questions that they answer wrongly.
        ("nonsense", fixture("fixture_nonsense_routing"), "asked about 1 lines"),
        ("negative", fixture("fixture_negative_tax"), "negative"),
        ("trap", fixture("fixture_trap"), "crashed"),
        ("loop", fixture("fixture_loop_forever"), "instructions are used up"),
        ("memory", fixture("fixture_grab_memory"), "memory"),
        ("output", fixture("fixture_output_bomb"), "asked about"),
    ];
    for (name, wasm, reason) in cases {
        let refused = client.upload(name, wasm).await;
        refused.expect_refusal(422, "component_refused");
        assert!(
            refused.body["reasons"][0].as_str().is_some_and(|said| said.contains(reason)),
            "{name}: {}",
            refused.text
        );
    }
    // What was compiled before it was refused stays to be seen, and cannot be bound.
    let listed = e2e::client::rows(&client.get("/plugins").await.expect(200));
    let trap = listed.iter().find(|plugin| plugin["name"] == "trap").expect("it was compiled");
    assert_eq!((&trap["status"], &trap["hook"]), (&json!("refused"), &json!("risk")));
    let bind = Request::new("PUT", "/hooks/risk").json(&json!({"plugin": "trap"})).header("if-match", "*");
    client.call(bind).await.expect_refusal(409, "version_not_ready");
    assert!(listed.iter().all(|plugin| plugin["name"] != "text"));

    let pushed =
        plugin(client, &["push", admin::fixture("fixture_trap").to_str().expect("UTF-8"), "--name", "trap"]).await;
    assert!(!pushed.status.success());
    assert!(answer(&pushed)["reasons"][0].as_str().is_some_and(|said| said.contains("crashed")));
    let missing = plugin(client, &["push", Path::new("/nowhere.wasm").to_str().expect("UTF-8"), "--name", "x"]).await;
    assert!(String::from_utf8_lossy(&missing.stderr).contains("cannot be read"));
    server.stop();
}

/// A component under another file name, so that several are versions of one plugin.
fn renamed(folder: &tempfile::TempDir, part: &str, wasm: &[u8]) -> std::path::PathBuf {
    let part = folder.path().join(part);
    std::fs::create_dir_all(&part).expect("a folder");
    let file = part.join("both.wasm");
    std::fs::write(&file, wasm).expect("a file");
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_decides_beside_or_for_a_share_and_is_taken_back_where_it_fails() {
    let (folder, files) = (Folder::new(), tempfile::tempdir().expect("a folder"));
    let tenant = admin::create_tenant(&folder, "trying");
    // An operator may install what the gate would refuse: version 1 crashes at every order, version 2 accepts them all.
    for (part, wasm) in [("1", fixture("fixture_trap")), ("2", component("risk_rules"))] {
        let file = renamed(&files, part, &wasm);
        let config = json!({});
        admin::bind(&folder, &Binding { tenant: &tenant.tenant, hook: "risk", file, on_failure: "fallback", config });
    }
    let mut server = Server::start_in(folder, Options::new());
    let shop = Shop::open(server.client_with(&tenant.api_key)).await;
    let (client, sku) = (&shop.client, shop.stocked(10_000).await);
    let bind = async |candidate: Value| {
        let body = json!({"plugin": "own-both", "version": "2", "on_failure": "fallback", "candidate": candidate});
        let request = Request::new("PUT", "/hooks/risk").json(&body).header("if-match", "*");
        client.call(request).await.expect(200)
    };
    let candidate = async || client.get("/hooks/risk").await.expect(200)["candidate"].clone();
    let roles = async |order: &str| -> Vec<(String, String)> {
        let decisions = client.decisions(order).await.into_iter().filter(|decision| decision["hook"] == "risk");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        decisions.map(|decision| (text(&decision["role"]), text(&decision["outcome"]))).collect()
    };

    // Beside: what counts is what is bound, and every difference is kept.
    let bound = bind(json!({"version": "1", "mode": "shadow"})).await;
    assert_eq!((&bound["version"], &bound["candidate"]["mode"]), (&json!("2"), &json!("shadow")));
    let first = eventually("the candidate is asked", async || {
        let order = client.placed(&basket::of(&sku, 1)).await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let roles = roles(&order).await;
        if roles.len() == 2 { Ok(roles) } else { Err(format!("{roles:?}")) }
    })
    .await;
    assert_eq!(first, [("active".to_owned(), "ok".to_owned()), ("shadow".to_owned(), "trap".to_owned())]);
    for _ in 0..9 {
        client.placed(&basket::of(&sku, 1)).await;
    }
    eventually("all are compared", async || {
        let compared = candidate().await["compared"].clone();
        let all = compared["pairs"].as_u64() >= Some(10)
            && compared["pairs"] == compared["differing"]
            && compared["pairs"] == compared["failed"];
        if all { Ok(()) } else { Err(compared.to_string()) }
    })
    .await;
    let listed = answer(&plugin(client, &["list"]).await);
    assert!(listed["hooks"].to_string().contains("\"differing\""), "{listed}");

    // For a share: it fails, the failure policy decides, and it is taken back without anybody's doing.
    let salted = bind(json!({"version": "1", "mode": "canary", "percent": 50})).await;
    assert_eq!(salted["candidate"]["percent"], 50);
    let mut orders = Vec::new();
    let taken_back = loop {
        for _ in 0..10 {
            orders.push(client.placed(&basket::of(&sku, 1)).await);
        }
        let hook = client.get("/hooks/risk").await.expect(200);
        if hook["candidate"].is_null() {
            break hook;
        }
        assert!(orders.len() < 2000, "the canary is never taken back: {hook}");
    };
    assert_eq!(taken_back["version"], "2");
    assert!(taken_back["actor"].as_str().is_some_and(|actor| actor.starts_with("automatic rollback")), "{taken_back}");
    let mut canaries = 0;
    for order in &orders {
        let counted: Vec<_> = roles(order).await.into_iter().filter(|(role, _)| role != "shadow").collect();
        assert_eq!(counted.len(), 1, "{counted:?}");
        canaries += usize::from(counted[0] == ("canary".to_owned(), "trap".to_owned()));
    }
    assert!(canaries >= 20, "it is judged by twenty calls at least: {canaries} of {}", orders.len());

    // Promoted, it decides everything; taken back by hand, nothing.
    client.call(Request::new("POST", "/hooks/risk/promote")).await.expect_refusal(409, "nothing_to_promote");
    bind(json!({"version": "1", "mode": "shadow"})).await;
    assert!(plugin(client, &["promote", "risk"]).await.status.success());
    let hook = client.get("/hooks/risk").await.expect(200);
    assert_eq!((&hook["version"], &hook["candidate"]), (&json!("1"), &Value::Null));
    assert!(plugin(client, &["rollback", "risk"]).await.status.success());
    assert_eq!(client.get("/hooks/risk").await.expect(200)["version"], "2");
    server.stop();
    admin::verify(server.folder());
}
