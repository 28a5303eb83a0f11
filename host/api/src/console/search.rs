//! The first page: a search box over the index, and what it found.

use app::index::SearchError;
use app::{Cursor, QueryError, SearchOptions, Sort};
use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::order::{Order, Personal};
use domain::status::OrderStatus;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::Frame;
use super::session::SignedIn;
use super::text;
use crate::html::{self, PageProblem};
use crate::routes::search::CURSOR;
use crate::{Api, cursor};

const ROWS: usize = 50;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    q: String,
    status: String,
    sort: String,
    cursor: String,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    asked: Asked,
    statuses: Vec<Choice>,
    sorts: Vec<Choice>,
    rows: Vec<Row>,
    total: u64,
    took_ms: u64,
    lag_ms: u64,
    next: Option<String>,
    first: Option<String>,
    fault: Option<Fault>,
}

struct Choice {
    value: &'static str,
    label: String,
    selected: bool,
}

struct Row {
    order_id: String,
    external_id: String,
    placed_at: String,
    status: &'static str,
    status_words: String,
    tone: &'static str,
    held: bool,
    customer: String,
    country: String,
    units: u64,
    payment: String,
    total: String,
}

/// A query that cannot be parsed: the text around the place, and what is wrong there.
struct Fault {
    message: String,
    before: String,
    marked: String,
    after: String,
}

/// `GET /`
pub async fn page(
    State(api): State<Api>,
    signed_in: SignedIn,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageProblem> {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let tenant = signed_in.0.tenant();
    let status = asked.status.parse::<OrderStatus>().ok();
    let sort = asked.sort.parse::<Sort>().unwrap_or_default();
    let cursor: Option<Cursor> = cursor::open(&api.app, CURSOR, Some(tenant), &asked.cursor);
    let cursor = cursor.filter(|cursor| cursor.sort == sort);
    let further = cursor.is_some();
    let options = SearchOptions {
        statuses: status.iter().map(|status| status.name().to_owned()).collect(),
        sort,
        limit: ROWS,
        cursor,
        ..SearchOptions::default()
    };
    let mut page = SearchPage {
        frame: signed_in.frame(),
        statuses: choices(OrderStatus::ALL.iter().map(|s| s.name()), status.map(OrderStatus::name)),
        sorts: choices(Sort::ALL.into_iter().map(Sort::name), Some(sort.name())),
        rows: Vec::new(),
        total: 0,
        took_ms: 0,
        lag_ms: 0,
        next: None,
        first: further.then(|| link(&asked, status, sort, "")),
        fault: None,
        asked,
    };
    match api.app.search(tenant, &page.asked.q, options).await {
        Ok(answer) => {
            let borrowed: Vec<&Order> = answer.orders.iter().map(AsRef::as_ref).collect();
            let personal = api.app.personal(&borrowed).await?;
            page.rows = answer.orders.iter().zip(personal).map(|(order, personal)| Row::new(order, personal)).collect();
            page.total = answer.total;
            page.took_ms = answer.took_ms;
            page.lag_ms = answer.lag_ms;
            let next = answer.next.map(|next| cursor::seal(&api.app, CURSOR, Some(tenant), next));
            page.next = next.map(|next| link(&page.asked, status, sort, &next));
        }
        Err(SearchError::Query(error)) => page.fault = Some(Fault::at(&page.asked.q, &error)),
        Err(SearchError::Refused(message)) => page.fault = Some(Fault::whole(&page.asked.q, message)),
        Err(SearchError::Error(error)) => return Err(error.into()),
    }
    let status = if page.fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    html::page(status, &page)
}

fn choices(names: impl Iterator<Item = &'static str>, selected: Option<&str>) -> Vec<Choice> {
    names.map(|value| Choice { value, label: text::words(value), selected: selected == Some(value) }).collect()
}

fn link(asked: &Asked, status: Option<OrderStatus>, sort: Sort, cursor: &str) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let status = status.map_or("", OrderStatus::name);
    format!("/?q={}&status={status}&sort={}&cursor={}", encode(&asked.q), sort.name(), encode(cursor))
}

impl Row {
    fn new(order: &Order, personal: Option<Personal>) -> Self {
        let personal = personal.unwrap_or_default();
        let named = personal.name.or(personal.shipping.name).or(personal.email);
        let customer = named.or_else(|| order.customer_id.as_ref().map(ToString::to_string));
        let status = order.status.name();
        Self {
            order_id: order.order_id.to_string(),
            external_id: order.external_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            placed_at: text::time(order.placed_at),
            status,
            status_words: text::words(status),
            tone: text::tone(status),
            held: order.is_held(),
            customer: customer.unwrap_or_default(),
            country: order.destination.country.clone(),
            units: order.lines.iter().map(|line| u64::from(line.quantity)).sum(),
            payment: order.payment().map(|payment| text::words(payment.status.name())).unwrap_or_default(),
            total: text::money(order.currency, order.amounts.total),
        }
    }
}

impl Fault {
    fn at(query: &str, error: &QueryError) -> Self {
        let end = error.offset + error.length;
        let part = |range: Option<&str>| range.unwrap_or_default().to_owned();
        Self {
            message: error.fault.to_string().replace('`', "\""),
            before: part(query.get(..error.offset)),
            marked: part(query.get(error.offset..end)),
            after: part(query.get(end..)),
        }
    }

    fn whole(query: &str, message: String) -> Self {
        Self { message, before: String::new(), marked: query.to_owned(), after: String::new() }
    }
}
