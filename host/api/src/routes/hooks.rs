//! `GET` and `PUT /hooks`, and going back to what was bound before. The bindings of adapters are in `adapters`.

pub mod adapters;
pub mod callbacks;

use app::candidates::Mode;
use app::hooks::{Bound, Wanted, WantedCandidate};
use app::plugins::CONFIG_BYTES_MAX;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ETAG;
use domain::hooks::{FailurePolicy, Hook, PersonalField, Slot};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::auth::{Authorized, PluginsWrite};
use crate::body::JsonBody;
use crate::conditional::{IfMatch, etag};
use crate::json::{Document, Object, Value};
use crate::path::Id;
use crate::problem::{Code, Problem};
use crate::refusals::refusals;
use crate::routes::put;
use crate::views::plugin::HookView;
use crate::views::{All, AnyJson};

const PLUGIN_CHARS_MAX: usize = 100;
const VERSION_CHARS_MAX: usize = 20;
const HOSTS_MAX: usize = 20;
const HOST_CHARS_MAX: usize = 260;
const SECRETS_MAX: usize = 50;
const SECRET_CHARS_MAX: usize = 100;

/// What is to decide a hook.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_binding` reads the body")]
pub struct BindHook {
    /// The plugin's name or id, or `native` for the built-in default.
    #[schema(example = "nearest-warehouse")]
    plugin: String,
    /// Its newest version that is ready where none is given.
    #[schema(example = "3")]
    version: Option<String>,
    /// What the component is told with every call: a JSON object of at most 64 kB.
    #[schema(value_type = Option<Object>)]
    config: Option<AnyJson>,
    /// The hosts that an adapter may speak to, `host:port`.
    #[schema(max_items = 20, example = json!(["api.example.com:443"]))]
    hosts: Option<Vec<String>>,
    /// The secrets that an adapter may use beside those whose names stand in its configuration.
    #[schema(max_items = 50, example = json!(["api_key"]))]
    secrets: Option<Vec<String>>,
    /// The personal fields that it may have: of what it asks for it has only these. Where nothing is given, what the plugin
    /// may have now; a version that asks for more is refused then, with what is missing.
    #[schema(example = json!(["zip", "email_domain"]))]
    fields: Option<Vec<String>>,
    /// `fallback`, `hold` or `reject`; where nothing is given, `fallback` for routing and shipping, `hold` for the others.
    on_failure: Option<String>,
    /// Another version of the plugin that decides beside it or in its place.
    candidate: Option<HookCandidate>,
}

/// A version that is tried before it decides everything.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_candidate` reads the body")]
pub struct HookCandidate {
    #[schema(example = "4")]
    version: String,
    /// `shadow` decides beside what is bound, without any effect; `canary` in its place, for a share of the orders.
    #[schema(example = "canary")]
    mode: String,
    /// Of a canary: the share of orders. A higher one only adds orders.
    #[schema(minimum = 1, maximum = 100)]
    percent: Option<u8>,
    /// The share of failing calls above which a canary is taken back, judged from 20 calls on.
    #[schema(minimum = 0, maximum = 100, default = 5)]
    max_failure_percent: Option<u8>,
    /// The share of answers unlike those of what is bound above which a canary is taken back.
    #[schema(minimum = 0, maximum = 100)]
    max_drift_percent: Option<u8>,
}

/// Binds only in place of a known revision.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "this type is only documentation; `conditional` reads the header")]
pub struct RevisionHeader {
    /// The `ETag` of what is replaced, `"0"` for a hook that was never bound, or `*` for whatever it is.
    #[param(rename = "If-Match", example = "\"3\"")]
    if_match: String,
}

refusals!(
    /// Of reading bindings.
    ListRefusals: COMMON
);

refusals!(
    /// Of reading a binding.
    ReadRefusals: COMMON; NotFound
);

refusals!(
    /// Of binding a hook.
    BindRefusals: COMMON BODY; NotFound, OtherHook, VersionNotReady, ApprovalRequired, HookNotAsked, PreconditionFailed, PreconditionRequired
);

refusals!(
    /// Of going back.
    RollbackRefusals: COMMON; NotFound, BadRequest, NothingToRollBack, PreconditionFailed
);

refusals!(
    /// Of promoting a candidate.
    PromoteRefusals: COMMON; NotFound, BadRequest, NothingToPromote, PreconditionFailed
);

/// Lists what decides each hook, and every adapter that is bound.
#[utoipa::path(
    get, path = "/api/v1/hooks", operation_id = "listHooks", tag = "Plugins",
    responses((status = 200, description = "The hooks.", body = All<HookView>), ListRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn list(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
) -> Result<Json<All<HookView>>, Problem> {
    let bound = api.app.bound(caller.tenant()).await?;
    Ok(Json(All { data: bound.into_values().map(HookView::from).collect() }))
}

/// What decides a policy's hook.
#[utoipa::path(
    get, path = "/api/v1/hooks/{hook}", operation_id = "getHook", tag = "Plugins",
    params(("hook" = String, Path, description = "A policy's hook, such as `routing`.")),
    responses((status = 200, description = "The binding.", body = HookView, headers(("ETag" = String))), ReadRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn read(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(hook): Id<Hook>,
) -> Result<(HeaderMap, Json<HookView>), Problem> {
    let bound = api.app.bound_at(caller.tenant(), &policy(hook)?).await?;
    let compared = api.app.compared(caller.tenant(), &bound).await?;
    let (headers, Json(view)) = answer(bound);
    Ok((headers, Json(view.compared(compared))))
}

/// Binds a policy to its hook. It decides on every node within a second.
#[utoipa::path(
    put, path = "/api/v1/hooks/{hook}", operation_id = "bindHook", tag = "Plugins",
    params(("hook" = String, Path, description = "A policy's hook, such as `routing`."), RevisionHeader),
    request_body = BindHook,
    responses((status = 200, description = "What decides now.", body = HookView, headers(("ETag" = String))), BindRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn bind(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(hook): Id<Hook>,
    if_match: IfMatch,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<(HeaderMap, Json<HookView>), Problem> {
    Ok(answer(bound(&api, &caller, policy(hook)?, if_match, &headers, &body).await?))
}

/// Binds again what was bound before the present binding.
#[utoipa::path(
    post, path = "/api/v1/hooks/{hook}/rollback", operation_id = "rollBackHook", tag = "Plugins",
    params(("hook" = String, Path, description = "A policy's hook, such as `routing`.")),
    responses((status = 200, description = "What decides now.", body = HookView, headers(("ETag" = String))), RollbackRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn roll_back(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(hook): Id<Hook>,
    IfMatch(revision): IfMatch,
) -> Result<(HeaderMap, Json<HookView>), Problem> {
    Ok(answer(api.app.roll_back(&caller, &policy(hook)?, revision).await?))
}

/// Lets the candidate decide everything.
#[utoipa::path(
    post, path = "/api/v1/hooks/{hook}/promote", operation_id = "promoteCandidate", tag = "Plugins",
    params(("hook" = String, Path, description = "A policy's hook, such as `routing`.")),
    responses((status = 200, description = "What decides now.", body = HookView, headers(("ETag" = String))), PromoteRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn promote(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(hook): Id<Hook>,
    IfMatch(revision): IfMatch,
) -> Result<(HeaderMap, Json<HookView>), Problem> {
    Ok(answer(api.app.promote(&caller, hook, revision).await?))
}

/// An adapter's hook is named with a binding: without one it is not there.
fn policy(hook: Hook) -> Result<Slot, Problem> {
    let detail = || format!("An adapter's hook has named bindings, such as `/hooks/{}/main`.", hook.name());
    Slot::new(hook, None).ok_or_else(|| Problem::new(Code::NotFound, detail()))
}

async fn bound(
    api: &Api,
    caller: &app::merchant::Caller,
    slot: Slot,
    IfMatch(revision): IfMatch,
    headers: &HeaderMap,
    body: &Document,
) -> Result<Bound, Problem> {
    needs_revision(headers)?;
    Ok(api.app.bind(caller, slot, read_binding(body)?, revision).await?)
}

/// Two people who change a binding at once must not undo each other unseen.
fn needs_revision(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(axum::http::header::IF_MATCH) {
        return Ok(());
    }
    let detail = "A binding is replaced only with an `If-Match` header: the `ETag` of what is bound, or `*`.";
    Err(Problem::new(Code::PreconditionRequired, detail))
}

fn answer(bound: Bound) -> (HeaderMap, Json<HookView>) {
    let mut headers = HeaderMap::new();
    put(&mut headers, ETAG, &etag(bound.revision));
    (headers, Json(bound.into()))
}

/// Reads what is to decide a hook.
pub fn read_binding(body: &Document) -> Result<Wanted, Problem> {
    body.read(|o| {
        let plugin = o.required("plugin", |v| v.text(PLUGIN_CHARS_MAX));
        let version = o.optional("version", |v| v.text(VERSION_CHARS_MAX));
        let config = o.optional("config", |v| v.any_object(CONFIG_BYTES_MAX));
        let hosts = o.optional("hosts", |v| v.array(0..=HOSTS_MAX, |v| read_host(&v)));
        let secrets = o.optional("secrets", |v| v.array(0..=SECRETS_MAX, |v| v.text(SECRET_CHARS_MAX)));
        let fields = o.optional("fields", |v| v.array(0..=PersonalField::ALL.len(), |v| v.parsed(personal_field)));
        let on_failure = o.optional("on_failure", |v| v.parsed(failure_policy));
        let candidate = o.optional("candidate", |v| v.object(read_candidate));
        Some(Wanted {
            plugin: plugin?,
            version,
            config: config.unwrap_or_else(|| "{}".to_owned()),
            on_failure,
            hosts: hosts.unwrap_or_default(),
            secrets: secrets.unwrap_or_default(),
            fields: fields.map(|fields| fields.into_iter().collect()),
            candidate,
        })
    })
}

fn read_candidate(o: &Object<'_>) -> Option<WantedCandidate> {
    let version = o.required("version", |v| v.text(VERSION_CHARS_MAX));
    let mode = o.required("mode", |v| v.parsed(mode));
    let percent =
        |name, least| o.optional(name, |v: Value<'_>| v.integer(least..=100).and_then(|n| u8::try_from(n).ok()));
    let (percent, max_failure_percent, max_drift_percent) =
        (percent("percent", 1), percent("max_failure_percent", 0), percent("max_drift_percent", 0));
    Some(WantedCandidate { version: version?, mode: mode?, percent, max_failure_percent, max_drift_percent })
}

fn mode(text: &str) -> Result<Mode, &'static str> {
    Mode::ALL.into_iter().find(|mode| mode.name() == text).ok_or("must be `shadow` or `canary`")
}

fn personal_field(text: &str) -> Result<PersonalField, &'static str> {
    let known = PersonalField::named(text);
    known.ok_or("must be `name`, `street`, `email`, `phone`, `city`, `zip`, `customer_id` or `email_domain`")
}

fn failure_policy(text: &str) -> Result<FailurePolicy, &'static str> {
    let known = FailurePolicy::ALL.into_iter().find(|policy| policy.name() == text);
    known.ok_or("must be `fallback`, `hold` or `reject`")
}

fn read_host(v: &Value<'_>) -> Option<String> {
    let host = v.text(HOST_CHARS_MAX)?;
    let is_host = |(name, port): (&str, &str)| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
            && port.parse::<u16>().is_ok()
    };
    if host.rsplit_once(':').is_some_and(is_host) {
        Some(host)
    } else {
        v.fault("must be a host with its port, such as api.example.com:443")
    }
}
