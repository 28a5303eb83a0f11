//! An order's page: where it stands and everything that happened.

use app::again::Replay;
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::hooks::Destination;
use domain::ids::{DecisionId, OrderId};
use domain::ledger::Entry;
use domain::money::Currency;
use domain::order::{Order, Payment, Personal, PersonalAddress, Tracking};

use super::Frame;
use super::session::{self, Author, SignedIn};
use super::text;
use crate::Api;
use crate::html::{self, PageProblem};
use crate::path::{Id, Ids};
use crate::problem::Problem;
use crate::routes::events;
use crate::views::event::EventView;
use crate::views::order::{hold_source, line_status};

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    frame: Frame,
    order_id: String,
    external_id: String,
    version: u64,
    status: Status,
    placed_at: String,
    updated_at: String,
    estimated_delivery: String,
    delivery_preference: String,
    total: String,
    cancel_reason: Option<String>,
    holds: Vec<Hold>,
    lines: Vec<Line>,
    amounts: Vec<(&'static str, String)>,
    shipments: Vec<Shipment>,
    payments: Vec<PaymentRow>,
    customer: Vec<(&'static str, String)>,
    personal_erased: bool,
    addresses: Vec<(&'static str, Vec<String>)>,
    metadata: Option<String>,
    ledger: Vec<LedgerRow>,
    due: String,
    events: Vec<Event>,
    messages: Vec<Message>,
    decisions: Vec<Decision>,
    /// Whether decisions can be made again.
    may_replay: bool,
}

/// A status in words and colour.
struct Status {
    name: &'static str,
    words: String,
    tone: &'static str,
}

struct Hold {
    source: String,
    reason: String,
    since: String,
}

struct Line {
    line_id: u32,
    sku: String,
    title: String,
    quantity: u32,
    cancelled: u32,
    price: String,
    tax: String,
    tax_name: String,
    status: Status,
}

struct Shipment {
    shipment_id: String,
    warehouse: String,
    status: Status,
    items: Vec<String>,
    /// Carrier, number, days and what was said.
    way: Vec<String>,
}

struct PaymentRow {
    payment_id: String,
    method: String,
    status: Status,
    authorized: String,
    captured: String,
    refunded: String,
    note: String,
}

/// A movement of money.
struct LedgerRow {
    time: String,
    version: u64,
    kind: String,
    amount: String,
    balance: String,
}

struct Event {
    version: u64,
    kind: String,
    from: String,
    to: String,
    moved: bool,
    actor: String,
    reason: String,
    time: String,
    payload: Option<String>,
}

struct Decision {
    decision_id: String,
    hook: &'static str,
    plugin: String,
    version: String,
    digest: String,
    outcome: String,
    role: &'static str,
    /// What the role means.
    role_words: &'static str,
    tone: &'static str,
    duration: String,
    fuel: u64,
    time: String,
    error: Option<String>,
    input: String,
    output: Option<String>,
    logs: Vec<String>,
    /// Whether a component made it that can be asked again.
    has_component: bool,
    again: Option<Again>,
}

struct Message {
    status: Status,
    event: String,
    channel: String,
    recipient: String,
    subject: String,
    text: String,
    time: String,
    error: Option<String>,
}

/// A decision that was just made again.
struct Again {
    is_same: bool,
    outcome: String,
    output: Option<String>,
    error: Option<String>,
    took: String,
}

/// `GET /console/orders/{id}`
pub async fn page(
    State(api): State<Api>,
    signed_in: SignedIn,
    id: Result<Id<OrderId>, Problem>,
) -> Result<Response, PageProblem> {
    let Id(order_id) = id?;
    html::page(StatusCode::OK, &order_page(&api, &signed_in, order_id).await?)
}

/// `POST /console/orders/{id}/decisions/{decision}/replay`: the order's page, with what the decision comes to now.
pub async fn replay(
    State(api): State<Api>,
    signed_in: SignedIn,
    author: Author,
    ids: Result<Ids<OrderId, DecisionId>, Problem>,
    headers: HeaderMap,
) -> Result<Response, PageProblem> {
    session::from_here(&headers)?;
    let Ids(order_id, decision_id) = ids?;
    let tenant = author.0.tenant();
    let decisions = api.app.decisions(tenant, order_id).await?.unwrap_or_default();
    let recorded = decisions.into_iter().find(|decision| decision.decision_id == decision_id);
    let replay = api.app.make_again(tenant, recorded.ok_or_else(Problem::not_found)?).await.map_err(Problem::from)?;
    let mut page = order_page(&api, &signed_in, order_id).await?;
    let shown = page.decisions.iter_mut().find(|decision| decision.decision_id == decision_id.to_string());
    shown.ok_or_else(Problem::not_found)?.again = Some(Again::new(&replay));
    html::page(StatusCode::OK, &page)
}

async fn order_page(api: &Api, signed_in: &SignedIn, order_id: OrderId) -> Result<OrderPage, PageProblem> {
    let tenant = signed_in.0.tenant();
    let order = api.app.order(tenant, order_id).await?.ok_or_else(Problem::not_found)?;
    let personal = api.app.personal(&[&order]).await?.pop().flatten();
    let records = api.app.order_events(tenant, order_id).await?.unwrap_or_default();
    let history = events::views(&api.app, tenant, records).await?;
    let messages = api.app.messages(tenant, order_id).await?.unwrap_or_default();
    let decisions = api.app.decisions(tenant, order_id).await?.unwrap_or_default();
    let ledger = api.app.ledger(tenant, order_id).await?.map(|ledger| ledger.entries).unwrap_or_default();
    Ok(OrderPage {
        ledger: ledger.iter().map(|entry| LedgerRow::new(order.currency, entry)).collect(),
        messages: messages.iter().map(Message::new).collect(),
        events: history.into_iter().map(|(_, event)| Event::new(event)).collect(),
        decisions: decisions.iter().map(Decision::new).collect(),
        may_replay: signed_in.may_replay(),
        ..OrderPage::new(signed_in.frame(), &order, personal)
    })
}

impl Status {
    fn new(name: &'static str) -> Self {
        Self { name, words: text::words(name), tone: text::tone(name) }
    }
}

impl OrderPage {
    fn new(frame: Frame, order: &Order, personal: Option<Personal>) -> Self {
        let money = |minor| text::money(order.currency, minor);
        let personal_erased = order.personal.is_some() && personal.is_none();
        let personal = personal.unwrap_or_default();
        let mut addresses = vec![("Ships to", address(&order.destination, &personal.shipping))];
        addresses.extend(order.billing.as_ref().map(|place| ("Billed to", address(place, &personal.billing))));
        Self {
            frame,
            order_id: order.order_id.to_string(),
            external_id: order.external_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            version: order.version,
            status: Status::new(order.status.name()),
            placed_at: text::time(order.placed_at),
            updated_at: text::time(order.updated_at),
            estimated_delivery: order.estimated_delivery.map(|day| day.to_string()).unwrap_or_default(),
            delivery_preference: order.delivery_preference.clone().unwrap_or_default(),
            total: money(order.amounts.total),
            cancel_reason: order.cancel_reason.clone(),
            holds: order.holds.iter().map(Hold::new).collect(),
            lines: order.lines.iter().map(|line| Line::new(order, line)).collect(),
            amounts: amounts(order),
            shipments: order.shipments.iter().map(Shipment::new).collect(),
            payments: order.payments.iter().rev().map(|payment| PaymentRow::new(order, payment)).collect(),
            customer: customer(order, &personal),
            personal_erased,
            addresses,
            metadata: order.metadata.as_deref().map(text::pretty),
            ledger: Vec::new(),
            due: money(order.due()),
            events: Vec::new(),
            messages: Vec::new(),
            decisions: Vec::new(),
            may_replay: false,
        }
    }
}

fn amounts(order: &Order) -> Vec<(&'static str, String)> {
    let money = |minor| text::money(order.currency, minor);
    let amounts = &order.amounts;
    let tax = if order.prices_include_tax { "Tax (contained)" } else { "Tax" };
    let mut rows = vec![("Subtotal", money(amounts.subtotal))];
    if amounts.discount != 0 {
        let names: Vec<_> = order.discounts.iter().map(|applied| applied.discount.name.as_str()).collect();
        rows.push(("Discount", format!("{} ({})", money(-amounts.discount), names.join(", "))));
    }
    rows.extend([("Shipping", money(amounts.shipping_cost)), (tax, money(amounts.tax))]);
    rows
}

fn customer(order: &Order, personal: &Personal) -> Vec<(&'static str, String)> {
    let rows = [
        ("Name", personal.name.clone()),
        ("E-mail", personal.email.clone()),
        ("Phone", personal.phone.clone()),
        ("Customer id", order.customer_id.as_ref().map(ToString::to_string)),
        ("Tax exemption", order.tax_exemption.clone()),
    ];
    rows.into_iter().filter_map(|(label, value)| value.map(|value| (label, value))).collect()
}

fn address(place: &Destination, personal: &PersonalAddress) -> Vec<String> {
    let town = [place.zip.as_deref(), place.city.as_deref(), place.region.as_deref()];
    let town: Vec<&str> = town.into_iter().flatten().collect();
    let lines = [personal.name.clone(), personal.street.clone(), Some(town.join(" ")), Some(place.country.clone())];
    lines.into_iter().flatten().filter(|line| !line.is_empty()).collect()
}

impl Hold {
    fn new(hold: &domain::order::Hold) -> Self {
        let source = text::words(hold_source(hold.source));
        Self { source, reason: hold.reason.clone(), since: text::time(hold.since) }
    }
}

impl Line {
    fn new(order: &Order, line: &domain::order::Line) -> Self {
        Self {
            line_id: line.line_id,
            sku: line.sku.to_string(),
            title: line.title.clone().unwrap_or_default(),
            quantity: line.quantity,
            cancelled: line.cancelled,
            price: text::money(order.currency, line.price),
            tax: text::money(order.currency, line.tax.amount),
            tax_name: line.tax.name.clone(),
            status: Status::new(line_status(line.status)),
        }
    }
}

impl Shipment {
    fn new(shipment: &domain::order::Shipment) -> Self {
        let items =
            shipment.items.iter().map(|item| format!("{} × {} (line {})", item.quantity, item.sku, item.line_id));
        Self {
            shipment_id: shipment.shipment_id.to_string(),
            warehouse: shipment.warehouse_id.to_string(),
            status: Status::new(shipment.status.name()),
            items: items.collect(),
            way: shipment.tracking.as_deref().map(way).unwrap_or_default(),
        }
    }
}

/// What is known of a shipment's way, in words.
fn way(tracking: &Tracking) -> Vec<String> {
    let news = &tracking.news;
    let carried = [news.carrier.as_deref(), news.tracking_number.as_deref()];
    let carried: Vec<&str> = carried.into_iter().flatten().collect();
    let parts = [
        (!carried.is_empty()).then(|| carried.join(" ")),
        tracking.shipped_at.map(|at| format!("shipped {}", text::time(at))),
        tracking.delivered_at.map(|at| format!("delivered {}", text::time(at))),
        news.estimated_delivery.filter(|_| tracking.delivered_at.is_none()).map(|day| format!("should arrive {day}")),
        news.note.clone(),
    ];
    parts.into_iter().flatten().collect()
}

impl PaymentRow {
    fn new(order: &Order, payment: &Payment) -> Self {
        let money = |minor| text::money(order.currency, minor);
        let notes = [
            payment.decline_code.as_ref().map(|code| format!("declined: {code}")),
            payment.retry_until.map(|until| format!("another may be tried until {}", text::time(until))),
            payment
                .next_action
                .as_ref()
                .map(|action| format!("the customer must confirm until {}", text::time(action.until))),
            payment.reference.as_ref().map(|reference| format!("provider's reference {reference}")),
        ];
        Self {
            payment_id: payment.payment_id.to_string(),
            method: payment.payment_method_id.clone(),
            status: Status::new(payment.status.name()),
            authorized: money(payment.authorized),
            captured: money(payment.captured),
            refunded: money(payment.refunded),
            note: notes.into_iter().flatten().collect::<Vec<_>>().join("; "),
        }
    }
}

impl LedgerRow {
    fn new(currency: Currency, entry: &Entry) -> Self {
        Self {
            time: text::time(entry.at),
            version: entry.version,
            kind: text::words(entry.kind.name()),
            amount: text::money(currency, entry.amount),
            balance: text::money(currency, entry.balance),
        }
    }
}

impl Event {
    fn new(event: EventView) -> Self {
        let payload = serde_json::to_string(&event.payload).ok().filter(|payload| payload != "{}");
        Self {
            version: event.version,
            kind: text::words(event.r#type.strip_prefix("order.").unwrap_or(&event.r#type)),
            from: event.from.map(text::words).unwrap_or_default(),
            to: text::words(event.to),
            moved: event.from != Some(event.to),
            actor: event.actor,
            reason: event.reason.unwrap_or_default(),
            time: text::time(event.time.0),
            payload: payload.as_deref().map(text::pretty),
        }
    }
}

impl Decision {
    fn new(decision: &app::Decision) -> Self {
        let tone = if decision.error.is_some() { "bad" } else { "good" };
        Self {
            decision_id: decision.decision_id.to_string(),
            hook: decision.hook.name(),
            plugin: decision.plugin.clone(),
            version: decision.plugin_version.clone(),
            digest: decision.digest.as_deref().and_then(|digest| digest.get(..12)).unwrap_or_default().to_owned(),
            outcome: text::words(&decision.outcome),
            role: decision.role.name(),
            role_words: match decision.role {
                app::Role::Active => "It decided.",
                app::Role::Canary => "A candidate decided, in place of what was bound.",
                app::Role::Shadow => "It was asked beside the one that decided, and did not count.",
            },
            tone,
            duration: format!("{} µs", decision.duration_us),
            fuel: decision.fuel,
            time: text::time(decision.at),
            error: decision.error.clone(),
            input: text::pretty(&decision.input),
            output: decision.output.as_deref().map(text::pretty),
            logs: text::log_lines(&decision.logs),
            has_component: decision.digest.is_some(),
            again: None,
        }
    }
}

impl Message {
    fn new(message: &app::Message) -> Self {
        Self {
            status: Status::new(message.status.name()),
            event: message.event.clone(),
            channel: message.channel.clone(),
            recipient: message.recipient.clone().unwrap_or_else(|| "the customer".to_owned()),
            subject: message.subject.clone().unwrap_or_default(),
            text: message.text.clone(),
            time: text::time(message.updated_at),
            error: message.last_error.clone(),
        }
    }
}

impl Again {
    fn new(replay: &Replay) -> Self {
        Self {
            is_same: replay.is_same,
            outcome: text::words(replay.ran.outcome),
            output: replay.ran.output.as_deref().map(text::pretty),
            error: replay.ran.error.clone(),
            took: text::duration(replay.ran.duration_us),
        }
    }
}
