//! Back-tests: what a version would have decided on the orders that were placed.

use std::collections::BTreeMap;

use app::backtest::{Job, LIMIT_MAX, Measures, Progress, Report, Span};
use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use domain::ids::{BacktestId, PluginId};
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Api;
use crate::console::chart::{Pair, share};
use crate::console::session::{self, Author};
use crate::console::{Frame, text};
use crate::html::{self, PageProblem};
use crate::params::{parse_from, parse_to};
use crate::path::Id;
use crate::problem::{Code, Problem};
use crate::views::plugin::MeasuresView;

const LIMIT_DEFAULT: &str = "10000";

/// What is to be tested.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    version: String,
    from: String,
    to: String,
    limit: String,
    config: String,
}

#[derive(Template)]
#[template(path = "plugins/backtest_form.html")]
struct FormPage {
    frame: Frame,
    plugin_id: String,
    name: String,
    hook: &'static str,
    versions: Vec<(String, bool)>,
    limit_max: u32,
    asked: Asked,
    faults: Vec<String>,
}

#[derive(Template)]
#[template(path = "plugins/backtest.html")]
struct JobPage {
    frame: Frame,
    id: String,
    plugin_id: String,
    name: String,
    hook: &'static str,
    version: String,
    span: String,
    limit: u32,
    done: u64,
    done_words: String,
    state: &'static str,
    why: String,
    report: Option<Shown>,
}

/// A report in words and bars.
struct Shown {
    decisions: String,
    differing: String,
    differing_share: String,
    differing_length: u64,
    same: String,
    took: String,
    pairs: Vec<Pair>,
    changes: Vec<(String, String)>,
}

/// `GET /plugins/{id}/backtest`
pub async fn form(
    State(api): State<Api>,
    author: Author,
    plugin: Result<Id<PluginId>, Problem>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageProblem> {
    let (Id(plugin), Query(asked)) = (plugin?, asked.unwrap_or_default());
    show_form(&api, &author, plugin, asked, Vec::new()).await
}

async fn show_form(
    api: &Api,
    author: &Author,
    plugin: PluginId,
    mut asked: Asked,
    faults: Vec<String>,
) -> Result<Response, PageProblem> {
    let versions = super::versions(api, author.0.tenant(), plugin).await?;
    let newest = versions.last().ok_or_else(Problem::not_found)?;
    let ready = || versions.iter().rev().filter(|version| version.status == app::plugins::Status::Ready);
    if asked.limit.is_empty() {
        asked.limit = LIMIT_DEFAULT.to_owned();
    }
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = FormPage {
        frame: author.frame(),
        plugin_id: plugin.to_string(),
        name: newest.plugin.clone(),
        hook: newest.hook.name(),
        versions: ready().map(|version| (version.version.clone(), version.version == asked.version)).collect(),
        limit_max: LIMIT_MAX,
        asked,
        faults,
    };
    html::page(status, &page)
}

/// `POST /plugins/{id}/backtest`
pub async fn start(
    State(api): State<Api>,
    author: Author,
    plugin: Result<Id<PluginId>, Problem>,
    headers: HeaderMap,
    asked: Result<Form<Asked>, FormRejection>,
) -> Result<Response, PageProblem> {
    session::from_here(&headers)?;
    let Id(plugin) = plugin?;
    let Ok(Form(asked)) = asked else {
        return Err(Problem::new(Code::BadRequest, "The form came incomplete. Go back and send it again.").into());
    };
    let tenant = author.0.tenant();
    let versions = super::versions(&api, tenant, plugin).await?;
    let version = versions.into_iter().find(|version| version.version == asked.version);
    let span = read_span(&asked);
    let (version, span) = match (version, span) {
        (Some(version), Ok(span)) => (version, span),
        (version, span) => {
            let mut faults: Vec<String> = span.err().unwrap_or_default();
            faults.extend(version.is_none().then(|| "Choose a version.".to_owned()));
            return show_form(&api, &author, plugin, asked, faults).await;
        }
    };
    let job = api.app.backtest(tenant, version, span).await.map_err(Problem::from)?;
    Ok(Redirect::to(&format!("/backtests/{}", job.id)).into_response())
}

/// Reads the span as it was typed, with every fault.
fn read_span(asked: &Asked) -> Result<Span, Vec<String>> {
    let mut faults = Vec::new();
    let mut moment = |name: &str, text: &str, parse: fn(&str) -> Result<Timestamp, &'static str>| match text.trim() {
        "" => None,
        text => parse(text).map_err(|why| faults.push(format!("{name} {why}."))).ok(),
    };
    let from = moment("\"From\"", &asked.from, parse_from).unwrap_or(Timestamp::from_micros(0));
    let to = moment("\"To\"", &asked.to, parse_to).unwrap_or_else(app::clock::now);
    let limit = asked.limit.trim().parse::<u32>().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    if limit.is_none() {
        faults.push(format!("\"At most\" must be a whole number from 1 to {LIMIT_MAX}."));
    }
    let config = match asked.config.trim() {
        "" => None,
        text if serde_json::from_str::<BTreeMap<String, &RawValue>>(text).is_ok() => Some(text.to_owned()),
        _ => {
            faults.push("The configuration must be a JSON object.".to_owned());
            None
        }
    };
    if config.as_ref().is_some_and(|config| config.len() > app::plugins::CONFIG_BYTES_MAX) {
        faults.push("The configuration is too large.".to_owned());
    }
    match limit {
        Some(limit) if faults.is_empty() => Ok(Span { placed: from..to, limit, config }),
        _ => Err(faults),
    }
}

/// `GET /backtests/{id}`
pub async fn page(
    State(api): State<Api>,
    author: Author,
    id: Result<Id<BacktestId>, Problem>,
) -> Result<Response, PageProblem> {
    let Id(id) = id?;
    let gone = "There is no such back-test. Back-tests are forgotten when the server restarts: start it again.";
    let job = api.app.backtest_of(author.0.tenant(), id).ok_or_else(|| Problem::new(Code::NotFound, gone))?;
    html::page(StatusCode::OK, &JobPage::new(&author, &job)?)
}

/// `POST /backtests/{id}/cancel`
pub async fn cancel(
    State(api): State<Api>,
    author: Author,
    id: Result<Id<BacktestId>, Problem>,
    headers: HeaderMap,
) -> Result<Response, PageProblem> {
    session::from_here(&headers)?;
    let Id(id) = id?;
    api.app.backtest_of(author.0.tenant(), id).ok_or_else(Problem::not_found)?.cancel();
    Ok(Redirect::to(&format!("/backtests/{id}")).into_response())
}

impl JobPage {
    fn new(author: &Author, job: &Job) -> Result<Self, Problem> {
        let (state, done, why, report) = match job.progress() {
            Progress::Running { done } => ("running", done, String::new(), None),
            Progress::Finished(report) => ("finished", report.decisions, String::new(), Some(Shown::new(&report)?)),
            Progress::Cancelled { done } => ("cancelled", done, String::new(), None),
            Progress::Failed { done, why } => ("failed", done, why, None),
        };
        let placed = &job.span.placed;
        let until = text::time(placed.end);
        let span = match placed.start.micros() {
            0 => format!("placed before {until} UTC"),
            _ => format!("placed from {} to {until} UTC", text::time(placed.start)),
        };
        Ok(Self {
            frame: author.frame(),
            id: job.id.to_string(),
            plugin_id: job.version.plugin_id.to_string(),
            name: job.version.plugin.clone(),
            hook: job.version.hook.name(),
            version: job.version.version.clone(),
            span,
            limit: job.span.limit,
            done,
            done_words: text::count(done),
            state,
            why,
            report,
        })
    }
}

impl Shown {
    fn new(report: &Report) -> Result<Self, Problem> {
        let changes = report.changed_most.iter().map(|change| (change.order_id.to_string(), change.what.clone()));
        Ok(Self {
            decisions: text::count(report.decisions),
            differing: text::count(report.differing),
            differing_share: text::percent(report.differing, report.decisions),
            differing_length: share(report.differing, report.decisions),
            same: text::count(report.decisions - report.differing),
            took: text::duration(u64::try_from(report.took.as_micros()).unwrap_or(u64::MAX)),
            pairs: pairs(&report.before, &report.now)?,
            changes: changes.collect(),
        })
    }
}

/// Every measure that either side has, in the order in which the API shows them.
fn pairs(before: &Measures, now: &Measures) -> Result<Vec<Pair>, Problem> {
    let (before, now) = (rows(before)?, rows(now)?);
    let mut names: Vec<&String> = now.iter().map(|(name, _)| name).collect();
    names.extend(before.iter().map(|(name, _)| name).filter(|name| !now.iter().any(|(known, _)| known == *name)));
    let side = |rows: &[(String, String)], name: &str| {
        rows.iter().find(|(known, _)| known == name).map_or_else(|| "0".to_owned(), |(_, value)| value.clone())
    };
    let pair = |name: &String| Pair::new(name.clone(), side(&before, name), side(&now, name));
    let is_something = |pair: &Pair| pair.before_length + pair.now_length > 0;
    Ok(names.into_iter().map(pair).filter(is_something).collect())
}

/// The measures as the API writes them, flat: the name in words, and the number with exactly its digits.
fn rows(measures: &Measures) -> Result<Vec<(String, String)>, Problem> {
    let failed = |error: serde_json::Error| Problem::internal(error.to_string());
    let text = serde_json::to_string(&MeasuresView::from(measures)).map_err(failed)?;
    let order: serde_json::Map<String, Value> = serde_json::from_str(&text).map_err(failed)?;
    let exact: BTreeMap<String, &RawValue> = serde_json::from_str(&text).map_err(failed)?;
    let mut rows = Vec::new();
    for name in order.keys() {
        let Some(value) = exact.get(name).map(|value| value.get()) else { continue };
        let words = text::words(name);
        if value.starts_with('{') {
            let parts: BTreeMap<String, &RawValue> = serde_json::from_str(value).map_err(failed)?;
            rows.extend(
                parts.iter().map(|(part, value)| (format!("{words}: {}", text::words(part)), value.get().to_owned())),
            );
        } else {
            rows.push((words, value.to_owned()));
        }
    }
    Ok(rows)
}
