//! The table of refusals, and those that a table cannot say.

use e2e::client::{Request, escape};
use e2e::{basket, eventually, unique};
use serde_json::json;

use super::{Case, Stage, keyed, post};

/// An id of a shipment that nobody has.
const NO_SHIPMENT: &str = "shp_00000000000000000000000001";
/// One more than the largest body.
const TOO_LARGE: usize = 1024 * 1024 + 1;
/// An id of an order that nobody has.
const NOBODYS: &str = "ord_00000000000000000000000001";

pub fn all(stage: &Stage) -> Vec<Case> {
    let parts = [
        malformed(),
        missing(stage),
        conflicts(stage),
        impossible(stage),
        baskets(stage),
        commands(stage),
        queries(),
        stock(stage),
        plugins(),
        super::observed::cases(),
    ];
    parts.into_iter().flatten().collect()
}

/// 400, 413 and 415.
fn malformed() -> Vec<Case> {
    let basket = basket::of("SKU", 1);
    let with_key = |key: &[u8]| post("/orders").json(&basket).header("idempotency-key", key);
    let typed = |content_type: &str| {
        let request = post("/orders").key("k").header("content-type", content_type);
        Request { body: Some(basket.to_string().into_bytes()), ..request }
    };
    let invalid = |name, key: &[u8]| Case::new(name, with_key(key), 400, "idempotency_key_invalid");
    let twice = with_key(b"a").key("b");
    let two_tags =
        keyed(&format!("/orders/{NOBODYS}/cancel"), &json!({"reason": "x"})).header("if-match", "\"1\", \"2\"");
    vec![
        Case::new("no key", post("/orders").json(&basket), 400, "idempotency_key_required"),
        invalid("an empty key", b""),
        invalid("a key with a space", b"a b"),
        invalid("a key that is not ASCII", "schl\u{fc}ssel".as_bytes()),
        invalid("a long key", &[b'x'; 256]),
        Case::new("two keys", twice, 400, "idempotency_key_invalid"),
        Case::new("no JSON", post("/orders").raw("{").key("k"), 400, "malformed_json"),
        Case::new("no body", post("/orders").raw("").key("k"), 400, "malformed_json"),
        Case::new("two versions", two_tags, 400, "bad_request"),
        Case::new("text", typed("text/plain"), 415, "unsupported_media_type"),
        Case::new("a form", typed("application/x-www-form-urlencoded"), 415, "unsupported_media_type"),
        Case::new("an unknown type", post("/keys").header("content-type", "x"), 415, "unsupported_media_type"),
    ]
}

/// Required keys on commands, 404 and 405.
fn missing(stage: &Stage) -> Vec<Case> {
    let order = &stage.failed;
    let at = |command: &str| format!("/orders/{order}/{command}");
    let no_key = |name, command: &str| {
        let body = json!({"reason": "x", "payment_method_id": "pm_ok"});
        Case::new(name, post(&at(command)).json(&body), 400, "idempotency_key_required")
    };
    let nothing = |name, method: &str, path: &str| Case::new(name, Request::new(method, path), 404, "not_found");
    let command = |name, command: &str, body| {
        Case::new(name, keyed(&format!("/orders/{NOBODYS}/{command}"), &body), 404, "not_found")
    };
    let wrong = |name, method: &str, path: &str| Case::new(name, Request::new(method, path), 405, "method_not_allowed");
    let warehouse = Request::new("PUT", "/inventory/SKU/NOWHERE").json(&json!({"on_hand": 1}));
    vec![
        no_key("pay without a key", "pay"),
        no_key("cancel without a key", "cancel"),
        no_key("refund without a key", "refunds"),
        no_key("ship without a key", &format!("shipments/{NO_SHIPMENT}/ship")),
        nothing("an order that nobody has", "GET", &format!("/orders/{NOBODYS}")),
        nothing("its events", "GET", &format!("/orders/{NOBODYS}/events")),
        nothing("its decisions", "GET", &format!("/orders/{NOBODYS}/decisions")),
        nothing("its messages", "GET", &format!("/orders/{NOBODYS}/messages")),
        nothing("what is no id", "GET", "/orders/17"),
        nothing("the id of something else", "GET", "/orders/shp_00000000000000000000000001"),
        nothing("an id with a NUL", "GET", "/orders/ord_%00"),
        nothing("a path that is not there", "GET", "/oders"),
        nothing("a SKU that cannot be", "GET", "/inventory/%01"),
        nothing("a key that is not there", "DELETE", "/keys/key_00000000000000000000000001"),
        Case::new("stock in a warehouse that is not there", warehouse, 404, "not_found"),
        Case::new(
            "a shipment that is not there",
            keyed(&format!("/orders/{}/shipments/{NO_SHIPMENT}/ship", stage.confirmed), &json!({})),
            404,
            "not_found",
        ),
        command("refunding nothing", "refunds", json!({"reason": "x", "amount": 1})),
        command("cancelling no shipment", &format!("shipments/{NO_SHIPMENT}/cancel"), json!({"reason": "x"})),
        command("packing nothing", &format!("shipments/{NO_SHIPMENT}/pack"), json!({})),
        command("cancelling nothing", "cancel", json!({"reason": "x"})),
        command("paying nothing", "pay", json!({"payment_method_id": "pm_ok"})),
        command("holding nothing", "hold", json!({"reason": "x"})),
        command("releasing nothing", "release", json!({})),
        wrong("deleting orders", "DELETE", "/orders"),
        wrong("posting to an order", "POST", &format!("/orders/{order}")),
        wrong("getting a command", "GET", &at("cancel")),
        wrong("posting a search", "POST", "/search/orders"),
    ]
}

/// 409 and 412.
fn conflicts(stage: &Stage) -> Vec<Case> {
    let command = |order: &str, command: &str, body| keyed(&format!("/orders/{order}/{command}"), &body);
    let method = json!({"payment_method_id": "pm_ok"});
    let reason = json!({"reason": "x"});
    let stale = |name, what: &str, body| {
        let request = command(&stage.confirmed, what, body).header("if-match", "\"1\"");
        Case::new(name, request, 412, "precondition_failed")
    };
    let nonsense = command(&stage.confirmed, "cancel", reason.clone()).header("if-match", "yesterday");
    let named = basket::with(basket::of(&stage.sku, 1), json!({"external_id": stage.external_id}));
    let pay = |name, order: &str| Case::new(name, command(order, "pay", method.clone()), 409, "illegal_transition");
    vec![
        pay("paying what is paid", &stage.confirmed),
        pay("paying what is cancelled", &stage.cancelled),
        Case::new("holding what is over", command(&stage.cancelled, "hold", reason.clone()), 409, "illegal_transition"),
        Case::new("releasing what is not held", command(&stage.confirmed, "release", json!({})), 409, "not_on_hold"),
        Case::new("an external id again", keyed("/orders", &named), 409, "duplicate_external_id").at(&["/external_id"]),
        stale("cancelling an old version", "cancel", reason.clone()),
        stale("holding an old version", "hold", reason),
        stale("releasing an old version", "release", json!({})),
        stale("paying an old version", "pay", method),
        Case::new("a version that never was", nonsense, 412, "precondition_failed"),
    ]
}

/// 422 without a fault of form.
fn impossible(stage: &Stage) -> Vec<Case> {
    let order = |members| keyed("/orders", &basket::with(basket::of(&stage.sku, 1), members));
    let line = |price: &str, quantity: u32| json!({"sku_id": stage.sku, "quantity": quantity, "price": price});
    let dear: Vec<_> = (0..1_000).map(|_| line("9999999999999.99", 1_000_000)).collect();
    let part = json!({"reason": "x", "items": [{"line_id": 1, "quantity": 2}]});
    let part = keyed(&format!("/orders/{}/cancel", stage.confirmed), &part);
    let refund = keyed(&format!("/orders/{}/refunds", stage.failed), &json!({"reason": "x", "amount": "0.01"}));
    vec![
        Case::new("no stock", order(json!({"items": [line("1.00", 101)]})), 422, "out_of_stock"),
        Case::new("a quote", order(json!({"quote_id": "q-1"})), 422, "quote_not_found").at(&["/quote_id"]),
        Case::new("too much money", order(json!({"items": dear})), 422, "total_too_large").at(&["/items"]),
        Case::new("more than was ordered", part, 422, "invalid_request").at(&["/items/0/quantity"]),
        Case::new("more than was paid", refund, 422, "refund_exceeds_captured"),
    ]
}

/// 422 with faults of form: every one of them at once.
fn baskets(stage: &Stage) -> Vec<Case> {
    let raw = |name, body: &str, pointers: &[&'static str]| {
        Case::new(name, post("/orders").raw(body).key("k"), 422, "invalid_request").at(pointers)
    };
    let with = |name, members, pointers: &[&'static str]| {
        let basket = basket::with(basket::of(&stage.sku, 1), members);
        Case::new(name, keyed("/orders", &basket), 422, "invalid_request").at(pointers)
    };
    let line = |members| {
        let line = basket::with(json!({"sku_id": stage.sku, "quantity": 1, "price": 1}), members);
        json!({"items": [line]})
    };
    let many = json!({"items": vec![json!({"sku_id": stage.sku, "quantity": 1, "price": 1}); 1_001]});
    let half = json!([{"sku_id": stage.sku, "quantity": 1, "price": "1.5"}]);
    let yen = json!({"currency": "JPY", "items": half, "shipping_cost": 1});
    let required = ["/items", "/shipping_address", "/payment_method_id"];
    let twice = ["/items", "/items", "/shipping_address", "/payment_method_id"];
    vec![
        everything_wrong(),
        raw("nothing", "{}", &required),
        raw("a list", "[]", &[""]),
        raw("null", "null", &[""]),
        raw("a field given twice", r#"{"items": 1, "items": 2}"#, &twice),
        with("no lines", json!({"items": []}), &["/items"]),
        with("too many lines", many, &["/items"]),
        with("half a yen", yen, &["/items/0/price"]),
        with("a unit too many", line(json!({"quantity": 1_000_001})), &["/items/0/quantity"]),
        with("a long SKU", line(json!({"sku_id": "x".repeat(101)})), &["/items/0/sku_id"]),
        with("a field with signs in its name", json!({"a/b~c": 1}), &["/a~1b~0c"]),
        with("a country of its own", json!({"shipping_address": {"country": "XX"}}), &["/shipping_address/country"]),
    ]
}

/// A basket in which nothing is as it should be.
fn everything_wrong() -> Case {
    let basket = json!({
        "items": [
            {"sku_id": "", "quantity": 0, "price": -1},
            {"sku_id": 5, "quantity": "2", "price": true, "colour": "blue"},
            {"sku_id": "A", "quantity": 1.5, "price": "1.234"},
            7,
        ],
        "currency": "XXZ", "prices_include_tax": "no", "discount_codes": "SPRING",
        "customer": {"email": "nobody", "age": 7},
        "shipping_address": {"country": "USA", "zip": 78701}, "billing_address": [], "shipping_cost": "free",
        "payment_method_id": "", "requested_delivery_date": "2026-02-30", "external_id": "", "metadata": 5, "note": "hello",
    });
    let pointers = "/items/0/sku_id /items/0/quantity /items/0/price /items/1/sku_id /items/1/quantity /items/1/price \
        /items/1/colour /items/2/quantity /items/2/price /items/3 /currency /prices_include_tax /discount_codes \
        /customer/email /customer/age /shipping_address/country /shipping_address/zip /billing_address /shipping_cost \
        /payment_method_id /requested_delivery_date /external_id /metadata /note";
    let pointers: Vec<&'static str> = pointers.split_whitespace().collect();
    Case::new("all faults at once", keyed("/orders", &basket), 422, "invalid_request").at(&pointers)
}

/// 422 of everything that is no basket.
fn commands(stage: &Stage) -> Vec<Case> {
    let command = |name, order: &str, command: &str, body, pointers: &[&'static str]| {
        let request = keyed(&format!("/orders/{order}/{command}"), &body);
        Case::new(name, request, 422, "invalid_request").at(pointers)
    };
    let key = |name, body, pointers: &[&'static str]| {
        Case::new(name, post("/keys").json(&body), 422, "invalid_request").at(pointers)
    };
    let long = json!({"reason": "x".repeat(501)});
    let amount = json!({"amount": 1});
    let split = format!("shipments/{NO_SHIPMENT}/split");
    vec![
        command("a cancel without a reason", &stage.confirmed, "cancel", json!({}), &["/reason"]),
        command("a long reason", &stage.confirmed, "hold", long, &["/reason"]),
        command("a pay without a method", &stage.failed, "pay", amount, &["/payment_method_id", "/amount"]),
        command("a release with a wish", &stage.confirmed, "release", json!({"reason": "x"}), &["/reason"]),
        command("a refund of nothing", &stage.confirmed, "refunds", json!({"reason": "x"}), &["/amount"]),
        command("a refund of zero", &stage.confirmed, "refunds", json!({"reason": "x", "amount": 0}), &["/amount"]),
        command(
            "a refund of parts of cents",
            &stage.confirmed,
            "refunds",
            json!({"amount": "0.001", "cause": "x"}),
            &["/amount", "/reason", "/cause"],
        ),
        command("a split of nothing", &stage.confirmed, &split, json!({"items": []}), &["/items"]),
        command(
            "a split of a line and a half",
            &stage.confirmed,
            &split,
            json!({"items": [{"line_id": 0, "quantity": 1.5, "colour": "blue"}]}),
            &["/items/0/line_id", "/items/0/quantity", "/items/0/colour"],
        ),
        command(
            "a report of what cannot be",
            &stage.confirmed,
            &format!("shipments/{NO_SHIPMENT}/track"),
            json!({"status": "lost", "estimated_delivery": "soon", "carrier": "", "speed": 1}),
            &["/status", "/estimated_delivery", "/carrier", "/speed"],
        ),
        key("a key for nothing", json!({"name": "", "scopes": ["root"]}), &["/name", "/scopes/0"]),
        key("a key without scopes", json!({"name": "x", "scopes": []}), &["/scopes"]),
    ]
}

/// Lists and searches.
fn queries() -> Vec<Case> {
    let get = |path: &str| Request::new("GET", path);
    let invalid =
        |name, path: &str, pointers: &[&'static str]| Case::new(name, get(path), 422, "invalid_request").at(pointers);
    let query = |name, q: &str| {
        Case::new(name, get(&format!("/search/orders?q={}", escape(q))), 422, "invalid_query").at(&["/q"])
    };
    let all = "/orders?limit=0&status=lost&placed_from=yesterday&placed_to=2026-02-30&stauts=placed";
    vec![
        invalid("all faults of a list", all, &["/limit", "/status", "/placed_from", "/placed_to", "/stauts"]),
        invalid("too long a page", "/orders?limit=201", &["/limit"]),
        invalid("a parameter twice", "/orders?limit=1&limit=2", &["/limit"]),
        invalid("a type that is not there", "/events?type=order.lost", &["/type"]),
        invalid("a search by whim", "/search/orders?sort=whim&from=never", &["/sort", "/from"]),
        Case::new("a cursor of nobody's", get("/orders?cursor=abc"), 400, "invalid_cursor"),
        Case::new("a search's cursor of nobody's", get("/search/orders?cursor=abc"), 400, "invalid_cursor"),
        Case::new("an event's cursor of nobody's", get("/events?after=abc"), 400, "invalid_cursor"),
        query("an open quote", "\"mug"),
        query("an unknown field", "colour:blue"),
        query("a field without a value", "status:"),
        query("a day that is not there", "placed:2026-13"),
        query("a total in words", "total:>much"),
        query("nothing but signs", "!!!"),
    ]
}

/// Warehouses and stock.
fn stock(stage: &Stage) -> Vec<Case> {
    let put = |path: &str, body| Request::new("PUT", path).json(&body);
    let level = |body| put(&format!("/inventory/{}/WH-TEST", stage.sku), body);
    let change = |sku: &str, warehouse: &str, delta: i64| json!({"sku": sku, "warehouse": warehouse, "delta": delta});
    let adjust = |changes: serde_json::Value| post("/inventory/adjust").json(&json!({"changes": changes}));
    let house = json!({"name": "", "country": "us", "latitude": 91, "longitude": "west", "priority": 1e7, "cutoff": "25:00",
        "time_zone": "Mars/Olympus", "colour": "red"});
    let faults = ["/name", "/country", "/latitude", "/longitude", "/priority", "/cutoff", "/time_zone", "/colour"];
    let good = change(&stage.sku, "WH-TEST", 5);
    let invalid =
        |name, request, pointers: &[&'static str]| Case::new(name, request, 422, "invalid_request").at(pointers);
    vec![
        invalid("all faults of a warehouse", put("/warehouses/W", house), &faults),
        invalid("a warehouse without a place", put("/warehouses/W", json!({})), &["/name", "/country"]),
        invalid("less than nothing", level(json!({"on_hand": -1})), &["/on_hand"]),
        invalid("more than a house holds", level(json!({"on_hand": 1_000_000_001})), &["/on_hand"]),
        Case::new("less than is promised", level(json!({"on_hand": 0})), 409, "stock_reserved"),
        Case::new(
            "taking what is promised",
            adjust(json!([good, change(&stage.sku, "WH-TEST", -110)])),
            409,
            "stock_reserved",
        ),
        Case::new("nowhere", adjust(json!([good, change(&stage.sku, "NOWHERE", 1)])), 422, "unknown_warehouse")
            .at(&["/changes/1/warehouse"]),
        invalid(
            "too many together",
            adjust(json!([good, change(&stage.sku, "WH-TEST", 1_000_000_000)])),
            &["/changes"],
        ),
        invalid("no changes", adjust(json!([])), &["/changes"]),
        invalid(
            "a change of nothing",
            adjust(json!([{}])),
            &["/changes/0/sku", "/changes/0/warehouse", "/changes/0/delta"],
        ),
    ]
}

/// Members and headers that some refusals carry besides.
pub async fn members(stage: &Stage) {
    let client = &stage.shop.client;
    let basket = basket::of_lines(&[(&stage.sku, 101), ("NOT-THERE", 2), ("NOT-THERE", 3)]);
    let reply = client.send(keyed("/orders", &basket)).await;
    reply.expect_refusal(422, "out_of_stock");
    let available = 100 - stage.shop.level(&stage.sku).await.reserved;
    let mut items = reply.body["items"].as_array().expect("items").clone();
    items.sort_by_key(|item| item["sku_id"] == stage.sku);
    let expected = [
        json!({"sku_id": "NOT-THERE", "requested": 5, "available": 0}),
        json!({"sku_id": stage.sku, "requested": 101, "available": available}),
    ];
    assert_eq!(items, expected);

    let named = basket::with(basket::of(&stage.sku, 1), json!({"external_id": stage.external_id}));
    let reply = client.send(keyed("/orders", &named)).await;
    assert_eq!(reply.body["order_id"], stage.confirmed);
    assert_eq!(reply.header("location"), format!("/api/v1/orders/{}", stage.confirmed));

    let reply =
        client.send(keyed(&format!("/orders/{}/pay", stage.confirmed), &json!({"payment_method_id": "pm_ok"}))).await;
    assert_eq!((&reply.body["from"], &reply.body["to"]), (&json!("payment_confirmed"), &json!("payment_pending")));

    let stale =
        keyed(&format!("/orders/{}/cancel", stage.confirmed), &json!({"reason": "x"})).header("if-match", "\"1\"");
    let reply = client.send(stale).await;
    assert_eq!(reply.body["current_version"], client.order(&stage.confirmed).await["version"]);

    let reply = client.send(Request::new("DELETE", "/orders")).await;
    let mut allowed: Vec<&str> = reply.header("allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);

    let query = format!("/search/orders?q={}", escape("mug colour:blue"));
    let reply = client.send(Request::new("GET", &query)).await;
    assert_eq!((&reply.body["offset"], &reply.body["length"]), (&json!(4), &json!(6)), "{}", reply.text);

    // The answer may come while the body is still being sent; the connection then lasts until it is.
    let reply = client.send(post("/orders").raw(vec![b' '; TOO_LARGE]).key("k")).await;
    super::assert_problem("a large body", &reply);
    reply.expect_refusal(413, "body_too_large");

    let events = client.get("/events?limit=1").await.expect(200);
    let foreign = events["next_cursor"].as_str().expect("there is more");
    let reply = client.send(Request::new("GET", &format!("/orders?cursor={}", escape(foreign)))).await;
    reply.expect_refusal(400, "invalid_cursor");
}

/// Of plugins, hooks and secrets.
fn plugins() -> Vec<Case> {
    let put = |path: &str, body: &serde_json::Value| Request::new("PUT", path).json(body);
    let any = |request: Request| request.header("if-match", "*");
    let bind = |body| any(put("/hooks/routing", &body));
    let upload = |query: &str| {
        let request = post(&format!("/plugins{query}")).header("content-type", "application/wasm");
        Request { body: Some(b"\0asm".to_vec()), ..request }
    };
    let reference = json!({"plugin": "routing-nearest"});
    let nobodys = "/plugins/plg_00000000000000000000000001";
    let invalid = |name, request| Case::new(name, request, 422, "invalid_request");
    vec![
        Case::new("a component as JSON", post("/plugins?name=x").json(&json!({})), 415, "unsupported_media_type"),
        invalid("no name", upload("")).at(&["/name"]),
        invalid("an unknown parameter", upload("?name=x&nmae=y")).at(&["/nmae"]),
        invalid("a long name", upload(&format!("?name={}", "x".repeat(101)))).at(&["/name"]),
        Case::new("nobody's plugin", Request::new("GET", nobodys), 404, "not_found"),
        Case::new("a plugin's name for its id", Request::new("GET", "/plugins/routing-nearest"), 404, "not_found"),
        Case::new(
            "a run of nobody's",
            post(&format!("{nobodys}/versions/1/run")).json(&json!({"input": {}})),
            404,
            "not_found",
        ),
        invalid("no input", post(&format!("{nobodys}/versions/1/run")).json(&json!({}))).at(&["/input"]),
        invalid(
            "a back-test of none",
            post(&format!("{nobodys}/versions/1/backtest")).json(&json!({"limit": 0, "from": "soon"})),
        )
        .at(&["/limit", "/from"]),
        Case::new(
            "nobody's back-test",
            Request::new("GET", "/backtests/bkt_00000000000000000000000001"),
            404,
            "not_found",
        ),
        Case::new("nobody's decision", post("/decisions/dec_00000000000000000000000001/replay"), 404, "not_found"),
        Case::new("an unknown hook", Request::new("GET", "/hooks/magic"), 404, "not_found"),
        Case::new("a name that cannot be one", any(put("/hooks/payment/Second", &reference)), 404, "not_found"),
        Case::new("a policy with a name", any(put("/hooks/routing/main", &reference)), 404, "not_found"),
        Case::new("nothing under a name", Request::new("GET", "/hooks/carrier/x-ups"), 404, "not_found"),
        Case::new("ending nothing", any(Request::new("DELETE", "/hooks/carrier/x-ups")), 404, "not_found"),
        Case::new("ending just so", Request::new("DELETE", "/hooks/payment/main"), 428, "precondition_required"),
        Case::new(
            "ending what has changed",
            Request::new("DELETE", "/hooks/payment/main").header("if-match", "\"77\""),
            412,
            "precondition_failed",
        ),
        Case::new("payments that nobody sends", any(put("/hooks/payment/second", &reference)), 422, "hook_not_asked"),
        Case::new("an adapter's hook without a name", Request::new("GET", "/hooks/payment"), 404, "not_found"),
        Case::new("nothing before under a name", post("/hooks/carrier/x-ups/rollback"), 409, "nothing_to_roll_back"),
        Case::new("an adapter without a binding", any(put("/hooks/payment", &reference)), 404, "not_found"),
        Case::new("no revision", put("/hooks/routing", &reference), 428, "precondition_required"),
        Case::new(
            "an old revision",
            put("/hooks/routing", &reference).header("if-match", "\"77\""),
            412,
            "precondition_failed",
        ),
        Case::new("another hook", any(put("/hooks/tax", &reference)), 409, "other_hook"),
        Case::new("no candidate", post("/hooks/risk/promote"), 409, "nothing_to_promote"),
        Case::new("nothing before", post("/hooks/risk/rollback"), 409, "nothing_to_roll_back"),
        invalid("no plugin", bind(json!({}))).at(&["/plugin"]),
        invalid("an unknown plugin", bind(json!({"plugin": "nobody"}))).at(&["/plugin"]),
        invalid("an unknown version", bind(json!({"plugin": "routing-nearest", "version": "99"}))).at(&["/version"]),
        invalid("no adapter", any(put("/hooks/payment/main", &json!({"plugin": "native"})))).at(&["/plugin"]),
        invalid(
            "bad settings",
            bind(json!({"plugin": "x", "config": [], "hosts": ["nowhere"], "on_failure": "panic"})),
        )
        .at(&["/config", "/hosts/0", "/on_failure"]),
        invalid(
            "a canary of everything",
            bind(json!({"plugin": "x", "candidate": {"version": "1", "mode": "pigeon", "percent": 101}})),
        )
        .at(&["/candidate/mode", "/candidate/percent"]),
        invalid(
            "a canary of nothing",
            bind(json!({"plugin": "routing-nearest", "candidate": {"version": "1", "mode": "canary"}})),
        )
        .at(&["/candidate/percent"]),
        invalid(
            "a candidate of an adapter",
            any(put(
                "/hooks/payment/main",
                &json!({"plugin": "payment-sandbox", "candidate": {"version": "1", "mode": "shadow"}}),
            )),
        )
        .at(&["/candidate"]),
        invalid("a secret without a value", put("/secrets/some", &json!({}))).at(&["/value"]),
        Case::new("an unknown secret", Request::new("DELETE", "/secrets/some"), 404, "not_found"),
    ]
}

/// 401 and 403.
pub async fn keys_and_scopes(stage: &Stage) {
    let client = &stage.shop.client;
    for bad in ["Bearer", "Bearer ", "Basic abc", "ow_abc", "Bearer ow_abc", "Bearer \u{fc}"] {
        for (method, path) in super::merchants::OPERATIONS {
            let path = path.replace("{order}", &stage.confirmed);
            let reply = client.send(Request::new(method, &path).header("authorization", bad)).await;
            super::assert_problem(bad, &reply);
            reply.expect_refusal(401, "unauthorized");
            assert!(reply.header("www-authenticate").starts_with("Bearer realm="), "{bad}");
        }
    }
    client.with_key("").send(Request::new("GET", "/orders")).await.expect_refusal(401, "unauthorized");

    let scopes =
        ["orders:read", "orders:write", "inventory:write", "plugins:write", "webhooks:write", "support", "admin"];
    for scope in scopes {
        let made = client.send(post("/keys").json(&json!({"name": scope, "scopes": [scope]}))).await.expect(201);
        let holder = client.with_key(made["key"].as_str().expect("a secret"));
        for (method, path) in super::merchants::OPERATIONS {
            let path = path.replace("{order}", &stage.confirmed);
            // Without a body, so that nothing happens where the scope suffices.
            let reply = holder.send(Request::new(method, &path)).await;
            let suffices = needed(method, &path).contains(&scope);
            assert_eq!(reply.status != 403, suffices, "{scope}: {method} {path}: {}", reply.text);
            if !suffices {
                reply.expect_refusal(403, "forbidden");
                assert_eq!(reply.body["scopes_needed"], json!(needed(method, &path)), "{method} {path}");
            }
        }
        let id = made["key_id"].as_str().expect("an id");
        assert_eq!(client.send(Request::new("DELETE", &format!("/keys/{id}"))).await.status, 204);
        eventually("a removed key is refused", async || {
            let reply = holder.send(Request::new("GET", "/orders")).await;
            if reply.status == 401 { Ok(()) } else { Err(reply.text) }
        })
        .await;
    }
    let unknown = client.with_key(&format!("ow_{}", unique("x"))).send(Request::new("GET", "/orders")).await;
    unknown.expect_refusal(401, "unauthorized");
}

/// The scopes of which an operation needs one.
fn needed(method: &str, path: &str) -> &'static [&'static str] {
    let is_stock = path.starts_with("/inventory") || path.starts_with("/warehouses");
    match method {
        _ if path.starts_with("/keys") => &["admin"],
        _ if ["/plugins", "/hooks", "/secrets", "/backtests", "/decisions"].iter().any(|of| path.starts_with(of)) => {
            &["plugins:write"]
        }
        "GET" if is_stock => &["inventory:write", "orders:read"],
        "GET" => &["orders:read"],
        _ if is_stock => &["inventory:write"],
        _ => &["orders:write"],
    }
}
