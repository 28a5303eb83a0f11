//! The payment saga as scenarios on a running server, to be played with and without what makes it fast or hard.

use e2e::client::{Client, Request, order_id};
use e2e::exact::minor;
use e2e::provider::Provider;
use e2e::shop::Level;
use e2e::{Options, Server, Shop, basket, books, eventually};
use serde_json::{Value, json};

/// A provider that is silent is given up on soon, so that the tests need not wait for it.
pub const IMPATIENT: &str = "--effect-timeout-ms 2000";

/// Plays everything that the payment saga has to bear. In the end the books agree with the provider's and the store is
/// sound.
pub async fn play(options: Options, breaks: impl Fn(Client) -> Client) {
    let mut server = Server::start_with(options.flags(IMPATIENT));
    let shop = Shop::open(breaks(server.client())).await;
    let provider = server.provider();
    tokio::join!(
        every_method_that_works_is_captured(&shop),
        a_decline_holds_the_stock_until_another_method_works(&shop),
        a_confirmed_order_is_refunded_when_it_is_cancelled(&shop),
        a_failed_order_is_cancelled(&shop),
        an_authorisation_in_flight_is_given_back(&shop, &provider),
        a_customer_confirms(&shop, &provider),
        a_customer_refuses(&shop, &provider),
        a_customer_confirms_what_was_cancelled(&shop, &provider),
        nothing_is_captured_on_hold(&shop, &provider),
        nothing_to_pay_is_confirmed_at_once(&shop),
    );
    books::agree_with_provider(&server.client(), &provider).await;
    server.stop();
    e2e::admin::verify(server.folder());
}

async fn every_method_that_works_is_captured(shop: &Shop) {
    let sku = shop.stocked(100).await;
    let methods = ["pm_ok", "pm_flaky", "pm_timeout", "pm_late", "pm_capture_timeout", "pm_refund_flaky"];
    let pay = async |method: &str| {
        let id = shop.client.placed(&basket::paid_with(basket::of(&sku, 1), method)).await;
        let order = shop.client.order_in(&id, "payment_confirmed").await;
        let payment = &order["payment"];
        assert_eq!((&payment["status"], &payment["payment_method_id"]), (&json!("captured"), &json!(method)));
        assert_eq!((&payment["captured"], &payment["refunded"]), (&order["total"], &json!("0.00")), "{order}");
        assert_eq!(payment["retry_until"], Value::Null, "{order}");
    };
    futures::future::join_all(methods.into_iter().map(pay)).await;
    assert_eq!(shop.level(&sku).await, Level { on_hand: 100, reserved: 6 });
}

async fn a_decline_holds_the_stock_until_another_method_works(shop: &Shop) {
    let declines = [
        ("pm_declined", "card_declined"),
        ("pm_insufficient_funds", "insufficient_funds"),
        ("pm_capture_declined", "card_declined"),
    ];
    for (method, code) in declines {
        let sku = shop.stocked(5).await;
        let id = shop.client.placed(&basket::paid_with(basket::of(&sku, 2), method)).await;
        let order = shop.client.order_in(&id, "payment_failed").await;
        assert_eq!(order["payment"]["decline_code"], code, "{order}");
        assert!(order["payment"]["retry_until"].is_string(), "{order}");
        assert_eq!(order["payment"]["captured"], "0.00", "{order}");
        assert_eq!(shop.level(&sku).await.reserved, 2, "the stock stays held");

        assert_eq!(shop.client.pay(&id, "pm_declined").await.expect(200)["status"], "payment_pending");
        shop.client.order_in(&id, "payment_failed").await;
        let tried = shop.client.pay(&id, "pm_ok").await.expect(200);
        assert_eq!((&tried["status"], &tried["payment"]["retry_until"]), (&json!("payment_pending"), &Value::Null));
        let order = shop.client.order_in(&id, "payment_confirmed").await;
        assert_eq!(order["payment"]["captured"], order["total"], "{order}");
        assert_eq!(shop.level(&sku).await.reserved, 2);
    }
}

async fn a_confirmed_order_is_refunded_when_it_is_cancelled(shop: &Shop) {
    for method in ["pm_ok", "pm_refund_flaky"] {
        let sku = shop.stocked(5).await;
        let id = shop.client.placed(&basket::paid_with(basket::of(&sku, 2), method)).await;
        let total = shop.client.order_in(&id, "payment_confirmed").await["total"].clone();
        let cancelled = shop.client.cancel(&id).await.expect(200);
        assert_eq!((&cancelled["status"], &cancelled["refund_amount"]), (&json!("cancelled"), &total));
        assert!(["pending", "refunded"].iter().any(|status| cancelled["refund_status"] == *status), "{cancelled}");
        assert_eq!(shop.level(&sku).await, Level { on_hand: 5, reserved: 0 }, "the stock is free at once");
        let order = shop.client.order_with_payment(&id, "refunded").await;
        assert_eq!((&order["payment"]["refunded"], &order["payment"]["captured"]), (&total, &total));
        assert_eq!(order["cancel_reason"], "changed my mind");

        let events = shop.client.events(&id).await;
        let again = shop.client.cancel(&id).await.expect(200);
        assert_eq!((&again["refund_amount"], &again["refund_status"]), (&total, &json!("refunded")));
        assert_eq!(shop.client.events(&id).await, events, "a repeated cancel changes nothing");
    }
}

async fn a_failed_order_is_cancelled(shop: &Shop) {
    let sku = shop.stocked(1).await;
    let id = shop.client.placed(&basket::paid_with(basket::of(&sku, 1), "pm_declined")).await;
    shop.client.order_in(&id, "payment_failed").await;
    let cancelled = shop.client.cancel(&id).await.expect(200);
    assert_eq!((&cancelled["refund_amount"], &cancelled["refund_status"]), (&json!("0.00"), &json!("none")));
    assert_eq!(shop.level(&sku).await.reserved, 0);
    shop.client.pay(&id, "pm_ok").await.expect_refusal(409, "illegal_transition");
    // What one order gave back, another may have.
    shop.client.placed(&basket::of(&sku, 1)).await;
}

/// The provider has charged and not answered, or answers later: cancelling meanwhile gives the money back.
async fn an_authorisation_in_flight_is_given_back(shop: &Shop, provider: &Provider) {
    let cancel = async |method: &str, price: &str| {
        let sku = shop.stocked(1).await;
        let basket = basket::paid_with(basket::of(&sku, 1), method);
        let items = json!({"items": [{"sku_id": sku, "quantity": 1, "price": price}]});
        let order = shop.client.place(&basket::with(basket, items)).await.expect(201);
        let (id, total) = (order_id(&order), minor(&order["total"]));
        if method == "pm_timeout" {
            eventually("the charge", async || {
                let moved = provider.moved().await;
                if moved.values().any(|moved| moved.authorized == total) { Ok(()) } else { Err(format!("{moved:?}")) }
            })
            .await;
        }
        let cancelled = shop.client.cancel(&id).await.expect(200);
        assert_eq!(cancelled["status"], "cancelled");
        assert_eq!(shop.level(&sku).await.reserved, 0);
        // A provider that answers at once may have captured before the cancellation came: then that is given back.
        let may_be_captured = method == "pm_ok";
        let over = |order: &Value| {
            let status = &order["payment"]["status"];
            status == "voided" || (may_be_captured && status == "refunded")
        };
        let order = shop.client.order_when(&id, "voided, or refunded where it was captured", over).await;
        assert_eq!(order["status"], "cancelled");
        assert_eq!(order["payment"]["captured"], order["payment"]["refunded"], "nothing is kept");
        let moved = provider.moved().await;
        let ours = moved.values().find(|moved| moved.authorized == total);
        if let Some(moved) = ours {
            assert_eq!(
                (moved.voided + moved.refunded, moved.captured),
                (total, moved.refunded),
                "the money comes back"
            );
        }
        // With a silent provider the charge was there before the cancellation.
        assert!(ours.is_some() || method != "pm_timeout");
    };
    // Prices that no other order has, by which the provider's entries are told apart.
    tokio::join!(cancel("pm_timeout", "77.01"), cancel("pm_late", "77.03"), cancel("pm_ok", "77.05"));
}

/// An order whose customer is asked to confirm, with the address of the page.
async fn asked_to_confirm(shop: &Shop) -> (String, String, String) {
    let sku = shop.stocked(1).await;
    let id = shop.client.placed(&basket::paid_with(basket::of(&sku, 1), "pm_action")).await;
    let order = shop.client.order_with_payment(&id, "requires_action").await;
    assert_eq!(order["status"], "payment_pending");
    let action = &order["payment"]["next_action"];
    assert_eq!(action["type"], "redirect", "{order}");
    assert!(action["expires_at"].is_string(), "{order}");
    (id, sku, action["url"].as_str().expect("a URL").to_owned())
}

async fn a_customer_confirms(shop: &Shop, provider: &Provider) {
    let (id, _, url) = asked_to_confirm(shop).await;
    provider.answer_page(&url, "confirm").await;
    let order = shop.client.order_in(&id, "payment_confirmed").await;
    assert_eq!((&order["payment"]["captured"], &order["payment"]["next_action"]), (&order["total"], &Value::Null));
}

async fn a_customer_refuses(shop: &Shop, provider: &Provider) {
    let (id, sku, url) = asked_to_confirm(shop).await;
    provider.answer_page(&url, "refuse").await;
    let order = shop.client.order_in(&id, "payment_failed").await;
    assert_eq!(order["payment"]["decline_code"], "authentication_failed", "{order}");
    assert_eq!(order["payment"]["next_action"], Value::Null, "{order}");
    assert_eq!(shop.level(&sku).await.reserved, 1);
}

async fn a_customer_confirms_what_was_cancelled(shop: &Shop, provider: &Provider) {
    let (id, sku, url) = asked_to_confirm(shop).await;
    let cancelled = shop.client.cancel(&id).await.expect(200);
    assert_eq!(cancelled["payment"]["next_action"], Value::Null, "nobody is invited to pay any more: {cancelled}");
    provider.answer_page(&url, "confirm").await;
    let order = shop.client.order_with_payment(&id, "voided").await;
    assert_eq!((&order["status"], &order["payment"]["captured"]), (&json!("cancelled"), &json!("0.00")));
    assert_eq!(shop.level(&sku).await.reserved, 0);
}

async fn nothing_is_captured_on_hold(shop: &Shop, provider: &Provider) {
    let (id, _, url) = asked_to_confirm(shop).await;
    let hold = Request::new("POST", &format!("/orders/{id}/hold")).json(&json!({"reason": "looks odd"}));
    let held = shop.client.call(hold.key(&e2e::unique("hold"))).await.expect(200);
    assert_eq!((&held["holds"][0]["source"], &held["holds"][0]["reason"]), (&json!("manual"), &json!("looks odd")));
    provider.answer_page(&url, "confirm").await;
    let order = shop.client.order_with_payment(&id, "authorized").await;
    assert_eq!((&order["status"], &order["payment"]["captured"]), (&json!("payment_pending"), &json!("0.00")));
    let release = Request::new("POST", &format!("/orders/{id}/release")).key(&e2e::unique("release"));
    assert_eq!(shop.client.call(release).await.expect(200)["holds"], json!([]));
    let order = shop.client.order_in(&id, "payment_confirmed").await;
    assert_eq!(order["payment"]["captured"], order["total"]);
    let events = shop.client.events(&id).await;
    let at = |kind: &str| events.iter().position(|event| event["type"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    assert!(at("order.hold_placed") < at("order.payment_authorized"));
    assert!(at("order.hold_released") < at("order.payment_captured"), "nothing is captured while it is held");
}

async fn nothing_to_pay_is_confirmed_at_once(shop: &Shop) {
    let sku = shop.stocked(3).await;
    let order = shop.client.place(&basket::for_free(&sku, 2)).await.expect(201);
    assert_eq!((&order["status"], &order["total"]), (&json!("payment_confirmed"), &json!("0.00")));
    assert_eq!(order["payment"], Value::Null, "{order}");
    let cancelled = shop.client.cancel(&order_id(&order)).await.expect(200);
    assert_eq!((&cancelled["status"], &cancelled["refund_status"]), (&json!("cancelled"), &json!("none")));
    assert_eq!(shop.level(&sku).await.reserved, 0);
}
