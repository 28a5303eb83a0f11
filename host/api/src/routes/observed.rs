//! `GET /plugins/{id}/logs` and `GET /plugins/{id}/metrics`: what a plugin does in earnest.

use app::observed::{Level, Place, Start, Wanted};
use axum::Json;
use axum::extract::State;
use domain::ids::PluginId;
use domain::time::Timestamp;
use utoipa::IntoParams;

use crate::Api;
use crate::auth::{Authorized, PluginsWrite};
use crate::cursor;
use crate::params::{Params, parse_from, parse_to};
use crate::path::Id;
use crate::problem::{Fault, Problem};
use crate::refusals::refusals;
use crate::views::observed::{LineView, LinesView, MetricsView};

const CURSOR: &str = "plugin-logs";
const VERSION_CHARS_MAX: usize = 20;
/// How far back metrics go where nothing is given.
const SPAN_SECONDS: i64 = 24 * 60 * 60;

/// Which lines are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is only documentation; `params` reads the query")]
pub struct LogsParams {
    /// Lines of a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before, for older lines.
    cursor: Option<String>,
    /// `follow` of a page, for the lines that were written after it, oldest first.
    after: Option<String>,
    /// Only lines of this level or a graver one: `debug`, `info`, `warn` or `error`.
    #[param(example = "warn", default = "debug")]
    level: Option<String>,
    /// Only what this version wrote.
    #[param(example = "3")]
    version: Option<String>,
}

/// Which calls are counted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is only documentation; `params` reads the query")]
pub struct MetricsParams {
    /// Calls made then or later: a time, or a day in UTC. A day before `to` where nothing is given.
    #[param(example = "2026-03-01")]
    from: Option<String>,
    /// Calls made before this time, or on this day in UTC or earlier. Now where nothing is given.
    #[param(example = "2026-03-31")]
    to: Option<String>,
}

refusals!(
    /// Of reading what a plugin wrote.
    LogsRefusals: COMMON PAGED; NotFound
);

refusals!(
    /// Of reading what a plugin's calls took.
    MetricsRefusals: COMMON; NotFound, BadRequest, InvalidRequest
);

/// What a plugin wrote about orders, and why its calls failed.
///
/// Newest first; a page may have fewer lines than it could while there are more. To follow, give `follow` as `after`
/// again and again: what was written later comes oldest first. Dry runs and back-tests are not in it.
#[utoipa::path(
    get, path = "/api/v1/plugins/{id}/logs", operation_id = "listPluginLogs", tag = "Plugins",
    params(("id" = String, Path, description = "The plugin's id."), LogsParams),
    responses((status = 200, description = "A page of lines.", body = LinesView), LogsRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn logs(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(plugin): Id<PluginId>,
    mut params: Params,
) -> Result<Json<LinesView>, Problem> {
    let tenant = caller.tenant();
    let limit = params.limit();
    let level = params.optional("level", level).unwrap_or(Level::Debug);
    let version =
        params.optional("version", |text| domain::ids::printable(text, VERSION_CHARS_MAX).map(|()| text.to_owned()));
    let (older, later) = (params.text("cursor"), params.text("after"));
    params.finish()?;
    if older.is_some() && later.is_some() {
        let detail = "cannot be given together with `cursor`".to_owned();
        return Err(Problem::invalid(vec![Fault { pointer: "/after".to_owned(), detail }]));
    }
    let open = |text| cursor::open_given::<Place>(&api.app, CURSOR, tenant, text);
    let from = match (open(older)?, open(later)?) {
        (Some(place), _) => Start::Before(place),
        (None, Some(place)) => Start::After(place),
        (None, None) => Start::Newest,
    };
    let name = plugin_name(&api, tenant, plugin).await?;
    let wanted = Wanted { version, level, from, limit: limit as usize };
    let found = api.app.lines(tenant, &name, &wanted).await?;
    let seal = |place: Place| cursor::seal(&api.app, CURSOR, Some(tenant), place);
    Ok(Json(LinesView {
        data: found.lines.into_iter().map(LineView::from).collect(),
        next_cursor: found.next.map(seal),
        follow: seal(found.follow),
    }))
}

/// How often a plugin was called, how that came out, and what it took.
///
/// By version and piece of the span. Calls are found by their orders: those about orders that were placed more than a
/// day before the span are not counted. Where a merchant has very many calls, `since` says from when on they are.
#[utoipa::path(
    get, path = "/api/v1/plugins/{id}/metrics", operation_id = "getPluginMetrics", tag = "Plugins",
    params(("id" = String, Path, description = "The plugin's id."), MetricsParams),
    responses((status = 200, description = "What the calls took.", body = MetricsView), MetricsRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn metrics(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(plugin): Id<PluginId>,
    mut params: Params,
) -> Result<Json<MetricsView>, Problem> {
    let (from, to) = (params.optional("from", parse_from), params.optional("to", parse_to));
    params.finish()?;
    let to: Timestamp = to.unwrap_or_else(app::clock::now);
    let from = from.unwrap_or_else(|| to.plus_seconds(-SPAN_SECONDS));
    if from >= to {
        let detail = "must be before `to`".to_owned();
        return Err(Problem::invalid(vec![Fault { pointer: "/from".to_owned(), detail }]));
    }
    let name = plugin_name(&api, caller.tenant(), plugin).await?;
    Ok(Json(api.app.metrics(caller.tenant(), &name, from..to).await?.into()))
}

async fn plugin_name(api: &Api, tenant: domain::ids::TenantId, plugin: PluginId) -> Result<String, Problem> {
    let newest = api.app.versions_of(tenant, plugin).await?.pop();
    Ok(newest.ok_or_else(Problem::not_found)?.plugin)
}

/// Reads a level.
///
/// # Errors
/// Answers a sentence that says what is expected.
pub fn level(text: &str) -> Result<Level, &'static str> {
    let known = Level::ALL.into_iter().find(|level| level.name() == text);
    known.ok_or("must be `debug`, `info`, `warn` or `error`")
}
