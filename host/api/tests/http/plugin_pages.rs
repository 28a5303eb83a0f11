//! The console's pages about plugins: who sees them, and what forms do without a script.

use app::merchant::Scope;
use axum::body::Body;
use axum::http::Request;

use crate::console::{page, sign_in};
use crate::harness::{Answer, Shop};

const BOUNDARY: &str = "----a";
const NOBODYS: &str = "/plugins/plg_00000000000000000000000001";

async fn session(shop: &Shop, key: &str) -> String {
    let answer = sign_in(shop, key, "", "same-origin").await;
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// Sends the form as a browser does that runs no script.
async fn upload(shop: &Shop, cookie: &str, site: &str, name: &str, wasm: &[u8]) -> Answer {
    let mut body = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\n{name}\r\n--{BOUNDARY}\r\n\
         content-disposition: form-data; name=\"component\"; filename=\"a.wasm\"\r\ncontent-type: application/wasm\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(wasm);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let request = Request::post("/plugins")
        .header("cookie", cookie)
        .header("sec-fetch-site", site)
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    shop.send(request.body(Body::from(body)).unwrap()).await
}

async fn post(shop: &Shop, cookie: &str, path: &str, site: &str, form: &'static str) -> Answer {
    let request = Request::post(path)
        .header("cookie", cookie)
        .header("sec-fetch-site", site)
        .header("content-type", "application/x-www-form-urlencoded");
    shop.send(request.body(Body::from(form)).unwrap()).await
}

#[tokio::test]
async fn uploading_needs_no_script_and_every_reason_is_shown() {
    let shop = Shop::open().await;
    let cookie = session(&shop, &shop.key).await;
    let list = page(&shop, "/plugins", &cookie).await;
    assert_eq!(list.status, 200);
    assert!(list.text.contains("There is no plugin yet") && list.text.contains("built-in default"));
    let policy = list.header("content-security-policy");
    assert!(
        policy.contains("script-src 'self'") && policy.contains("default-src 'none'") && !policy.contains("unsafe")
    );
    assert!(!list.text.contains("style=") && list.text.matches("<script").count() == 1);
    assert!(list.text.contains(r#"<script src="/assets/console.js" defer></script>"#));
    let script = page(&shop, "/assets/console.js", "").await;
    assert!(script.header("content-type").starts_with("text/javascript") && script.text.contains("\"use strict\""));
    // The other pages may run none.
    assert!(!page(&shop, "/", &cookie).await.header("content-security-policy").contains("script-src"));

    let refused = upload(&shop, &cookie, "same-origin", "mine", b"fn main() {}").await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("mine is refused") || refused.text.contains("<strong>mine is refused:"),
        "{}",
        refused.text
    );
    assert!(refused.text.contains("not WebAssembly"), "{}", refused.text);
    let empty = upload(&shop, &cookie, "same-origin", "", b"").await;
    assert_eq!(empty.status, 422);
    for reason in ["name must", "No file was chosen"] {
        assert!(empty.text.contains(reason), "{reason}: {}", empty.text);
    }
    let evil = upload(&shop, &cookie, "same-origin", "<script>alert(1)</script>", b"x").await;
    assert!(!evil.text.contains("<script>alert"), "{}", evil.text);
    let large = upload(&shop, &cookie, "same-origin", "large", &vec![0; (32 << 20) + 100_000]).await;
    assert_eq!(large.status, 422);
    assert!(large.text.contains("larger than"), "{}", large.text);
}

#[tokio::test]
async fn only_the_console_itself_and_only_a_key_for_plugins_changes_anything() {
    let shop = Shop::open().await;
    let cookie = session(&shop, &shop.key).await;
    let foreign = upload(&shop, &cookie, "cross-site", "mine", b"fn main() {}").await;
    assert_eq!(foreign.status, 403);
    let forms = ["bind", "try", "end", "promote", "rollback", "backtest"].map(|form| format!("{NOBODYS}/{form}"));
    let cancel = "/backtests/bkt_00000000000000000000000001/cancel".to_owned();
    let replay =
        "/console/orders/ord_00000000000000000000000001/decisions/dec_00000000000000000000000001/replay".to_owned();
    let forms: Vec<String> = forms.into_iter().chain([cancel, replay]).collect();
    let service = session(&shop, &shop.key_with(&[Scope::Support]).await).await;
    let all = "revision=0&version=1&on_failure=hold&mode=shadow&limit=1";
    for form in &forms {
        assert_eq!(post(&shop, &cookie, form, "cross-site", all).await.status, 403, "{form}");
        assert_eq!(post(&shop, &service, form, "same-origin", all).await.status, 403, "{form}");
        let away = post(&shop, "", form, "same-origin", all).await;
        assert_eq!((away.status.as_u16(), away.header("location")), (303, "/sign-in?next=/"), "{form}");
        assert_eq!(post(&shop, &cookie, form, "same-origin", all).await.status, 404, "{form}");
    }
    for path in [NOBODYS.to_owned(), format!("{NOBODYS}/lines"), format!("{NOBODYS}/backtest"), "/plugins/x".to_owned()]
    {
        let missing = page(&shop, &path, &cookie).await;
        assert_eq!(missing.status, 404, "{path}");
        assert!(missing.header("content-type").starts_with("text/html"));
        assert_eq!(page(&shop, &path, &service).await.status, 403, "{path}");
    }
    let orders = page(&shop, "/", &service).await;
    assert!(orders.status == 200 && !orders.text.contains("href=\"/plugins\""));
    // An author who may not look at orders comes to his plugins, and to no order.
    let author = session(&shop, &shop.key_with(&[Scope::PluginsWrite]).await).await;
    let start = page(&shop, "/", &author).await;
    assert_eq!((start.status.as_u16(), start.header("location")), (303, "/plugins"));
    assert_eq!(page(&shop, "/plugins", &author).await.status, 200);
    assert_eq!(page(&shop, "/console/orders/ord_00000000000000000000000001", &author).await.status, 403);
}
