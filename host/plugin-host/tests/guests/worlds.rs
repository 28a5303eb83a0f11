//! Every world is spoken: the reference policies and the adapters that use each case, and two revisions side by side.

use domain::bytes::Bytes;
use domain::hooks::carrier::{self, Content};
use domain::hooks::channel;
use domain::hooks::exchange::{Body, Callback, Credential, Entry, Escape, Header, Input, Response, Safety, Step};
use domain::hooks::{Hook, Question, notification, pricing, routing, shipping};
use domain::ids::{MessageId, OrderId, ShipmentId, WarehouseId};
use plugin_host::Plugin;
use uuid::Uuid;

use crate::harness::{Fixture, caller, context, notification_input, routing_input, sku, texas};

async fn answer<Q: Question>(plugin: &Plugin, question: &Q) -> Q::Answer {
    plugin.call(caller(), question).await.result.unwrap()
}

fn ask<O>(operation: O, transcript: Vec<Entry>) -> Input<O> {
    Input { context: context("{}"), operation, transcript }
}

fn answered(status: u16, body: Body) -> Entry {
    Entry::Response(Response { status, headers: Vec::new(), body })
}

#[tokio::test]
async fn promotions_are_taken_off() {
    let plugin = Fixture::new().load("pricing_rules", Hook::Pricing).await;
    let input = pricing::Input {
        context: context(
            r#"{"codes": {"SPRING": {"percent": 10, "name": "Spring"}}, "quantities": [{"from": 3, "amount": 5}]}"#,
        ),
        currency: "USD".parse().unwrap(),
        prices_include_tax: false,
        destination: texas(),
        customer_id: None,
        discount_codes: vec!["spring".into()],
        lines: vec![pricing::Line { line_id: 1, sku: sku("A"), quantity: 4, price: 1000, seller_id: None }],
    };
    let given = answer(&plugin, &input).await;
    assert_eq!(given.lines[0].discount.amount, 20);
    assert_eq!((given.order[0].amount, given.order[0].code.as_deref()), (398, Some("spring")));
}

#[tokio::test]
async fn shipping_is_offered() {
    let plugin = Fixture::new().load("shipping_rules", Hook::Shipping).await;
    let parcel = |id: &str| shipping::Parcel {
        warehouse_id: WarehouseId::parse(id).unwrap(),
        country: "US".into(),
        region: None,
        zip: None,
        items: vec![shipping::Item { line_id: 1, quantity: 1 }],
    };
    let zones = r#"{"zones": [{"services": [{"name": "standard", "cost": 500, "parcel": 300, "days": 2}]}]}"#;
    let input = shipping::Input {
        context: context(zones),
        currency: "USD".parse().unwrap(),
        destination: texas(),
        delivery_preference: None,
        requested_delivery_date: None,
        lines: vec![shipping::Line { line_id: 1, sku: sku("A"), quantity: 2, amount: 1000 }],
        parcels: vec![parcel("WH-1"), parcel("WH-2")],
    };
    let given = answer(&plugin, &input).await;
    assert_eq!((given.options[0].service.as_str(), given.options[0].cost), ("standard", 800));
    assert!(given.options[0].arrives.is_some());
}

#[tokio::test]
async fn an_event_is_announced() {
    let plugin = Fixture::new().load("notification_texts", Hook::Notification).await;
    let input = notification_input("{}");
    let given = answer(&plugin, &input).await;
    let message = &given.messages[0];
    assert_eq!((message.channel.as_str(), &message.to), ("email", &notification::Recipient::Customer));
    assert!(message.text.contains("{{name}}") && message.text.contains("19.99 USD"), "{}", message.text);
}

#[tokio::test]
async fn a_carrier_answers_every_operation() {
    use carrier::{Operation, Outcome};
    let plugin = Fixture::new().load("fixture_carrier_cases", Hook::Carrier).await;
    assert_eq!(plugin.fields().to_string(), "name, street, phone, city, zip");
    assert_eq!(plugin.describe(caller()).await.result.unwrap().settle_after_seconds, 5);
    let shipment_id = ShipmentId::derived(OrderId::new(Uuid::from_u128(1)), 1);
    let parcel = carrier::Parcel {
        shipment_id,
        origin: carrier::Origin {
            warehouse_id: WarehouseId::parse("WH-1").unwrap(),
            name: "Main".into(),
            country: "US".into(),
            region: None,
            zip: None,
        },
        destination: texas(),
        delivery_preference: Some("express".into()),
        items: vec![carrier::Item { sku: sku("A"), title: None, quantity: 3 }],
        value: 1000,
        currency: "USD".parse().unwrap(),
    };
    let Step::Done(Outcome::Offers { offers }) = answer(&plugin, &ask(Operation::Rates(parcel.clone()), vec![])).await
    else {
        panic!("offers were asked for");
    };
    assert_eq!((offers[0].service.as_str(), offers[0].cost), ("express", 520));

    let buy = || Operation::BuyLabel(carrier::LabelOrder { parcel: parcel.clone(), service: None });
    let Step::Request(request) = answer(&plugin, &ask(buy(), vec![])).await else {
        panic!("a label is bought by a request");
    };
    assert_eq!((request.safety, request.fill), (Safety::Unsafe, Some(Escape::Xml)));
    assert_eq!(request.body.0, b"<label><to>{{name}}, {{street}}, 78701</to></label>");
    assert_eq!(request.credential, Some(Credential::Header { name: "X-Api-Key".into(), secret: "carrier".into() }));
    for (body, content) in [
        (Body::Inline { bytes: Bytes(b"pdf".to_vec()) }, Content::Inline { bytes: Bytes(b"pdf".to_vec()) }),
        (Body::Blob { handle: 3, size: 90_000 }, Content::Blob { handle: 3, pointer: Some("/label".into()) }),
    ] {
        let Step::Done(Outcome::Label(label)) = answer(&plugin, &ask(buy(), vec![answered(201, body)])).await else {
            panic!("a label was bought");
        };
        assert_eq!((label.shipment_id, label.document.unwrap().content), (shipment_id, content));
    }

    let bought = carrier::LabelReference { shipment_id, reference: "L-1".into(), tracking_number: "T-1".into() };
    let cancelled = answer(&plugin, &ask(Operation::CancelLabel(bought.clone()), vec![])).await;
    assert_eq!(cancelled, Step::Done(Outcome::Cancelled));
    let Step::Done(Outcome::Tracking { events }) = answer(&plugin, &ask(Operation::Track(bought), vec![])).await else {
        panic!("tracking was asked for");
    };
    assert_eq!(
        events.iter().map(|e| e.status).collect::<Vec<_>>(),
        [carrier::Status::InTransit, carrier::Status::OutForDelivery]
    );
    let query = |reference| Operation::Query(carrier::Query { shipment_id, reference });
    assert_eq!(answer(&plugin, &ask(query(None), vec![])).await, Step::Done(Outcome::NotFound));
    let known = answer(&plugin, &ask(query(Some("L-1".into())), vec![])).await;
    assert!(matches!(known, Step::Done(Outcome::Label(_))));
    let listed = answer(&plugin, &ask(Operation::List { since: context("{}").now }, vec![])).await;
    assert_eq!(listed, Step::Done(Outcome::Labels { labels: vec![] }));

    let header = Header { name: "x-signature".into(), value: "sig".into() };
    let callback = || Operation::Callback(Callback { headers: vec![header.clone()], body: Bytes(b"{}".to_vec()) });
    let verify = answer(&plugin, &ask(callback(), vec![])).await;
    let given = Bytes(b"sig".to_vec());
    assert_eq!(verify, Step::VerifyHmac { secret: "webhook".into(), signed: Bytes(b"{}".to_vec()), given });
    let right = answer(&plugin, &ask(callback(), vec![Entry::Verified { valid: true }])).await;
    assert!(matches!(right, Step::Done(Outcome::Tracking { .. })));
    let wrong = answer(&plugin, &ask(callback(), vec![Entry::Verified { valid: false }])).await;
    assert!(matches!(wrong, Step::Failed { retryable: false, .. }));
}

#[tokio::test]
async fn a_channel_answers_every_operation() {
    use channel::{Operation, Outcome, Receipt, State};
    let plugin = Fixture::new().load("fixture_channel_cases", Hook::Channel).await;
    let message_id = MessageId::new(Uuid::from_u128(7));
    let send = || {
        let text = "Hi {{name}}".into();
        Operation::Send(channel::Message { message_id, address: None, subject: None, text, html: None })
    };
    let Step::Request(request) = answer(&plugin, &ask(send(), vec![])).await else {
        panic!("a message is sent by a request");
    };
    assert_eq!((request.body.0.as_slice(), request.fill), (&b"to={{email}}&text=Hi {{name}}"[..], Some(Escape::Form)));
    let nothing = || Body::Inline { bytes: Bytes::default() };
    let with = |status| vec![answered(status, nothing())];
    let state = |step| match step {
        Step::Done(Outcome::Receipt(Receipt { state, .. })) => state,
        other => panic!("{other:?}"),
    };
    assert_eq!(state(answer(&plugin, &ask(send(), with(202))).await), State::Accepted);
    assert!(matches!(answer(&plugin, &ask(send(), with(429))).await, Step::Wait { callback: false, .. }));
    assert!(matches!(answer(&plugin, &ask(send(), vec![Entry::Waited])).await, Step::Request(_)));
    let declined = answer(&plugin, &ask(send(), with(422))).await;
    assert!(matches!(declined, Step::Declined { code, .. } if code == "no_such_address"));
    let lost = vec![Entry::TransportError { message: "lost".into(), sent: true }];
    assert!(matches!(answer(&plugin, &ask(send(), lost)).await, Step::Failed { retryable: true, .. }));
    let query = |reference| Operation::Query(channel::Query { message_id, reference });
    assert_eq!(state(answer(&plugin, &ask(query(None), vec![])).await), State::NotFound);
    assert_eq!(state(answer(&plugin, &ask(query(Some("M-1".into())), vec![])).await), State::Delivered);
    let body = Bytes(message_id.to_string().into_bytes());
    let callback = answer(&plugin, &ask(Operation::Callback(Callback { headers: vec![], body }), vec![])).await;
    let Step::Done(Outcome::Receipts { receipts }) = callback else { panic!("{callback:?}") };
    assert_eq!((receipts[0].message_id, receipts[0].state), (message_id, State::Bounced));
}

#[tokio::test]
async fn both_revisions_of_a_world_run_side_by_side() {
    let fixture = Fixture::new();
    let old = fixture.load("routing_nearest", Hook::Routing).await;
    let new = fixture.load("fixture_routing_by_value", Hook::Routing).await;
    let priced = |price| {
        let mut input = routing_input();
        (input.currency, input.lines) = (
            Some("USD".parse().unwrap()),
            vec![routing::Line { line_id: 1, sku: sku("C"), quantity: 1, price: Some(price), seller_id: None }],
        );
        input
    };
    let warehouse = |given: routing::Answer| given.plans[0].allocations[0].warehouse_id.to_string();
    let (cheap, dear) = (priced(10_000), priced(10_001));
    // What the old revision cannot say makes no difference to it, and the new one decides by it.
    assert_eq!(answer(&old, &cheap).await, answer(&old, &dear).await);
    let call = new.call(caller(), &dear).await;
    assert_eq!(call.logs[0].message, "10001 USD");
    assert_eq!(
        (warehouse(answer(&new, &cheap).await), warehouse(call.result.unwrap())),
        ("WH-LAX".into(), "WH-NYC".into())
    );
    // An input that was recorded before prices were known is one of both.
    let recorded = serde_json::to_string(&routing_input()).unwrap();
    assert!(!recorded.contains("price") && !recorded.contains("currency"));
    for plugin in [&old, &new] {
        let mut only_c: routing::Input = serde_json::from_str(&recorded).unwrap();
        only_c.lines.retain(|line| line.sku == sku("C"));
        assert_eq!(answer(plugin, &only_c).await.plans.len().min(1), 1);
    }
}
