//! Plugins in the console: uploaded, tried, bound, promoted, taken back, back-tested, followed.

use e2e::browser::Browser;
use e2e::client::{Request, rows};
use e2e::server::Folder;
use e2e::{Client, Options, Server, Shop, admin, basket, eventually};
use serde_json::{Value, json};
use thirtyfour::By;

use super::sign_in;

fn component(name: &str) -> Vec<u8> {
    std::fs::read(admin::policy(name)).expect("the policies are built")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(admin::fixture(name)).expect("the fixtures are built")
}

async fn hook(client: &Client, name: &str) -> Value {
    client.get(&format!("/hooks/{name}")).await.expect(200)
}

/// The text of an element.
async fn text(browser: &Browser, css: &str) -> String {
    browser.element(css).await.text().await.expect("a text")
}

/// Uploads through the API and waits for the checks.
async fn uploaded(client: &Client, name: &str, wasm: Vec<u8>) -> String {
    let made = client.upload(name, wasm).await;
    let id = made.body["plugin_id"].as_str().unwrap_or_else(|| panic!("{}", made.text)).to_owned();
    eventually("it is ready", async || {
        let version = client.get(&format!("/plugins/{id}")).await.expect(200);
        if version["status"] == "ready" { Ok(()) } else { Err(version.to_string()) }
    })
    .await;
    id
}

/// Uploads what is dropped and chooses its name, where there is a field for it.
async fn drop_and_upload(browser: &Browser, file: &str, wasm: &[u8], name: Option<&str>) {
    browser.drop_file("form.upload .drop", file, wasm).await;
    if let Some(name) = name {
        browser.fill("form.upload input[name=name]", name).await;
    }
    browser.click("form.upload button[type=submit]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_goes_from_a_dropped_file_to_deciding_and_back() {
    let folder = Folder::new();
    let stranger = admin::create_tenant(&folder, "stranger");
    let server = Server::start_in(folder, Options::new());
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(10_000).await;
    let browser = Browser::open().await;
    sign_in(&browser, &server).await;
    browser.press("Plugins").await;
    browser.element("#hooks tr[data-hook=risk]").await;
    bad_ones_are_refused(&browser).await;
    let id = a_good_one_is_bound(&browser, &shop.client).await;
    let page = format!("{}/plugins/{id}", server.said("url"));
    the_next_version_is_shadowed(&browser, &shop, &page, &sku).await;
    the_figures_and_the_log_are_shown(&browser, &shop.client, &page, &sku).await;
    a_canary_is_promoted_and_taken_back(&browser, &shop.client, &page).await;
    strangers_see_nothing(&browser, &page, &stranger.api_key).await;
    browser.close().await;
}

/// What is no policy is refused, with every reason, and the page stays where it is.
async fn bad_ones_are_refused(browser: &Browser) {
    browser.drop_file("form.upload .drop", "crashing_rules.wasm", &fixture("fixture_trap")).await;
    assert!(text(browser, ".chosen").await.contains("crashing_rules.wasm"));
    let name = browser.element("form.upload input[name=name]").await.prop("value").await.expect("a value");
    assert_eq!(name.as_deref(), Some("crashing-rules"), "the file's name is a start");
    browser.click("form.upload button[type=submit]").await;
    let refused = text(browser, "#refused li").await;
    assert!(refused.contains("crashed"), "{refused}");
    let row = "//table[@id='plugins']//tr[.//a='crashing-rules']//span[.='refused']";
    browser.driver().find(By::XPath(row)).await.expect("what was compiled stays to be seen");
    browser.pictures("plugins-refused").await;
    drop_and_upload(browser, "a.wasm", b"fn main() {}", Some("text")).await;
    browser.reads("not WebAssembly").await;
}

/// A good one has a page of its own, and decides nothing until it is bound.
async fn a_good_one_is_bound(browser: &Browser, client: &Client) -> String {
    drop_and_upload(browser, "risk_rules.wasm", &component("risk_rules"), Some("my-risk")).await;
    browser.reads("was uploaded").await;
    browser.element("#version-1[data-status=ready]").await;
    assert_eq!(hook(client, "risk").await["plugin"], "risk-rules");
    browser.pictures("plugin-new").await;
    browser.click("#version-1 .bind > summary").await;
    browser.reads("Version 1 of my-risk will decide every risk question").await;
    browser.fill("#version-1 .bind textarea[name=config]", "{\"review_quantity\": three}").await;
    browser.click("#version-1 .bind button").await;
    browser.reads("The configuration is not JSON").await;
    browser.driver().back().await.expect("back");
    let is_open = browser.driver().find(By::Css("#version-1 .bind[open]")).await.is_ok();
    if !is_open {
        browser.click("#version-1 .bind > summary").await;
    }
    browser.fill("#version-1 .bind textarea[name=config]", "{\"review_quantity\": 3}").await;
    browser.click("#version-1 .bind button").await;
    browser.reads("It is bound, and decides").await;
    let bound = hook(client, "risk").await;
    assert_eq!((&bound["plugin"], &bound["config"]), (&json!("my-risk"), &json!({"review_quantity": 3})));
    assert_eq!(text(browser, "#bound").await, "my-risk 1");
    let plugins = rows(&client.get("/plugins").await.expect(200));
    let ours = plugins.iter().find(|plugin| plugin["name"] == "my-risk").expect("it is listed");
    ours["plugin_id"].as_str().expect("an id").to_owned()
}

/// The next version in its shadow: what the two decide differently is shown with both answers and the order.
async fn the_next_version_is_shadowed(browser: &Browser, shop: &Shop, page: &str, sku: &str) {
    let client = &shop.client;
    browser.click("details.next > summary").await;
    drop_and_upload(browser, "flood.wasm", &fixture("fixture_log_flood"), None).await;
    browser.element("#version-2[data-status=ready]").await;
    browser.click("#version-2 .shadow > summary").await;
    browser.press("Start the shadow").await;
    browser.reads("Nothing is compared yet").await;
    let parked = eventually("the new policy decides", async || {
        let order = client.place(&basket::of(sku, 3)).await.expect(201);
        if order["status"] == "placed" { Ok(order) } else { Err(order.to_string()) }
    })
    .await;
    let parked = parked["order_id"].as_str().expect("an id").to_owned();
    for _ in 0..4 {
        client.placed(&basket::of(sku, 1)).await;
    }
    eventually("all are compared", async || {
        let compared = hook(client, "risk").await["candidate"]["compared"].clone();
        let all = compared["pairs"].as_u64() >= Some(5) && compared["differing"].as_u64() >= Some(1);
        if all { Ok(()) } else { Err(compared.to_string()) }
    })
    .await;
    browser.go(page).await;
    let compared = hook(client, "risk").await["candidate"]["compared"].clone();
    assert_eq!(text(browser, "#pairs").await, compared["pairs"].to_string());
    assert!(text(browser, "#differing").await.starts_with(&format!("{} (", compared["differing"])));
    assert_eq!(browser.count("#differences > details").await as u64, compared["differing"].as_u64().expect("a count"));
    let link = format!("#differences a[href='/console/orders/{parked}']");
    browser.element(&link).await;
    browser.reads("review (300) → accept (0)").await;
    browser.click("#differences > details:last-of-type > summary .small").await;
    browser.reads("on trial").await;
    browser.pictures("plugin-shadow").await;

    // The order tells which of the two counted, and either can be made again.
    browser.click(&link).await;
    browser.element("#decisions .badge.role.shadow").await;
    assert_eq!(browser.count("#decisions .badge.role.shadow").await, 1);
    let decisions = client.decisions(&parked).await;
    let shadow = decisions.iter().find(|decision| decision["role"] == "shadow").expect("it was asked");
    let id = shadow["decision_id"].as_str().expect("an id");
    browser.click(&format!("#{id} > summary")).await;
    browser.reads("It was asked beside the one that decided").await;
    browser.click(&format!("#{id} form button")).await;
    browser.element(&format!("#{id}[open] [data-replay=same]")).await;
    browser.pictures("order-shadow").await;
    browser.go(page).await;
}

/// A canary, which is another way of trying; then all of it, and back.
async fn a_canary_is_promoted_and_taken_back(browser: &Browser, client: &Client, page: &str) {
    browser.go(page).await;
    browser.click("#version-2 .canary > summary").await;
    browser.fill("#version-2 .canary input[name=percent]", "40").await;
    browser.press("Start the canary").await;
    browser.reads("It decides 40 % of the orders in place of version 1").await;
    assert_eq!(hook(client, "risk").await["candidate"]["percent"], 40);
    browser.pictures("plugin-canary").await;
    // A page that is out of date changes nothing.
    let stale = hook(client, "risk").await["revision"].clone();
    let again =
        json!({"plugin": "my-risk", "version": "1", "candidate": {"version": "2", "mode": "canary", "percent": 50}});
    client.call(Request::new("PUT", "/hooks/risk").json(&again).header("if-match", "*")).await.expect(200);
    browser.click("#promote > summary").await;
    browser.reads("Version 2 will decide every risk question from now on").await;
    browser.click("#promote button").await;
    browser.reads("at revision").await;
    assert_eq!(hook(client, "risk").await["version"], "1", "revision {stale} is over");
    browser.go(page).await;
    browser.click("#promote > summary").await;
    browser.click("#promote button").await;
    browser.reads("decides every order from now on").await;
    let promoted = hook(client, "risk").await;
    assert_eq!((&promoted["version"], &promoted["candidate"]), (&json!("2"), &Value::Null));
    assert_eq!(browser.count("#history tbody tr").await as u64, promoted["revision"].as_u64().expect("a count"));
    browser.click("#roll-back > summary").await;
    browser.reads("my-risk 1 will decide every risk question again").await;
    browser.pictures("plugin-roll-back").await;
    browser.click("#roll-back button").await;
    browser.reads("What was bound before decides again").await;
    assert_eq!(hook(client, "risk").await["version"], "1");
}

/// Another merchant sees nothing of all this.
async fn strangers_see_nothing(browser: &Browser, page: &str, key: &str) {
    browser.press("Sign out").await;
    browser.fill("#key", key).await;
    browser.press("Sign in").await;
    browser.press("Plugins").await;
    let shown = browser.reads("What decides").await;
    assert!(!shown.contains("my-risk"), "{shown}");
    for foreign in [page.to_owned(), format!("{page}/lines?after=x"), format!("{page}/backtest")] {
        browser.go(&foreign).await;
        browser.reads("There is nothing").await;
    }
}

/// Charts with their tables, and the log with its levels, alive.
async fn the_figures_and_the_log_are_shown(browser: &Browser, client: &Client, page: &str, sku: &str) {
    let id = page.rsplit('/').next().expect("an id");
    let metrics = client.get(&format!("/plugins/{id}/metrics")).await.expect(200);
    let totals: Vec<&Value> = metrics["data"].as_array().expect("versions").iter().collect();
    assert_eq!(browser.count("#totals tbody tr").await, totals.len());
    for (row, total) in (1..).zip(totals) {
        let calls = text(browser, &format!("#totals tbody tr:nth-child({row}) td:nth-of-type(1)")).await;
        assert_eq!(calls, total["total"]["calls"].to_string());
    }
    assert_eq!(browser.count(".chart").await, 4);
    assert!(browser.count(".chart svg[role=img] desc").await >= 3, "each chart says what it shows");
    assert!(browser.count(".chart rect").await >= 2);
    browser.click(".chart details > summary").await;
    browser.reads("From (UTC)").await;
    browser.press("last hour").await;
    browser.element(".spans a[aria-current=true][href*=hour]").await;

    let shown = text(browser, "#lines").await;
    assert!(shown.contains("flood"), "{shown}");
    let select = browser.element(".filter select[name=level]").await;
    select.send_keys("error").await.expect("a level is chosen");
    browser.click(".filter button").await;
    browser.element("#no-lines").await;
    assert_eq!(browser.count("#lines li").await, 0);
    let select = browser.element(".filter select[name=level]").await;
    select.send_keys("warn").await.expect("a level is chosen");
    browser.click(".filter button").await;
    browser.element("#lines li").await;
    let first = browser.element("#lines li:first-child a").await.attr("href").await.expect("a link");
    browser.click("#live").await;
    let order = client.placed(&basket::of(sku, 1)).await;
    browser.element(&format!("#lines li:first-child a[href='/console/orders/{order}']")).await;
    assert_ne!(first, Some(format!("/console/orders/{order}")), "it came by itself");
    browser.pictures("plugin-log").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_test_shows_the_right_numbers() {
    let folder = Folder::new();
    let slow = admin::create_tenant(&folder, "slow");
    let config = json!({});
    let file = admin::fixture("fixture_loop_forever");
    admin::bind(
        &folder,
        &admin::Binding { tenant: &slow.tenant, hook: "routing", file, on_failure: "fallback", config },
    );
    let server = Server::start_in(folder, Options::new());
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(10_000).await);
    for number in 0..30 {
        client.placed(&basket::of(&sku, 1 + number % 6)).await;
    }
    let id = uploaded(client, "my-risk", component("risk_rules")).await;
    let browser = Browser::open().await;
    sign_in(&browser, &server).await;
    browser.go(&format!("{}/plugins/{id}", server.said("url"))).await;
    browser.press("Back-test").await;
    browser.fill("input[name=from]", "soon").await;
    browser.press("Start").await;
    browser.reads("\"From\" must be a time").await;
    browser.fill("input[name=from]", "").await;
    browser.fill("textarea[name=config]", "{\"review_quantity\": 3}").await;
    browser.pictures("backtest-form").await;
    browser.press("Start").await;

    // Of quantities 1 to 6, five times each, four in six wait for a person.
    browser.element("#sums").await;
    assert_eq!((text(&browser, "#differing").await, text(&browser, "#decisions").await), ("20".into(), "30".into()));
    let sums = text(&browser, "#sums").await;
    for row in ["answers 30 30", "verdicts: accept 30 10", "verdicts: review 0 20"] {
        assert!(sums.contains(row), "{row}:\n{sums}");
    }
    assert_eq!(browser.count("#changes tbody tr").await, 20);
    assert!(browser.count("#sums svg rect").await >= 6);
    browser.pictures("backtest-report").await;
    browser.click("#changes a").await;
    browser.element("#status").await;

    // One that takes long is ended early.
    let theirs = Shop::open(server.client_with(&slow.api_key)).await;
    let sku = theirs.stocked(1000).await;
    for _ in 0..400 {
        theirs.client.placed(&basket::of(&sku, 1)).await;
    }
    browser.press("Sign out").await;
    browser.fill("#key", &slow.api_key).await;
    browser.press("Sign in").await;
    browser.press("Plugins").await;
    browser.press("own-fixture_loop_forever").await;
    browser.pictures("plugin-failing").await;
    browser.press("Back-test").await;
    browser.press("Start").await;
    browser.reads("decisions made again so far").await;
    browser.picture("backtest-running").await;
    // The page looks again by itself, and may do so between looking for the button and pressing it.
    eventually("it is cancelled", async || {
        let button = browser.driver().find(By::Css("form[action$='/cancel'] button")).await;
        button.map_err(|error| error.to_string())?.click().await.map_err(|error| error.to_string())
    })
    .await;
    browser.reads("It was cancelled after").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_again_beside_its_order() {
    let server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(100).await);
    let order = client.placed(&basket::of(&sku, 2)).await;
    client.order_in(&order, "payment_confirmed").await;
    let browser = Browser::open().await;
    sign_in(&browser, &server).await;
    let page = format!("{}/console/orders/{order}", server.said("url"));
    let decisions = client.decisions(&order).await;
    assert!(decisions.len() >= 4, "routing, tax, risk and payment");
    for decision in &decisions {
        let id = decision["decision_id"].as_str().expect("an id");
        browser.go(&page).await;
        browser.click(&format!("#{id} > summary")).await;
        browser.click(&format!("#{id} form button")).await;
        browser.element(&format!("#{id}[open] [data-replay=same]")).await;
        assert_eq!(browser.count("[data-replay]").await, 1, "the others are as they were");
    }
    assert_eq!(browser.count(".badge.role.active").await, decisions.len());
    browser.pictures("order-replay").await;

    // A key of customer service reads the story, and makes no policy decide.
    let body = json!({"name": "service", "scopes": ["support"]});
    let made = client.send(Request::new("POST", "/keys").json(&body)).await.expect(201);
    browser.press("Sign out").await;
    browser.fill("#key", made["key"].as_str().expect("a key")).await;
    browser.press("Sign in").await;
    browser.reads("Orders").await;
    assert_eq!(browser.count("nav a[href='/plugins']").await, 0);
    browser.go(&page).await;
    browser.element("#decisions").await;
    assert_eq!(browser.count("#decisions form").await, 0);
    browser.go(&format!("{}/plugins", server.said("url"))).await;
    browser.reads("plugins:write").await;
    browser.press("Back to the start").await;
    // A key of an author the other way round.
    let body = json!({"name": "author", "scopes": ["plugins:write"]});
    let made = client.send(Request::new("POST", "/keys").json(&body)).await.expect(201);
    browser.press("Sign out").await;
    browser.fill("#key", made["key"].as_str().expect("a key")).await;
    browser.press("Sign in").await;
    browser.element("#hooks").await;
    browser.pictures("plugins").await;
    browser.go(&page).await;
    browser.reads("orders:read").await;
    browser.close().await;
}
