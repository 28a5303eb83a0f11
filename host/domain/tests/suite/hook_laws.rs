//! What the shipping and notification policies and the carrier and channel adapters may answer: a case for every law.

use domain::bytes::Bytes;
use domain::hooks::carrier::{self, Content, Document, Label, LabelReference, Offer, Tracking};
use domain::hooks::channel::{self, Receipt, State};
use domain::hooks::exchange::{Callback, Credential, Input, Request, Safety, Step};
use domain::hooks::notification::{self, Message, Recipient};
use domain::hooks::shipping;
use domain::hooks::{Context, LawBroken, PersonalField, PersonalFields, Question, risk};
use domain::ids::{CustomerId, MessageId, OrderId, ShipmentId};
use uuid::Uuid;

use crate::baskets::{START, destination};

fn context() -> Context {
    Context { now: START, config: "{}".to_owned() }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, LawBroken>, named: &str) {
    let refusal = answer.expect_err(named);
    assert!(refusal.to_string().contains(named), "{named}: {refusal}");
}

#[test]
fn shipping_keeps_the_laws() {
    let input = shipping::Input {
        context: context(),
        currency: "EUR".parse().unwrap(),
        destination: destination("DE"),
        delivery_preference: None,
        requested_delivery_date: None,
        lines: Vec::new(),
        parcels: Vec::new(),
    };
    let offer = shipping::Offer { service: "standard".to_owned(), cost: 490, arrives: Some(START.date()) };
    let with = |change: &dyn Fn(&mut shipping::Offer)| {
        let mut changed = offer.clone();
        change(&mut changed);
        shipping::Answer { options: vec![offer.clone(), changed] }
    };
    assert!(input.validate(with(&|_| {})).is_ok());
    assert!(input.validate(with(&|o| o.arrives = Some(START.plus_seconds(366 * 86_400).date()))).is_ok());
    refused(input.validate(shipping::Answer { options: vec![] }), "0 options are offered");
    refused(input.validate(shipping::Answer { options: vec![offer.clone(); 21] }), "21 options are offered");
    refused(input.validate(with(&|o| o.cost = -1)), "option 2: a cost of -1");
    refused(input.validate(with(&|o| o.cost = i64::MAX)), "larger than can be computed with");
    refused(input.validate(with(&|o| o.service = "a\nb".to_owned())), "option 2: the service");
    refused(input.validate(with(&|o| o.arrives = Some(START.plus_seconds(-86_400).date()))), "it arrives on");
    refused(input.validate(with(&|o| o.arrives = Some(START.plus_seconds(368 * 86_400).date()))), "it arrives on");
}

#[test]
fn notification_keeps_the_laws() {
    let input = notification::Input {
        context: context(),
        event: notification::Event { name: "order.placed".to_owned(), at: START, version: 1, reason: None },
        order: notification::Order {
            order_id: OrderId::new(Uuid::from_u128(1)),
            external_id: None,
            status: "placed".to_owned(),
            currency: "EUR".parse().unwrap(),
            total: 1,
            country: "DE".to_owned(),
            estimated_delivery: None,
            lines: Vec::new(),
            shipments: Vec::new(),
        },
    };
    let message = Message {
        channel: "email".to_owned(),
        to: Recipient::Customer,
        subject: None,
        text: "Hi\n{{name}}".to_owned(),
        html: None,
    };
    let with = |change: &dyn Fn(&mut Message)| {
        let mut changed = message.clone();
        change(&mut changed);
        notification::Answer { messages: vec![message.clone(), changed] }
    };
    assert!(input.validate(with(&|_| {})).is_ok());
    refused(input.validate(notification::Answer { messages: vec![message.clone(); 11] }), "11 messages");
    refused(input.validate(with(&|m| m.channel = "E mail".to_owned())), "message 2: the channel");
    refused(input.validate(with(&|m| m.to = Recipient::Address(String::new()))), "message 2: the address");
    refused(input.validate(with(&|m| m.subject = Some("a\r\nBcc: b".to_owned()))), "message 2: the subject");
    refused(input.validate(with(&|m| m.text.clear())), "message 2: the text");
    refused(input.validate(with(&|m| m.text = "x".repeat(20_001))), "message 2: the text");
    refused(input.validate(with(&|m| m.html = Some("x".repeat(100_001)))), "message 2: the HTML");
}

fn shipment(number: u32) -> ShipmentId {
    ShipmentId::derived(OrderId::new(Uuid::from_u128(1)), number)
}

fn label(number: u32) -> Label {
    Label {
        shipment_id: shipment(number),
        reference: "L-1".to_owned(),
        tracking_number: "T-1".to_owned(),
        cost: Some(490),
        arrives: None,
        document: None,
    }
}

fn event(tracking_number: &str) -> Tracking {
    Tracking {
        tracking_number: tracking_number.to_owned(),
        id: "1".to_owned(),
        at: START,
        status: carrier::Status::InTransit,
        text: "Leipzig".to_owned(),
        arrives: None,
    }
}

#[test]
fn a_carrier_keeps_the_laws() {
    use carrier::{Operation, Outcome};
    let ask = |operation: Operation, outcome: Outcome| {
        Input { context: context(), operation, transcript: Vec::new() }.validate(Step::Done(outcome))
    };
    let query = || Operation::Query(carrier::Query { shipment_id: shipment(1), reference: None });
    let track = || {
        Operation::Track(LabelReference {
            shipment_id: shipment(1),
            reference: "L-1".to_owned(),
            tracking_number: "T-1".to_owned(),
        })
    };
    let callback = || Operation::Callback(Callback { headers: Vec::new(), body: Bytes::default() });
    let list = || Operation::List { since: START };
    assert!(ask(query(), Outcome::NotFound).is_ok());
    assert!(ask(query(), Outcome::Label(label(1))).is_ok());
    assert!(ask(track(), Outcome::Tracking { events: vec![event("T-1")] }).is_ok());
    assert!(ask(callback(), Outcome::Tracking { events: vec![event("T-9")] }).is_ok());
    assert!(ask(list(), Outcome::Labels { labels: vec![label(7)] }).is_ok());
    refused(ask(query(), Outcome::Cancelled), "none of this operation");
    refused(ask(query(), Outcome::Label(label(2))), "asked was");
    refused(ask(query(), Outcome::Label(Label { reference: String::new(), ..label(1) })), "reference");
    refused(ask(query(), Outcome::Label(Label { tracking_number: "a\nb".to_owned(), ..label(1) })), "tracking number");
    refused(ask(query(), Outcome::Label(Label { cost: Some(-1), ..label(1) })), "a cost of -1");
    let content = Content::Inline { bytes: Bytes(vec![0; (64 << 10) + 1]) };
    let document = Some(Document { media_type: "application/pdf".to_owned(), content });
    refused(ask(query(), Outcome::Label(Label { document, ..label(1) })), "belongs into a blob");
    refused(ask(track(), Outcome::Tracking { events: vec![event("T-2")] }), "told of T-2");
    refused(ask(list(), Outcome::Labels { labels: vec![label(1); 1001] }), "1001 labels");
    let offers = |offer: Offer| Outcome::Offers { offers: vec![offer; 51] };
    let offer = Offer { service: "x".to_owned(), cost: 1, currency: "EUR".parse().unwrap(), arrives: None };
    refused(ask(list(), offers(offer)), "none of this operation");
}

#[test]
fn a_channel_keeps_the_laws() {
    use channel::{Operation, Outcome};
    let message_id = MessageId::new(Uuid::from_u128(1));
    let receipt = Receipt { message_id, reference: "M-1".to_owned(), state: State::Accepted, at: START };
    let message = channel::Message { message_id, address: None, subject: None, text: "Hi".to_owned(), html: None };
    let ask = |operation: Operation, outcome: Outcome| {
        Input { context: context(), operation, transcript: Vec::new() }.validate(Step::Done(outcome))
    };
    let send = || Operation::Send(message.clone());
    let list = || Operation::List { since: START };
    assert!(ask(send(), Outcome::Receipt(receipt.clone())).is_ok());
    let unknown = Receipt { state: State::NotFound, reference: String::new(), ..receipt.clone() };
    refused(ask(send(), Outcome::Receipt(unknown.clone())), "cannot be unknown");
    assert!(ask(Operation::Query(channel::Query { message_id, reference: None }), Outcome::Receipt(unknown)).is_ok());
    let other = Receipt { message_id: MessageId::new(Uuid::from_u128(2)), ..receipt.clone() };
    refused(ask(send(), Outcome::Receipt(other)), "asked was");
    refused(ask(send(), Outcome::Receipts { receipts: vec![] }), "none of this operation");
    refused(ask(list(), Outcome::Receipts { receipts: vec![receipt.clone(); 1001] }), "1001 receipts");
    refused(
        ask(list(), Outcome::Receipts { receipts: vec![Receipt { reference: String::new(), ..receipt }] }),
        "reference",
    );
}

#[test]
fn credentials_cannot_take_the_hosts_headers() {
    let input =
        Input { context: context(), operation: channel::Operation::List { since: START }, transcript: Vec::new() };
    let step = |credential| {
        Step::Request(Request {
            method: "GET".to_owned(),
            url: "https://mail.example/".to_owned(),
            headers: Vec::new(),
            body: Bytes::default(),
            safety: Safety::Safe,
            credential: Some(credential),
            fill: None,
        })
    };
    let key = |name: &str| Credential::Header { name: name.to_owned(), secret: "key".to_owned() };
    assert!(input.validate(step(key("X-Api-Key"))).is_ok());
    refused(input.validate(step(key("Host"))), "is the host's");
    refused(input.validate(step(key("Authorization"))), "is the host's");
}

#[test]
fn what_is_not_granted_is_not_shown() {
    let full = risk::Input {
        context: context(),
        order_id: OrderId::new(Uuid::from_u128(1)),
        currency: "EUR".parse().unwrap(),
        total: 1,
        lines: Vec::new(),
        destination: domain::hooks::Destination {
            country: "DE".to_owned(),
            region: Some("BE".to_owned()),
            city: Some("Berlin".to_owned()),
            zip: Some("10115".to_owned()),
        },
        billing_country: None,
        customer_id: Some(CustomerId::parse("c-17").unwrap()),
        email_domain: Some("example.com".to_owned()),
        payment_method_id: "pm_ok".to_owned(),
    };
    let seen = |fields: &[PersonalField]| {
        let mut input = full.clone();
        input.withhold(fields.iter().copied().collect::<PersonalFields>());
        let destination = input.destination;
        assert_eq!(destination.region.as_deref(), Some("BE"), "a region tells of nobody");
        [destination.city, destination.zip, input.customer_id.map(|id| id.to_string()), input.email_domain]
            .map(|field| field.is_some())
    };
    assert_eq!(seen(&[]), [false; 4]);
    assert_eq!(seen(&PersonalField::ALL), [true; 4]);
    assert_eq!(seen(&[PersonalField::Zip, PersonalField::EmailDomain]), [false, true, false, true]);
}
