//! A plugin's page: what it decides, its trial, its versions, its figures, its log and what was ever bound.

use app::hooks::{Bound, way_back};
use app::plugins::{Status, Version};
use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::hooks::FailurePolicy;
use domain::ids::{PluginId, TenantId};
use serde::Deserialize;

use super::figures::{Figures, figures};
use super::log::{self, Panel};
use super::trial::{Trial, trial};
use super::{Binding, Upload, VersionRow, then, what};
use crate::Api;
use crate::console::session::Author;
use crate::console::{Frame, text};
use crate::html::{self, PageProblem};
use crate::path::Id;
use crate::problem::Problem;

/// What is asked of a plugin's page, beside its log.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    done: String,
    span: String,
    /// The name of an adapter's binding.
    binding: String,
}

#[derive(Template)]
#[template(path = "plugins/plugin.html")]
struct PluginPage {
    frame: Frame,
    plugin_id: String,
    name: String,
    hook: &'static str,
    /// What was just done, in words.
    done: &'static str,
    span: String,
    is_policy: bool,
    /// Whether it decides its hook.
    is_bound: bool,
    binding: Binding,
    /// Where its other side calls.
    callback: Option<String>,
    /// The names of the hook's other bindings.
    others: Vec<String>,
    /// What rolling back binds again.
    before: Option<String>,
    policies: Vec<(&'static str, &'static str, bool)>,
    trial: Option<Trial>,
    versions: Vec<VersionRow>,
    upload: Upload,
    figures: Figures,
    log: Panel,
    history: Vec<Past>,
    /// Whether something is under way that the page waits for.
    is_waiting: bool,
}

/// What was bound once.
struct Past {
    revision: u64,
    what: String,
    is_ours: bool,
    candidate: String,
    on_failure: &'static str,
    config: String,
    actor: String,
    since: String,
}

/// `GET /plugins/{id}`
pub async fn page(
    State(api): State<Api>,
    author: Author,
    plugin: Result<Id<PluginId>, Problem>,
    asked: Result<Query<Asked>, QueryRejection>,
    lines: Result<Query<log::Asked>, QueryRejection>,
) -> Result<Response, PageProblem> {
    let Id(plugin) = plugin?;
    let (Query(asked), Query(lines)) = (asked.unwrap_or_default(), lines.unwrap_or_default());
    let tenant = author.0.tenant();
    let versions = super::versions(&api, tenant, plugin).await?;
    let Some(newest) = versions.last() else { return Err(Problem::not_found().into()) };
    let bound = super::bound(&api, tenant, newest, &asked.binding).await?;
    let history = api.app.bound_before(tenant, &bound.slot).await?;
    let is_bound = bound.plugin == newest.plugin;
    let numbers: Vec<String> = versions.iter().rev().map(|version| version.version.clone()).collect();
    let page = PluginPage {
        frame: author.frame(),
        plugin_id: plugin.to_string(),
        name: newest.plugin.clone(),
        hook: newest.hook.name(),
        done: done(&asked.done),
        is_policy: !newest.hook.is_adapter(),
        is_bound,
        before: way_back(&history).filter(|_| is_bound).map(what),
        callback: callback(&api, tenant, &bound).await?,
        others: others(&api, tenant, &bound).await?,
        policies: policies(&bound),
        trial: if is_bound { trial(&api, tenant, &bound).await? } else { None },
        versions: versions.iter().rev().map(|version| VersionRow::new(version, Some(&bound))).collect(),
        upload: Upload::of(&newest.plugin),
        figures: figures(&api, tenant, &newest.plugin, &asked.span).await?,
        log: log::panel(&api, tenant, &newest.plugin, &numbers, &lines).await?,
        history: history.iter().map(|past| Past::new(past, newest)).collect(),
        is_waiting: versions.iter().any(|version| version.status == Status::Compiling),
        binding: Binding::new(&bound),
        span: asked.span,
    };
    html::scripted_page(StatusCode::OK, &page)
}

/// Where the other side of an adapter calls.
async fn callback(api: &Api, tenant: TenantId, bound: &Bound) -> Result<Option<String>, PageProblem> {
    if bound.is_nothing() || !bound.hook().is_adapter() {
        return Ok(None);
    }
    let address = api.app.callback_address(tenant, &bound.slot).await.map_err(Problem::from)?;
    Ok(Some(api.callback_url(&address.token)))
}

/// The names of the other bindings of an adapter's hook.
async fn others(api: &Api, tenant: TenantId, here: &Bound) -> Result<Vec<String>, PageProblem> {
    let all = api.app.bound(tenant).await.map_err(Problem::from)?;
    let beside = all.into_keys().filter(|slot| slot.hook() == here.hook() && *slot != here.slot);
    Ok(beside.filter_map(|slot| slot.binding().map(str::to_owned)).collect())
}

/// The failure policies, with the one that is in force chosen.
fn policies(bound: &Bound) -> Vec<(&'static str, &'static str, bool)> {
    let choice = |policy: FailurePolicy| (policy.name(), then(policy), policy == bound.on_failure);
    FailurePolicy::ALL.into_iter().map(choice).collect()
}

fn done(what: &str) -> &'static str {
    match what {
        "uploaded" => {
            "The component was uploaded. It decides nothing yet: see what it would change with a back-test, then bind it."
        }
        "bound" => "It is bound, and decides everywhere within a second.",
        "shadow" => "The version is asked beside the bound one from now on, without any effect.",
        "canary" => "The version decides its share of the orders from now on.",
        "unbound" => "Nothing is bound there any more. Operations under way wait until something is.",
        "ended" => "The trial is over. What was bound decides alone.",
        "promoted" => "The version decides every order from now on.",
        "rolled-back" => "What was bound before decides again.",
        _ => "",
    }
}

impl Past {
    fn new(past: &Bound, newest: &Version) -> Self {
        let candidate = past.candidate.as_ref().map(|candidate| match candidate.mode {
            app::candidates::Mode::Shadow => format!("{} in the shadow", candidate.version),
            app::candidates::Mode::Canary => format!("{} for {} %", candidate.version, candidate.percent),
        });
        Self {
            revision: past.revision,
            what: what(past),
            is_ours: past.plugin == newest.plugin,
            candidate: candidate.unwrap_or_default(),
            on_failure: past.on_failure.name(),
            config: text::pretty(&past.config),
            actor: past.actor.clone(),
            since: past.updated_at.map(text::time).unwrap_or_default(),
        }
    }
}
