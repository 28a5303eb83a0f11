//! `POST` and `GET /plugins`, a plugin's versions, and what a version would do: dry runs and back-tests.

use std::time::Duration;

use app::backtest::{LIMIT_MAX, Span};
use app::plugins::{COMPONENT_BYTES_MAX, Status, Version};
use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::{BacktestId, PluginId, TenantId};
use domain::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::auth::{Authorized, PluginsWrite};
use crate::body::{JsonBody, OptionalJsonBody, WasmBody};
use crate::json::Document;
use crate::params::{Params, parse_from, parse_to};
use crate::path::{Id, Ids};
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::routes::put;
use crate::views::plugin::{BacktestView, RunView, VersionView};
use crate::views::{All, AnyJson};

/// How long a back-test is waited for before it is answered with its address.
const BACKTEST_WAITED_FOR: Duration = Duration::from_secs(10);
const NAME_CHARS_MAX: usize = 100;
/// Of a dry run: what a request's body may have.
const INPUT_BYTES_MAX: usize = 1024 * 1024;
const LIMIT_DEFAULT: u32 = 10_000;

/// What an upload is called.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is only documentation; `params` reads the query")]
pub struct UploadParams {
    /// The plugin's name; a known one gets its next version.
    #[param(max_length = 100, example = "nearest-warehouse")]
    name: String,
}

/// A question to a version.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `run` reads the body")]
pub struct RunVersion {
    /// The hook's input, as decisions record it.
    #[schema(value_type = Object)]
    input: AnyJson,
}

/// What is to be decided again.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_span` reads the body")]
pub struct StartBacktest {
    /// Orders placed then or later: a time, or a day in UTC. All of them where nothing is given.
    #[schema(example = "2026-03-01")]
    from: Option<String>,
    /// Orders placed before this time, or on this day in UTC or earlier.
    #[schema(example = "2026-03-31")]
    to: Option<String>,
    /// The most decisions, the newest first.
    #[schema(minimum = 1, maximum = 1_000_000, default = 10_000)]
    limit: Option<u32>,
    /// A configuration in place of the one that was in force then.
    #[schema(value_type = Option<Object>)]
    config: Option<AnyJson>,
}

refusals!(
    /// Of an upload.
    UploadRefusals: COMMON; BadRequest, BodyTooLarge, UnsupportedMediaType, InvalidRequest, ComponentRefused, OtherHook
);

refusals!(
    /// Of listing plugins.
    ListRefusals: COMMON
);

refusals!(
    /// Of reading a plugin.
    ReadRefusals: COMMON; NotFound
);

refusals!(
    /// Of a dry run or a back-test.
    RunRefusals: COMMON BODY; NotFound, VersionNotReady
);

/// Uploads a component as a plugin's next version.
///
/// It is checked (size, form, imports, the hook that it serves), compiled in a process of its own, and asked generated and
/// recorded questions, whose answers must keep the hook's laws. The same component again is the version that it was.
#[utoipa::path(
    post, path = "/api/v1/plugins", operation_id = "uploadPlugin", tag = "Plugins",
    params(UploadParams),
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "The component, at most 32 MiB."),
    responses(
        (status = 201, description = "It is ready to be bound.", body = VersionView, headers(("Location" = String))),
        (status = 202, description = "It is still being checked; its `status` says when that is over.", body = VersionView, headers(("Location" = String))),
        UploadRefusals,
    ),
    security(("key" = ["plugins:write"])),
)]
pub async fn upload(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    mut params: Params,
    WasmBody(wasm): WasmBody,
) -> Result<Response, Problem> {
    let name = params.required("name", |text| domain::ids::printable(text, NAME_CHARS_MAX).map(|()| text.to_owned()));
    params.finish()?;
    let name = name.ok_or_else(|| Problem::internal("a required parameter was missing unnoticed"))?;
    let version = api.app.upload(caller.tenant(), &name, wasm.as_ref().into()).await?;
    let status = if version.status == Status::Ready { StatusCode::CREATED } else { StatusCode::ACCEPTED };
    let mut headers = HeaderMap::new();
    put(&mut headers, LOCATION, &format!("/api/v1/plugins/{}/versions/{}", version.plugin_id, version.version));
    Ok((status, headers, Json(VersionView::from(version))).into_response())
}

/// Lists the merchant's plugins, each in its newest version.
#[utoipa::path(
    get, path = "/api/v1/plugins", operation_id = "listPlugins", tag = "Plugins",
    responses((status = 200, description = "The plugins, by name.", body = All<VersionView>), ListRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn list(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
) -> Result<Json<All<VersionView>>, Problem> {
    let plugins = api.app.plugins(caller.tenant()).await?;
    Ok(Json(All { data: plugins.into_iter().map(VersionView::from).collect() }))
}

/// A plugin in its newest version.
#[utoipa::path(
    get, path = "/api/v1/plugins/{id}", operation_id = "getPlugin", tag = "Plugins",
    params(("id" = String, Path, description = "The plugin's id.")),
    responses((status = 200, description = "The newest version.", body = VersionView), ReadRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn read(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(plugin): Id<PluginId>,
) -> Result<Json<VersionView>, Problem> {
    let newest = api.app.versions_of(caller.tenant(), plugin).await?.pop();
    Ok(Json(newest.ok_or_else(Problem::not_found)?.into()))
}

/// The versions of a plugin, oldest first.
#[utoipa::path(
    get, path = "/api/v1/plugins/{id}/versions", operation_id = "listPluginVersions", tag = "Plugins",
    params(("id" = String, Path, description = "The plugin's id.")),
    responses((status = 200, description = "The versions.", body = All<VersionView>), ReadRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn versions(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(plugin): Id<PluginId>,
) -> Result<Json<All<VersionView>>, Problem> {
    let versions = api.app.versions_of(caller.tenant(), plugin).await?;
    if versions.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(Json(All { data: versions.into_iter().map(VersionView::from).collect() }))
}

/// A version of a plugin.
#[utoipa::path(
    get, path = "/api/v1/plugins/{id}/versions/{version}", operation_id = "getPluginVersion", tag = "Plugins",
    params(
        ("id" = String, Path, description = "The plugin's id."),
        ("version" = String, Path, description = "The version's number."),
    ),
    responses((status = 200, description = "The version.", body = VersionView), ReadRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn read_version(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Ids(plugin, number): Ids<PluginId, String>,
) -> Result<Json<VersionView>, Problem> {
    Ok(Json(version(&api, caller.tenant(), plugin, &number).await?.into()))
}

/// Asks a version, without any effect.
#[utoipa::path(
    post, path = "/api/v1/plugins/{id}/versions/{version}/run", operation_id = "runPluginVersion", tag = "Plugins",
    params(
        ("id" = String, Path, description = "The plugin's id."),
        ("version" = String, Path, description = "The version's number."),
    ),
    request_body = RunVersion,
    responses((status = 200, description = "What it answered, or how it failed.", body = RunView), RunRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn run(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Ids(plugin, number): Ids<PluginId, String>,
    JsonBody(body): JsonBody,
) -> Result<Json<RunView>, Problem> {
    let input = read_input(&body)?;
    let version = version(&api, caller.tenant(), plugin, &number).await?;
    Ok(Json(api.app.run_version(caller.tenant(), &version, &input).await?.into()))
}

/// Decides past orders again with a version, and reports what would have changed.
///
/// Answers with the report where it is ready within ten seconds, and otherwise with the address to ask for it. Back-tests
/// are forgotten when the server restarts.
#[utoipa::path(
    post, path = "/api/v1/plugins/{id}/versions/{version}/backtest", operation_id = "backtestPluginVersion", tag = "Plugins",
    params(
        ("id" = String, Path, description = "The plugin's id."),
        ("version" = String, Path, description = "The version's number."),
    ),
    request_body(content = Option<StartBacktest>),
    responses(
        (status = 200, description = "The report.", body = BacktestView, headers(("Location" = String))),
        (status = 202, description = "It is under way.", body = BacktestView, headers(("Location" = String))),
        RunRefusals,
    ),
    security(("key" = ["plugins:write"])),
)]
pub async fn backtest(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Ids(plugin, number): Ids<PluginId, String>,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Response, Problem> {
    let span = read_span(&body)?;
    let version = version(&api, caller.tenant(), plugin, &number).await?;
    let job = api.app.backtest(caller.tenant(), version, span).await?;
    job.wait(BACKTEST_WAITED_FOR).await;
    let view = BacktestView::from(&*job);
    let status = if view.is_running() { StatusCode::ACCEPTED } else { StatusCode::OK };
    let mut headers = HeaderMap::new();
    put(&mut headers, LOCATION, &format!("/api/v1/backtests/{}", job.id));
    Ok((status, headers, Json(view)).into_response())
}

/// How far a back-test has come, or its report.
#[utoipa::path(
    get, path = "/api/v1/backtests/{id}", operation_id = "getBacktest", tag = "Plugins",
    params(("id" = String, Path, description = "The back-test's id.")),
    responses((status = 200, description = "The back-test.", body = BacktestView), ReadRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn read_backtest(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(id): Id<BacktestId>,
) -> Result<Json<BacktestView>, Problem> {
    let job = api.app.backtest_of(caller.tenant(), id).ok_or_else(Problem::not_found)?;
    Ok(Json(BacktestView::from(&*job)))
}

/// Ends a back-test early.
#[utoipa::path(
    delete, path = "/api/v1/backtests/{id}", operation_id = "cancelBacktest", tag = "Plugins",
    params(("id" = String, Path, description = "The back-test's id.")),
    responses((status = 204, description = "It goes no further."), ReadRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn cancel_backtest(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(id): Id<BacktestId>,
) -> Result<StatusCode, Problem> {
    api.app.backtest_of(caller.tenant(), id).ok_or_else(Problem::not_found)?.cancel();
    Ok(StatusCode::NO_CONTENT)
}

async fn version(api: &Api, tenant: TenantId, plugin: PluginId, number: &str) -> Result<Version, Problem> {
    let mut versions = api.app.versions_of(tenant, plugin).await?.into_iter();
    versions.find(|version| version.version == number).ok_or_else(Problem::not_found)
}

/// Reads a question.
pub fn read_input(body: &Document) -> Result<String, Problem> {
    body.read(|o| o.required("input", |v| v.any_object(INPUT_BYTES_MAX)))
}

/// Reads what is to be decided again.
pub fn read_span(body: &Document) -> Result<Span, Problem> {
    body.read(|o| {
        let from = o.optional("from", |v| v.parsed(parse_from)).unwrap_or(Timestamp::from_micros(0));
        let to = o.optional("to", |v| v.parsed(parse_to)).unwrap_or_else(app::clock::now);
        let limit = o.optional("limit", |v| v.integer(1..=i64::from(LIMIT_MAX)));
        let config = o.optional("config", |v| v.any_object(app::plugins::CONFIG_BYTES_MAX));
        let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(LIMIT_DEFAULT);
        Some(Span { placed: from..to, limit, config })
    })
}

/// The largest component, as it stands in the document.
const _: () = assert!(COMPONENT_BYTES_MAX == 32 << 20);
