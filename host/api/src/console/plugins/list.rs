//! The first page about plugins: uploading, what decides each hook, and every plugin.

use app::hooks::Bound;
use app::plugins::Status;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::hooks::Hook;
use domain::ids::TenantId;

use super::{Binding, Refused, Upload, VersionRow};
use crate::Api;
use crate::console::Frame;
use crate::console::session::Author;
use crate::html::{self, PageProblem};

#[derive(Template)]
#[template(path = "plugins/list.html")]
struct ListPage {
    frame: Frame,
    upload: Upload,
    hooks: Vec<HookRow>,
    /// Hooks of adapters at which nothing is bound.
    nothing: Vec<&'static str>,
    plugins: Vec<PluginRow>,
    is_compiling: bool,
}

struct HookRow {
    binding: Binding,
    /// Of the plugin that is bound.
    plugin_id: Option<String>,
    /// Its trial, in words.
    candidate: Option<String>,
}

struct PluginRow {
    plugin_id: String,
    name: String,
    hook: &'static str,
    newest: VersionRow,
    /// The versions that decide, in words.
    decides: String,
}

/// `GET /plugins`
pub async fn page(State(api): State<Api>, author: Author) -> Result<Response, PageProblem> {
    show(&api, &author, None).await
}

/// The page, with what became of an upload.
pub(super) async fn show(api: &Api, author: &Author, refused: Option<Refused>) -> Result<Response, PageProblem> {
    let tenant: TenantId = author.0.tenant();
    let bound: Vec<Bound> = api.app.bound(tenant).await?.into_values().collect();
    let plugins = api.app.plugins(tenant).await?;
    let nothing = nothing_bound(&bound);
    let id_of = |name: &str| plugins.iter().find(|plugin| plugin.plugin == name).map(|p| p.plugin_id.to_string());
    let hooks = bound.iter().map(|bound| HookRow {
        plugin_id: id_of(&bound.plugin),
        candidate: candidate(bound),
        binding: Binding::new(bound),
    });
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = ListPage {
        frame: author.frame(),
        hooks: hooks.collect(),
        nothing,
        is_compiling: refused.is_none() && plugins.iter().any(|plugin| plugin.status == Status::Compiling),
        plugins: plugins.iter().map(|plugin| row(plugin, &bound)).collect(),
        upload: Upload { refused, ..Upload::of("") },
    };
    html::scripted_page(status, &page)
}

fn nothing_bound(bound: &[Bound]) -> Vec<&'static str> {
    let is_bare = |hook: &Hook| hook.is_adapter() && !bound.iter().any(|bound| bound.hook() == *hook);
    Hook::ALL.into_iter().filter(is_bare).map(Hook::name).collect()
}

fn row(newest: &app::plugins::Version, bound: &[Bound]) -> PluginRow {
    let ours = bound.iter().filter(|bound| bound.hook() == newest.hook && bound.plugin == newest.plugin);
    let decides = ours.clone().map(|bound| match bound.slot.binding() {
        Some(name) => format!("version {} as {name}", bound.version),
        None => format!("version {}", bound.version),
    });
    PluginRow {
        plugin_id: newest.plugin_id.to_string(),
        name: newest.plugin.clone(),
        hook: newest.hook.name(),
        newest: VersionRow::new(newest, ours.clone().next()),
        decides: decides.collect::<Vec<_>>().join(", "),
    }
}

/// A trial in words.
fn candidate(bound: &Bound) -> Option<String> {
    let candidate = bound.candidate.as_ref()?;
    let share = match candidate.mode {
        app::candidates::Mode::Shadow => "beside it, without effect".to_owned(),
        app::candidates::Mode::Canary => format!("for {} % of the orders", candidate.percent),
    };
    Some(format!("version {} {share}", candidate.version))
}
