//! The authors' kit: every template made fresh in an empty folder, built, tested, checked, uploaded, and deciding an order.

mod bench;
mod tutorial;

use std::path::PathBuf;

use e2e::{Client, Server, Shop, admin, basket, eventually};
use serde_json::{Value, json};

use crate::kit::bench::Bench;
use crate::plugins::{answer, fixture, plugin};

/// Uploads a project's component and lets it decide; answers its digest.
async fn activated(client: &Client, bench: &Bench, project: &str) -> String {
    let file = bench.component(project);
    let mut arguments = vec!["push", &file, "--name", project, "--activate", "--allow", "all"];
    // An adapter is told where its provider is, and has to be allowed to speak to it.
    let now = client.get("/hooks/payment/main").await.expect(200);
    let config = json!({"base_url": now["config"]["base_url"]}).to_string();
    let (config, host) = (config, now["hosts"][0].as_str().expect("a host").to_owned());
    if project.ends_with("payment") {
        arguments.extend(["--config", &config, "--host", &host, "--secret", "api_key"]);
    }
    let pushed = plugin(client, &arguments).await;
    assert!(pushed.status.success(), "{project}: {pushed:?}");
    answer(&pushed)["plugin"]["digest"].as_str().expect("a digest").to_owned()
}

/// Waits until a decision of the order is this component's.
async fn is_decided_by(client: &Client, order: &str, hook: &str, project: &str, digest: &str) {
    let made = eventually("it decides", async || {
        let decisions = client.decisions(order).await;
        let made = decisions.iter().find(|made| made["hook"] == hook && made["plugin"] == project);
        made.cloned().ok_or_else(|| json!(decisions).to_string())
    })
    .await;
    assert_eq!((&made["digest"], &made["outcome"]), (&json!(digest), &json!("ok")), "{made}");
}

/// From nothing to deciding, with the template of the routing hook.
async fn decides(bench: &Bench, language: &str) {
    let project = format!("{language}-routing");
    bench.made_and_tested(language, "routing", &project);
    let file = bench.component(&project);
    let checked = bench.json(&["check", &file]);
    assert_eq!((&checked["status"], &checked["hook"]), (&json!("ready"), &json!("routing")), "{checked}");
    let input = bench.path(&project).join("tests/split/input.json");
    let ran = bench.json(&["run", &file, "--input", input.to_str().expect("UTF-8")]);
    let expected = std::fs::read_to_string(input.with_file_name("expected.json")).expect("a template's case");
    assert_eq!(ran["output"], serde_json::from_str::<Value>(&expected).expect("JSON"));

    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(100).await);
    let digest = activated(client, bench, &project).await;
    assert_eq!(checked["digest"], digest);
    let order = client.placed(&basket::of(&sku, 2)).await;
    is_decided_by(client, &order, "routing", &project, &digest).await;
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn kit_typescript_decides_an_order() {
    decides(&Bench::new(), "typescript").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kit_python_decides_an_order() {
    decides(&Bench::new(), "python").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kit_rust_decides_an_order_at_every_hook() {
    let bench = Bench::new();
    decides(&bench, "rust").await;
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(100).await);
    let mut bound = Vec::new();
    for hook in bench::hooks("rust").into_iter().filter(|hook| hook != "routing") {
        let project = format!("my-{hook}");
        bench.made_and_tested("rust", &hook, &project);
        // Nothing asks these yet.
        if !["notification", "carrier", "channel"].contains(&hook.as_str()) {
            let digest = activated(client, &bench, &project).await;
            bound.push((hook, project, digest));
        }
    }
    let order = client.placed(&basket::of(&sku, 2)).await;
    client.order_in(&order, "payment_confirmed").await;
    for (hook, project, digest) in &bound {
        is_decided_by(client, &order, hook, project, digest).await;
    }
    server.stop();
    admin::verify(server.folder());
}

#[test]
fn kit_typescript_templates_pass_their_tests() {
    templates_pass("typescript");
}

#[test]
fn kit_python_templates_pass_their_tests() {
    templates_pass("python");
}

/// The templates that are not tried in whole.
fn templates_pass(language: &str) {
    let bench = Bench::new();
    for hook in bench::hooks(language).into_iter().filter(|hook| hook != "routing") {
        bench.made_and_tested(language, &hook, &format!("my-{hook}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kit_checks_say_what_an_upload_says() {
    let bench = Bench::new();
    let mut server = Server::start();
    let client = &server.client();
    let whole = std::fs::read(admin::policy("risk_rules")).expect("the policies are built");
    let refused: [(&str, Vec<u8>); 6] = [
        ("text", b"fn main() {}".to_vec()),
        ("module", b"\0asm\x01\0\0\0".to_vec()),
        ("cut", whole[..whole.len() / 2].to_vec()),
        ("nonsense", fixture("fixture_nonsense_routing")),
        ("trap", fixture("fixture_trap")),
        ("loop", fixture("fixture_loop_forever")),
    ];
    for (name, wasm) in refused {
        let file = bench.path(name).with_extension("wasm");
        std::fs::write(&file, &wasm).expect("a file");
        let file = file.to_str().expect("UTF-8");
        let checked = bench.run(&["check", file, "--json"]);
        // Unlike a bare upload it waits for the checks, however busy the machine is.
        let pushed = plugin(client, &["push", file, "--name", name]).await;
        assert!(!checked.status.success() && !pushed.status.success(), "{name}");
        let reasons = answer(&checked)["reasons"].clone();
        assert!(reasons[0].is_string(), "{name}");
        assert_eq!(reasons, answer(&pushed)["reasons"], "{name}");
    }
    let file = admin::policy("risk_rules");
    let file = file.to_str().expect("UTF-8");
    let checked = bench.json(&["check", file]);
    let uploaded = answer(&plugin(client, &["push", file, "--name", "whole"]).await)["plugin"].clone();
    for same in ["status", "hook", "digest", "wit_version", "imports", "size"] {
        assert_eq!(checked[same], uploaded[same], "{same}");
    }
    let missing = bench.run(&["check", "/nowhere.wasm"]);
    assert!(String::from_utf8_lossy(&missing.stderr).contains("cannot be read"));
    server.stop();
}

#[test]
fn kit_tests_show_what_is_different_and_take_it_over() {
    let bench = Bench::new();
    let case = bench.path("tests/strict");
    std::fs::create_dir_all(&case).expect("a folder");
    let source: PathBuf = bench::templates().join("tests/risk/large");
    std::fs::copy(source.join("input.json"), case.join("input.json")).expect("a template's case");
    std::fs::write(case.join("config.json"), "{\"review_quantity\": 3}").expect("a file");
    std::fs::copy(admin::policy("risk_rules"), bench.path("plugin.wasm")).expect("the policies are built");
    let folder = bench.path("").to_str().expect("UTF-8").to_owned();

    let bare = bench.run(&["test", &folder]);
    assert!(!bare.status.success() && String::from_utf8_lossy(&bare.stderr).contains("there is no expected.json"));
    std::fs::write(case.join("expected.json"), "{\"verdict\": \"accept\"}").expect("a file");
    let other = bench.run(&["test", &folder]);
    let said = String::from_utf8_lossy(&other.stdout);
    assert!(!other.status.success(), "{said}");
    for part in ["FAIL strict", "-  \"verdict\": \"accept\"", "+  \"verdict\": \"review\"", "0 passed, 1 failed"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(bench.json(&["test", &folder, "--bless"])["passed"], 1);
    assert_eq!(bench.json(&["test", &folder])["failed"], 0);
    std::fs::write(case.join("config.json"), "{\"review_quantity\": 300}").expect("a file");
    assert!(!bench.run(&["test", &folder]).status.success(), "the configuration counts");
}

#[test]
fn kit_says_how_a_missing_tool_is_installed() {
    let bench = Bench::new();
    let advice = [("rust", "https://rustup.rs"), ("typescript", "nodejs npm"), ("python", "python3-venv")];
    for (language, advice) in advice {
        bench.made(language, "risk", language);
        let mut command = bench.command(&["build", language]);
        let output = command.env("PATH", "/nowhere").env_remove("RUSTC").output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(advice), "{said}");
    }
    // A toolchain without the target.
    let rustc = bench.path("rustc");
    std::fs::write(&rustc, "#!/bin/sh\necho /nowhere\n").expect("a file");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&rustc, mode).expect("ours");
    let output = bench.command(&["build", "rust"]).env("RUSTC", &rustc).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("rustup target add wasm32-unknown-unknown"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kit_tutorial_works_as_it_is_written() {
    let bench = Bench::new();
    let mut server = Server::start();
    let client = &server.client();
    let said = tutorial::followed(&bench, client);
    for part in ["3 passed, 0 failed", "would be taken for the hook risk", "1 of 1 decisions would be different"] {
        assert!(said.contains(part), "{said}");
    }
    let orders = client.all("/orders").await;
    let held: Vec<_> = orders.iter().filter(|order| order["status"] == "placed").collect();
    assert_eq!((orders.len(), held.len()), (2, 1), "the second one waits for a person: {said}");
    let order = held[0]["order_id"].as_str().expect("an id");
    let digest = answer(&plugin(client, &["list"]).await)["plugins"][0]["digest"].clone();
    is_decided_by(client, order, "risk", "my-risk", digest.as_str().expect("a digest")).await;
    server.stop();
}
