//! Adapters under names: bound, listed, taken back, ended; and the secrets that each may use.

use e2e::client::Request;
use e2e::{Server, Shop, admin, basket, eventually};
use serde_json::{Value, json};

use crate::hooks::uploaded;
use crate::plugins::{answer, plugin};

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_has_as_many_adapters_as_it_names() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let client = &shop.client;
    let file = admin::fixture("fixture_carrier_cases");
    uploaded(client, "parcels", &file).await;
    let bind = async |name: &str, tag: &str, config: Value| {
        let body = json!({"plugin": "parcels", "config": config, "fields": []});
        client.call(Request::new("PUT", &format!("/hooks/carrier/{name}")).json(&body).header("if-match", tag)).await
    };
    let first = bind("ups", "\"0\"", json!({"account": 1})).await.expect(200);
    assert_eq!((&first["hook"], &first["binding"], &first["revision"]), (&json!("carrier"), &json!("ups"), &json!(1)));
    bind("dhl", "*", json!({"account": 2})).await.expect(200);
    bind("ups", "\"0\"", json!({})).await.expect_refusal(412, "precondition_failed");
    let second = bind("ups", "\"1\"", json!({"account": 3})).await.expect(200);
    assert_eq!(client.get("/hooks/carrier/ups").await.expect(200), second);
    let names = async || {
        let hooks = e2e::client::rows(&client.get("/hooks").await.expect(200));
        let name = |hook: &Value| Some(format!("{}/{}", hook["hook"].as_str()?, hook["binding"].as_str()?));
        hooks.iter().filter_map(name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["payment/main", "carrier/dhl", "carrier/ups"]);

    // Each has a history of its own.
    let back = client.call(Request::new("POST", "/hooks/carrier/ups/rollback")).await.expect(200);
    assert_eq!((&back["config"], &back["revision"]), (&json!({"account": 1}), &json!(3)));
    assert_eq!(client.get("/hooks/carrier/dhl").await.expect(200)["revision"], 1);
    let end = Request::new("DELETE", "/hooks/carrier/ups").header("if-match", "\"3\"");
    assert_eq!(client.call(end.clone()).await.status, 204);
    client.call(end).await.expect_refusal(404, "not_found");
    client.get("/hooks/carrier/ups").await.expect_refusal(404, "not_found");
    assert_eq!(names().await, ["payment/main", "carrier/dhl"]);
    let again = bind("ups", "\"0\"", json!({"account": 4})).await.expect(200);
    assert_eq!(again["revision"], 5, "revisions count on");
    let back = client.call(Request::new("POST", "/hooks/carrier/ups/rollback")).await.expect(200);
    assert_eq!(back["config"], json!({"account": 1}), "the way back does not lead to nothing");

    // The same from the command line.
    let file = file.to_str().expect("UTF-8");
    let pushed = ["push", file, "--name", "parcels", "--activate", "--binding", "post", "--allow", "none"];
    let bound = answer(&plugin(client, &[&pushed[..], &["--secret", "token"]].concat()).await);
    assert_eq!((&bound["hook"]["binding"], &bound["hook"]["secrets"]), (&json!("post"), &json!(["token"])), "{bound}");
    let ended = plugin(client, &["unbind", "carrier/post"]).await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(answer(&plugin(client, &["rollback", "carrier/post"]).await)["revision"], 3);
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_uses_only_the_secrets_that_its_binding_names() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(1_000).await);
    let bound = client.get("/hooks/payment/main").await.expect(200);
    assert_eq!(bound["secrets"], json!(["api_key"]));
    let with = |secrets: &[&str], config: &Value| {
        let mut body = json!({"plugin": bound["plugin"], "hosts": bound["hosts"], "secrets": secrets});
        body["config"] = basket::with(bound["config"].clone(), config.clone());
        body
    };
    let pays = async |as_expected: bool| {
        eventually("the binding is in force", async || {
            let id = client.placed(&basket::of(&sku, 1)).await;
            let decided = async || json!(client.decisions(&id).await).to_string();
            for _ in 0..40 {
                let order = client.order(&id).await;
                if order["status"] == "payment_confirmed" {
                    return if as_expected { Ok(()) } else { Err("it was paid".to_owned()) };
                }
                if !as_expected && decided().await.contains("may not use the secret") {
                    return Ok(());
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            Err(decided().await)
        })
        .await;
    };
    client.bind("payment/main", &with(&[], &json!({}))).await.expect(200);
    pays(false).await;
    // The configuration names a secret as well as the list does.
    client.bind("payment/main", &with(&[], &json!({"secret": "api_key"}))).await.expect(200);
    pays(true).await;
    server.stop();
}
