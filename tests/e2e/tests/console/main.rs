//! The console as customer service uses it, in Chromium.

mod plugins;

use e2e::books::finds;
use e2e::browser::Browser;
use e2e::client::Request;
use e2e::{Client, Server, Shop, basket, unique};
use serde_json::json;

/// What a customer may call himself who means no good.
const EVIL: &str = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";

async fn sign_in(browser: &Browser, server: &Server) {
    browser.go(server.said("url")).await;
    browser.fill("#key", server.said("api_key")).await;
    browser.press("Sign in").await;
    browser.reads("Sign out").await;
}

async fn search(browser: &Browser, query: &str) {
    browser.fill("input[name=q]", query).await;
    browser.click("form[role=search] button[type=submit]").await;
}

/// An order that is paid and can be found.
async fn findable(client: &Client, sku: &str, external_id: &str, name: &str, title: &str) -> String {
    let members = json!({
        "external_id": external_id,
        "items": [{"sku_id": sku, "quantity": 3, "price": "14.50", "title": title}],
        "customer": {"id": "c-9", "name": name, "email": "ann@example.com"},
    });
    let id = client.placed(&basket::with(basket::of(sku, 3), members)).await;
    client.order_in(&id, "payment_confirmed").await;
    finds(client, &format!("external:\"{external_id}\" status:payment_confirmed"), vec![id.clone()]).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn customer_service_finds_an_order_in_the_browser_and_reads_its_story() {
    let server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (sku, external_id) = (shop.stocked(50).await, unique("WEB"));
    let id = findable(&shop.client, &sku, &external_id, "Ann Quillfeather", "Blue mug").await;
    let other = shop.client.placed(&basket::of(&sku, 1)).await;
    shop.client.order_in(&other, "payment_confirmed").await;
    finds(&shop.client, &format!("sku:\"{sku}\" status:payment_confirmed"), vec![id.clone(), other.clone()]).await;

    let browser = Browser::open().await;
    sign_in(&browser, &server).await;
    browser.reads("demo").await;
    search(&browser, &format!("quillfeather sku:\"{sku}\"")).await;
    browser.reads("1 order").await;
    assert_eq!(browser.count("#results tbody tr").await, 1);
    assert_eq!(browser.count("#results [data-status=payment_confirmed]").await, 1);
    browser.picture("console-search").await;
    browser.press(&external_id).await;

    let shown = browser.reads(&id).await;
    assert_eq!(browser.count("#status[data-status=payment_confirmed]").await, 1);
    let total = shop.client.order(&id).await["total"].as_str().unwrap().to_owned();
    for text in
        ["Ann Quillfeather", "ann@example.com", "Blue mug", "14.50 USD", "WH-TEST", "pm_ok", "captured", &sku, &total]
    {
        assert!(shown.contains(text), "{text} is not on the page:\n{shown}");
    }
    let events = shop.client.events(&id).await.len();
    assert_eq!(browser.count("#events > li").await, events, "the timeline shows every event");
    let decisions = shop.client.decisions(&id).await.len();
    assert_eq!(browser.count("#decisions > details").await, decisions, "every decision is there");
    let digest = shop.client.decisions(&id).await[0]["digest"].as_str().unwrap()[..12].to_owned();
    assert!(!shown.contains(&digest), "a decision is folded away");
    browser.click("#decisions > details:first-child > summary").await;
    browser.reads(&digest).await;
    browser.picture("console-order").await;

    // Another's page, and what is no order.
    browser.go(&format!("{}/console/orders/ord_00000000000000000000000001", server.said("url"))).await;
    browser.reads("There is nothing").await;
    browser.go(server.said("url")).await;
    search(&browser, "nobody-of-this-name").await;
    browser.reads("No order matches").await;
    assert_eq!(browser.count("#results").await, 0);

    browser.press("Sign out").await;
    browser.element("#key").await;
    browser.go(&format!("{}/console/orders/{id}", server.said("url"))).await;
    browser.element("#key").await;
    assert!(!browser.driver().source().await.unwrap().contains("Quillfeather"), "nothing is shown after signing out");
    // Signing in leads to where one wanted to go.
    browser.fill("#key", server.said("api_key")).await;
    browser.press("Sign in").await;
    browser.reads("Ann Quillfeather").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_is_told_what_is_wrong() {
    let server = Server::start();
    let client = server.client();
    let body = json!({"name": "stock only", "scopes": ["inventory:write"]});
    let made = client.send(Request::new("POST", "/keys").json(&body)).await.expect(201);
    let browser = Browser::open().await;
    browser.go(server.said("url")).await;
    for (key, why) in [("ow_wrong", "not a valid key"), (made["key"].as_str().unwrap(), "may not look at orders")] {
        browser.fill("#key", key).await;
        browser.press("Sign in").await;
        browser.reads(why).await;
        assert_eq!(browser.count("[role=alert]").await, 1);
        assert_eq!(browser.count("#key[aria-invalid=true]").await, 1);
    }
    browser.picture("console-wrong-key").await;
    sign_in(&browser, &server).await;
    search(&browser, "mug colour:blue").await;
    browser.reads("cannot be understood").await;
    assert_eq!(browser.element("#fault mark").await.text().await.unwrap(), "colour", "the place is marked");
    let asked = browser.element("input[name=q]").await.value().await.unwrap();
    assert_eq!(asked.as_deref(), Some("mug colour:blue"), "what was typed is still there");
    browser.picture("console-bad-query").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_writes_is_text_in_the_browser() {
    let server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (sku, external_id) = (shop.stocked(50).await, format!("<b>{}</b>", unique("x")));
    let id = findable(&shop.client, &sku, &external_id, EVIL, EVIL).await;
    shop.client.cancel(&id).await.expect(200);
    let browser = Browser::open().await;
    sign_in(&browser, &server).await;
    let evil_query = format!("sku:\"{sku}\" -\"{}\"", "<script>document.title='owned'</script>");
    search(&browser, &evil_query).await;
    browser.element("input[name=q]").await;
    is_harmless(&browser).await;
    search(&browser, &format!("sku:\"{sku}\"")).await;
    browser.reads(&external_id).await;
    browser.reads(EVIL).await;
    is_harmless(&browser).await;
    browser.go(&format!("{}/console/orders/{id}", server.said("url"))).await;
    let shown = browser.reads(&external_id).await;
    assert_eq!(shown.matches(EVIL).count(), 2, "the customer's name and the line's title:\n{shown}");
    is_harmless(&browser).await;
    browser.picture("console-evil-customer").await;
    browser.close().await;
}

/// Nothing that a customer wrote has become an element or has run.
async fn is_harmless(browser: &Browser) {
    for element in ["img[onerror]", "img[src=x]", "main script", "main b"] {
        assert_eq!(browser.count(element).await, 0, "{element}");
    }
    assert!(!browser.driver().title().await.expect("a title").contains("owned"));
}
