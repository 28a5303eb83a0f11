//! The console: signing in, searching, reading an order.

use std::time::Duration;

use app::merchant::Scope;
use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::harness::{Answer, Shop, mug};

pub async fn page(shop: &Shop, path: &str, cookie: &str) -> Answer {
    shop.send(Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap()).await
}

pub async fn sign_in(shop: &Shop, key: &str, next: &str, site: &str) -> Answer {
    let request = Request::post("/sign-in")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", site)
        .body(Body::from(format!("key={key}&next={next}")))
        .unwrap();
    shop.send(request).await
}

async fn session(shop: &Shop) -> String {
    let answer = sign_in(shop, &shop.key, "", "same-origin").await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn one_signs_in_with_a_key_and_out_again() {
    let shop = Shop::open().await;
    let turned_away = page(&shop, "/?q=a%20b", "").await;
    assert_eq!((turned_away.status.as_u16(), turned_away.header("location")), (303, "/sign-in?next=/%3Fq%3Da%2520b"));
    let form = page(&shop, "/sign-in?next=/console/orders/x", "").await;
    assert_eq!(form.status, 200);
    assert!(form.text.contains(r#"name="next" value="/console/orders/x""#));
    assert!(form.header("content-security-policy").contains("default-src 'none'"));
    assert!(!form.text.contains("<script") && !form.text.contains("style="));

    let wrong = sign_in(&shop, "ow_wrong", "/", "same-origin").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("not a valid key") && wrong.header("set-cookie").is_empty());
    let powerless = shop.key_with(&[Scope::InventoryWrite]).await;
    assert!(sign_in(&shop, &powerless, "/", "same-origin").await.text.contains("may not look at orders"));
    assert_eq!(sign_in(&shop, &shop.key, "/", "cross-site").await.status, 403);
    assert_eq!(sign_in(&shop, &shop.key, "//evil.example", "same-origin").await.header("location"), "/");

    let signed_in = sign_in(&shop, &shop.key, "/console/orders/x", "same-origin").await;
    assert_eq!(signed_in.header("location"), "/console/orders/x");
    let cookie = signed_in.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Max-Age=43200"));
    assert!(!cookie.contains(&shop.key));
    let cookie = session(&shop).await;
    assert_eq!(page(&shop, "/", &cookie).await.status, 200);
    assert_eq!(page(&shop, "/sign-in", &cookie).await.status, 303);
    assert_eq!(page(&shop, "/", &format!("{cookie}x")).await.status, 303);
    let out = Request::post("/sign-out").header("cookie", &cookie).header("sec-fetch-site", "same-origin");
    let out = shop.send(out.body(Body::empty()).unwrap()).await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn a_cursor_is_no_session() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    shop.place("k1").await;
    shop.place("k2").await;
    let cursor = shop.get("/api/v1/orders?limit=1").await.json["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(page(&shop, "/", &format!("ow_session={cursor}")).await.status, 303);
}

#[tokio::test]
async fn an_order_is_found_and_its_page_shows_everything() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    let mut order = mug(2);
    order["items"][0]["title"] = json!("<script>alert(1)</script> & \"mug\"");
    order["external_id"] = json!("WEB-1");
    let placed = shop.post("/api/v1/orders", "k1", &order).await;
    let id = placed.json["order_id"].as_str().unwrap().to_owned();
    shop.post(&format!("/api/v1/orders/{id}/hold"), "h1", &json!({"reason": "<b>look</b>"})).await;
    let cookie = session(&shop).await;
    let mut found = page(&shop, "/?q=WEB-1", &cookie).await;
    for _ in 0..200 {
        if found.text.contains(&id) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        found = page(&shop, "/?q=WEB-1", &cookie).await;
    }
    assert!(found.text.contains(&format!(r#"href="/console/orders/{id}">WEB-1"#)), "{}", found.text);
    assert!(found.text.contains("Ann Lee") && found.text.contains("64.98 USD"));

    let shown = page(&shop, &format!("/console/orders/{id}"), &cookie).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    for part in [
        &id,
        "64.98 USD",
        "1 Main St",
        "ann@example.com",
        "W",
        "pm_ok",
        "placed",
        "hold placed",
        "On hold",
        "&#60;b&#62;look",
    ] {
        assert!(shown.text.contains(part), "{part}");
    }
    assert!(!shown.text.contains("<script>") && !shown.text.contains("<b>look"));
    let foreign = shop.foreign_key().await;
    let other = sign_in(&shop, &foreign, "", "same-origin").await;
    let other = other.header("set-cookie").split(';').next().unwrap().to_owned();
    let hidden = page(&shop, &format!("/console/orders/{id}"), &other).await;
    assert_eq!(hidden.status, 404);
    assert!(hidden.header("content-type").starts_with("text/html") && !hidden.text.contains("Main St"));
}

#[tokio::test]
async fn a_query_that_cannot_be_parsed_is_shown_with_its_place() {
    let shop = Shop::open().await;
    let cookie = session(&shop).await;
    let answer = page(&shop, "/?q=mug%20colour%3A%3Cb%3E", &cookie).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains("cannot be understood"));
    assert!(answer.text.contains("mug <mark>colour</mark>:&#60;b&#62;"), "{}", answer.text);
}
