//! What changes which plugin decides: binding, trials, promotion and the way back. Each form names the revision that it
//! was made for, so that nobody undoes unseen what somebody else has done meanwhile.

use app::hooks::{Bound, Wanted, WantedCandidate};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use domain::ids::PluginId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Api;
use crate::console::session::{self, Author};
use crate::html::PageProblem;
use crate::json::Document;
use crate::path::Id;
use crate::problem::{Code, Problem};
use crate::routes::hooks::read_binding;

/// What is to be bound.
#[derive(Deserialize)]
pub struct Bind {
    version: String,
    on_failure: String,
    #[serde(default)]
    config: String,
    #[serde(default)]
    hosts: String,
    #[serde(default)]
    secrets: String,
    /// The personal fields that it may have, where the form shows them.
    fields: Option<String>,
    /// The name of an adapter's binding.
    #[serde(default)]
    binding: String,
    revision: u64,
}

/// What is to be tried.
#[derive(Deserialize)]
pub struct Try {
    version: String,
    mode: String,
    #[serde(default)]
    percent: String,
    #[serde(default)]
    max_failure_percent: String,
    #[serde(default)]
    max_drift_percent: String,
    /// The personal fields that the plugin may have, where the version asks for more.
    fields: Option<String>,
    /// The name of an adapter's binding.
    #[serde(default)]
    binding: String,
    revision: u64,
}

/// What is to be changed.
#[derive(Deserialize)]
pub struct Change {
    /// The name of an adapter's binding.
    #[serde(default)]
    binding: String,
    revision: u64,
}

/// The same as the body of `PUT /hooks/{hook}`.
#[derive(Serialize)]
struct Body<'b> {
    plugin: &'b str,
    version: &'b str,
    config: &'b RawValue,
    hosts: Vec<&'b str>,
    secrets: Vec<&'b str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<&'b str>>,
    on_failure: &'b str,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate: Option<Candidate<'b>>,
}

#[derive(Serialize)]
struct Candidate<'b> {
    version: &'b str,
    mode: &'b str,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<&'b RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_failure_percent: Option<&'b RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_drift_percent: Option<&'b RawValue>,
}

type Given<T> = Result<Form<T>, FormRejection>;

/// `POST /plugins/{id}/bind`
pub async fn bind(
    State(api): State<Api>,
    author: Author,
    plugin: Result<Id<PluginId>, Problem>,
    headers: HeaderMap,
    given: Given<Bind>,
) -> Result<Response, PageProblem> {
    let (plugin, now, given) = checked(&api, &author, plugin, &headers, given).await?;
    let config = if given.config.trim().is_empty() { "{}" } else { given.config.as_str() };
    let plugin_id = plugin.to_string();
    let body = Body {
        plugin: &plugin_id,
        version: &given.version,
        config: json("/config", config)?,
        hosts: given.hosts.split_whitespace().collect(),
        secrets: names(&given.secrets),
        fields: given.fields.as_deref().map(names),
        on_failure: &given.on_failure,
        candidate: None,
    };
    api.app.bind(&author.0, now.slot, wanted(&body)?, Some(given.revision)).await.map_err(Problem::from)?;
    Ok(back(plugin, &given.binding, "bound"))
}

/// `POST /plugins/{id}/try`
pub async fn try_out(
    State(api): State<Api>,
    author: Author,
    plugin: Result<Id<PluginId>, Problem>,
    headers: HeaderMap,
    given: Given<Try>,
) -> Result<Response, PageProblem> {
    let (plugin, now, given) = checked(&api, &author, plugin, &headers, given).await?;
    let is_canary = given.mode == "canary";
    let number = |pointer, text: &'static str, given| percent(pointer, text, given);
    let body = Body {
        plugin: &now.plugin,
        version: &now.version,
        config: json("/config", &now.config)?,
        hosts: now.hosts.iter().map(String::as_str).collect(),
        secrets: now.secrets.iter().map(String::as_str).collect(),
        fields: given.fields.as_deref().map(names),
        on_failure: now.on_failure.name(),
        candidate: Some(Candidate {
            version: &given.version,
            mode: &given.mode,
            percent: number("/candidate/percent", "percent", &given.percent)?.filter(|_| is_canary),
            max_failure_percent: number("/candidate/max_failure_percent", "failures", &given.max_failure_percent)?,
            max_drift_percent: number("/candidate/max_drift_percent", "differences", &given.max_drift_percent)?,
        }),
    };
    let wanted = wanted(&body)?;
    api.app.bind(&author.0, now.slot, wanted, Some(given.revision)).await.map_err(Problem::from)?;
    Ok(back(plugin, "", if is_canary { "canary" } else { "shadow" }))
}

/// `POST /plugins/{id}/end`: what is bound stays, without its candidate.
pub async fn end(
    State(api): State<Api>,
    author: Author,
    plugin: Result<Id<PluginId>, Problem>,
    headers: HeaderMap,
    given: Given<Change>,
) -> Result<Response, PageProblem> {
    let (plugin, now, given) = checked(&api, &author, plugin, &headers, given).await?;
    let Bound { slot, plugin: name, version, config, on_failure, hosts, secrets, fields, .. } = now;
    let wanted = Wanted {
        plugin: name,
        version: Some(version),
        config,
        on_failure: Some(on_failure),
        hosts,
        secrets,
        fields: Some(fields),
        candidate: None::<WantedCandidate>,
    };
    api.app.bind(&author.0, slot, wanted, Some(given.revision)).await.map_err(Problem::from)?;
    Ok(back(plugin, "", "ended"))
}

/// `POST /plugins/{id}/promote`
pub async fn promote(
    State(api): State<Api>,
    author: Author,
    plugin: Result<Id<PluginId>, Problem>,
    headers: HeaderMap,
    given: Given<Change>,
) -> Result<Response, PageProblem> {
    let (plugin, now, given) = checked(&api, &author, plugin, &headers, given).await?;
    api.app.promote(&author.0, now.hook(), Some(given.revision)).await.map_err(Problem::from)?;
    Ok(back(plugin, "", "promoted"))
}

/// `POST /plugins/{id}/rollback`
pub async fn roll_back(
    State(api): State<Api>,
    author: Author,
    plugin: Result<Id<PluginId>, Problem>,
    headers: HeaderMap,
    given: Given<Change>,
) -> Result<Response, PageProblem> {
    let (plugin, now, given) = checked(&api, &author, plugin, &headers, given).await?;
    api.app.roll_back(&author.0, &now.slot, Some(given.revision)).await.map_err(Problem::from)?;
    Ok(back(plugin, &given.binding, "rolled-back"))
}

/// `POST /plugins/{id}/unbind`: an adapter's binding ends.
pub async fn unbind(
    State(api): State<Api>,
    author: Author,
    plugin: Result<Id<PluginId>, Problem>,
    headers: HeaderMap,
    given: Given<Change>,
) -> Result<Response, PageProblem> {
    let (plugin, now, given) = checked(&api, &author, plugin, &headers, given).await?;
    api.app.unbind(&author.0, &now.slot, Some(given.revision)).await.map_err(Problem::from)?;
    Ok(back(plugin, &given.binding, "unbound"))
}

/// What every form names beside its plugin.
trait Named {
    /// The name of an adapter's binding; empty for the one that a page without a name shows.
    fn binding(&self) -> &str;
}

impl Named for Bind {
    fn binding(&self) -> &str {
        &self.binding
    }
}

impl Named for Try {
    fn binding(&self) -> &str {
        &self.binding
    }
}

impl Named for Change {
    fn binding(&self) -> &str {
        &self.binding
    }
}

/// What every form has: it comes from us, it is whole, and its plugin exists. Answers what is bound where it points.
async fn checked<T: Named>(
    api: &Api,
    author: &Author,
    plugin: Result<Id<PluginId>, Problem>,
    headers: &HeaderMap,
    given: Given<T>,
) -> Result<(PluginId, Bound, T), PageProblem> {
    session::from_here(headers)?;
    let Id(plugin) = plugin?;
    let versions = super::versions(api, author.0.tenant(), plugin).await?;
    let Ok(Form(given)) = given else {
        return Err(Problem::new(Code::BadRequest, "The form came incomplete. Go back and send it again.").into());
    };
    let newest = versions.last().ok_or_else(Problem::not_found)?;
    let now = super::bound(api, author.0.tenant(), newest, given.binding().trim()).await?;
    Ok((plugin, now, given))
}

fn wanted(body: &Body<'_>) -> Result<Wanted, Problem> {
    let text = serde_json::to_vec(body).map_err(|error| Problem::internal(error.to_string()))?;
    read_binding(&Document::parse(text.into())?)
}

fn names(typed: &str) -> Vec<&str> {
    typed.split(|c: char| c == ',' || c.is_whitespace()).filter(|name| !name.is_empty()).collect()
}

fn json<'t>(pointer: &str, text: &'t str) -> Result<&'t RawValue, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let detail = format!("The configuration is not JSON: {error}. Go back and correct it.");
        Problem::new(Code::InvalidRequest, detail).at(pointer, "must be JSON")
    })
}

/// A percentage as it was typed; none where nothing was.
fn percent<'t>(pointer: &str, what: &str, text: &'t str) -> Result<Option<&'t RawValue>, Problem> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let read = serde_json::from_str::<&RawValue>(text.trim()).ok().filter(|_| text.trim().parse::<u8>().is_ok());
    let detail = format!("The {what} must be a whole number of percent. Go back and correct it.");
    read.map(Some).ok_or_else(|| Problem::new(Code::InvalidRequest, detail).at(pointer, "must be a whole number"))
}

/// To the plugin's page, which says what was done.
fn back(plugin: PluginId, binding: &str, done: &str) -> Response {
    // What a binding is called needs no escape.
    let at = if binding.is_empty() { String::new() } else { format!("&binding={}", binding.trim()) };
    Redirect::to(&format!("/plugins/{plugin}?done={done}{at}#decides")).into_response()
}
