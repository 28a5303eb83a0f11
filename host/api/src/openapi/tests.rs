use std::collections::BTreeMap;

use bytes::Bytes;
use domain::ids::WarehouseId;

use super::*;
use crate::json::Document as Body;
use crate::problem::Problem;
use crate::routes::{hooks, keys, orders, plugins, secrets, stock};

type Names = BTreeSet<String>;
/// What a reader knows at each place of a body, and which schema describes the place.
type Case<'c> = (BTreeMap<String, Names>, &'c [(&'c str, &'c str)]);

/// What the contract promises so far.
const OPERATIONS: [&str; 57] = [
    "get /api/v1/backtests/{id}",
    "delete /api/v1/backtests/{id}",
    "post /api/v1/decisions/{id}/replay",
    "get /api/v1/events",
    "get /api/v1/hooks",
    "get /api/v1/hooks/{hook}",
    "put /api/v1/hooks/{hook}",
    "post /api/v1/hooks/{hook}/promote",
    "post /api/v1/hooks/{hook}/rollback",
    "get /api/v1/hooks/{hook}/{binding}",
    "put /api/v1/hooks/{hook}/{binding}",
    "delete /api/v1/hooks/{hook}/{binding}",
    "post /api/v1/hooks/{hook}/{binding}/callback/rotate",
    "get /api/v1/hooks/{hook}/{binding}/callbacks",
    "post /api/v1/hooks/{hook}/{binding}/rollback",
    "post /api/v1/inventory/adjust",
    "get /api/v1/inventory/{sku}",
    "put /api/v1/inventory/{sku}/{warehouse}",
    "get /api/v1/keys",
    "post /api/v1/keys",
    "delete /api/v1/keys/{id}",
    "get /api/v1/orders",
    "post /api/v1/orders",
    "post /api/v1/orders/bulk",
    "get /api/v1/orders/{id}",
    "post /api/v1/orders/{id}/cancel",
    "get /api/v1/orders/{id}/decisions",
    "get /api/v1/orders/{id}/events",
    "post /api/v1/orders/{id}/hold",
    "get /api/v1/orders/{id}/ledger",
    "get /api/v1/orders/{id}/messages",
    "post /api/v1/orders/{id}/pay",
    "post /api/v1/orders/{id}/refunds",
    "post /api/v1/orders/{id}/release",
    "post /api/v1/orders/{id}/shipments/{shipment_id}/cancel",
    "post /api/v1/orders/{id}/shipments/{shipment_id}/pack",
    "post /api/v1/orders/{id}/shipments/{shipment_id}/ship",
    "post /api/v1/orders/{id}/shipments/{shipment_id}/split",
    "post /api/v1/orders/{id}/shipments/{shipment_id}/track",
    "get /api/v1/plugins",
    "post /api/v1/plugins",
    "get /api/v1/plugins/{id}",
    "get /api/v1/plugins/{id}/logs",
    "get /api/v1/plugins/{id}/metrics",
    "get /api/v1/plugins/{id}/versions",
    "get /api/v1/plugins/{id}/versions/{version}",
    "post /api/v1/plugins/{id}/versions/{version}/backtest",
    "post /api/v1/plugins/{id}/versions/{version}/run",
    "get /api/v1/search/orders",
    "get /api/v1/secrets",
    "put /api/v1/secrets/{name}",
    "delete /api/v1/secrets/{name}",
    "get /api/v1/warehouses",
    "put /api/v1/warehouses/{id}",
    "post /callbacks/{token}",
    "get /livez",
    "get /readyz",
];

fn document() -> Value {
    let (.., document) = split();
    serde_json::to_value(&document).unwrap()
}

fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        methods
            .as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation.clone()))
    });
    operations.collect()
}

#[test]
fn every_operation_is_named_and_documents_its_refusals() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let operations = operations(&document);
    let mut ids = BTreeSet::new();
    for (name, operation) in &operations {
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}");
        assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{name}");
        let protected = name.contains("/api/v1/");
        assert_eq!(operation["security"].is_array(), protected, "{name}");
        let expected: &[&str] = if protected { &["401", "403", "429", "500", "503"] } else { &[] };
        let with_body: &[&str] = match &operation["requestBody"] {
            Value::Null => &[],
            // Nothing that is called is asked for its form.
            body if body["content"]["*/*"].is_object() => &["400", "413", "422"],
            _ => &["400", "413", "415", "422"],
        };
        for status in expected.iter().chain(with_body) {
            let response = &operation["responses"][status];
            let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Problem", "{name} {status}");
        }
    }
    let names: Vec<&str> = operations.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, OPERATIONS);
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut names = Vec::new();
    references(&document, &mut names);
    assert!(names.len() > 50);
    for name in names {
        assert!(document["components"]["schemas"][&name].is_object(), "{name}");
    }
}

/// What a reader says when it is given a field that it does not know, at each object of a body.
fn known_fields<T>(read: impl Fn(&Body) -> Result<T, Problem>, body: &str) -> BTreeMap<String, Names> {
    let body = Body::parse(Bytes::copy_from_slice(body.as_bytes())).unwrap();
    let problem = read(&body).err().expect("an unknown field is refused").document("r");
    let mut known = BTreeMap::new();
    for error in problem["errors"].as_array().unwrap() {
        let place = error["pointer"].as_str().unwrap().strip_suffix("/?");
        let names = error["detail"].as_str().unwrap().split_once("known are ").map(|(_, names)| names);
        if let (Some(place), Some(names)) = (place, names) {
            let names = names.split(", ").filter(|name| *name != "none").map(str::to_owned);
            known.insert(place.to_owned(), names.collect());
        }
    }
    known
}

fn properties(document: &Value, schema: &str) -> Names {
    let schema = &document["components"]["schemas"][schema];
    assert_eq!(schema["additionalProperties"], false);
    schema["properties"].as_object().map(|p| p.keys().cloned().collect()).unwrap_or_default()
}

fn warehouse() -> WarehouseId {
    WarehouseId::parse("W").unwrap()
}

#[test]
fn readers_and_schemas_know_the_same_fields() {
    let document = document();
    let usd = "USD".parse().unwrap();
    let order = r#"{"?":1,"items":[{"?":1}],"customer":{"?":1},"shipping_address":{"?":1},"billing_address":{"?":1}}"#;
    let flat = r#"{"?":1}"#;
    let candidate = r#"{"?":1,"candidate":{"?":1}}"#;
    let items = r#"{"?":1,"items":[{"?":1}]}"#;
    let changes = r#"{"?":1,"changes":[{"?":1}]}"#;
    let order_places: &[_] = &[
        ("", "PlaceOrder"),
        ("/items/0", "PlaceOrderItem"),
        ("/customer", "PlaceOrderCustomer"),
        ("/shipping_address", "PlaceOrderAddress"),
        ("/billing_address", "PlaceOrderAddress"),
    ];
    let cases: Vec<Case<'_>> = vec![
        (known_fields(|b| orders::place::read(b, usd), order), order_places),
        (known_fields(orders::cancel::read, items), &[("", "CancelOrder"), ("/items/0", "LineUnitsRequest")]),
        (
            known_fields(|b| orders::refund::read(b, usd), items),
            &[("", "RefundOrder"), ("/items/0", "LineUnitsRequest")],
        ),
        (known_fields(orders::shipments::read_cancel, flat), &[("", "CancelShipment")]),
        (known_fields(orders::pay::read, flat), &[("", "PayOrder")]),
        (known_fields(orders::hold::read_hold, flat), &[("", "HoldOrder")]),
        (known_fields(orders::hold::read_release, flat), &[("", "ReleaseOrder")]),
        (known_fields(orders::shipments::read_pack, flat), &[("", "PackShipment")]),
        (known_fields(orders::shipments::read_ship, flat), &[("", "ShipShipment")]),
        (known_fields(orders::shipments::read_track, flat), &[("", "TrackShipment")]),
        (
            known_fields(orders::shipments::read_split, items),
            &[("", "SplitShipment"), ("/items/0", "LineUnitsRequest")],
        ),
        (known_fields(keys::read, flat), &[("", "CreateKey")]),
        (known_fields(hooks::read_binding, candidate), &[("", "BindHook"), ("/candidate", "HookCandidate")]),
        (known_fields(hooks::callbacks::read_grace, flat), &[("", "RotateCallback")]),
        (known_fields(secrets::read_value, flat), &[("", "PutSecret")]),
        (known_fields(plugins::read_input, flat), &[("", "RunVersion")]),
        (known_fields(plugins::read_span, flat), &[("", "StartBacktest")]),
        (known_fields(|b| stock::warehouses::read(b, warehouse()), flat), &[("", "PutWarehouse")]),
        (known_fields(stock::inventory::read_on_hand, flat), &[("", "PutInventory")]),
        (
            known_fields(stock::inventory::read_changes, changes),
            &[("", "AdjustInventory"), ("/changes/0", "StockChange")],
        ),
    ];
    let mut compared = BTreeSet::new();
    for (known, places) in cases {
        for (place, schema) in places {
            assert_eq!(known[*place], properties(&document, schema), "{schema}");
            compared.insert((*schema).to_owned());
        }
    }
    let all: Names = request_schemas(&document).into_iter().filter(|name| name != "Money").collect();
    assert_eq!(compared, all);
}

#[test]
fn what_a_reader_requires_the_schema_requires() {
    let document = document();
    let required = |schema: &str| -> Names {
        let names = document["components"]["schemas"][schema]["required"].as_array().cloned().unwrap_or_default();
        names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let empty = Body::empty_object();
    let missing = |problem: Option<Problem>| -> Names {
        let document = problem.expect("something is required").document("r");
        let pointers = document["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap());
        pointers.map(|pointer| pointer.rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(missing(orders::place::read(&empty, "USD".parse().unwrap()).err()), required("PlaceOrder"));
    assert_eq!(missing(orders::cancel::read(&empty).err()), required("CancelOrder"));
    assert_eq!(missing(orders::pay::read(&empty).err()), required("PayOrder"));
    assert_eq!(missing(orders::shipments::read_cancel(&empty).err()), required("CancelShipment"));
    assert_eq!(missing(orders::hold::read_hold(&empty).err()), required("HoldOrder"));
    assert_eq!(missing(orders::shipments::read_split(&empty).err()), required("SplitShipment"));
    assert_eq!(missing(keys::read(&empty).err()), required("CreateKey"));
    assert_eq!(missing(hooks::read_binding(&empty).err()), required("BindHook"));
    assert_eq!(missing(secrets::read_value(&empty).err()), required("PutSecret"));
    assert_eq!(missing(plugins::read_input(&empty).err()), required("RunVersion"));
    assert_eq!(missing(stock::warehouses::read(&empty, warehouse()).err()), required("PutWarehouse"));
    assert_eq!(missing(stock::inventory::read_on_hand(&empty).err()), required("PutInventory"));
    assert_eq!(missing(stock::inventory::read_changes(&empty).err()), required("AdjustInventory"));
}
