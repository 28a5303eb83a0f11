//! The pages about plugins: what there is and what decides, one plugin with its trial, figures and log, and back-tests.

pub mod actions;
pub mod backtest;
mod figures;
pub mod list;
pub mod log;
pub mod page;
mod trial;
pub mod upload;

use app::hooks::{Bound, NATIVE};
use app::plugins::{COMPONENT_BYTES_MAX, Status, Version};
use domain::hooks::{FailurePolicy, Hook, PersonalFields, Slot};
use domain::ids::{PluginId, TenantId};

use super::text;
use crate::Api;
use crate::problem::{Code, Problem};

/// How many characters of a digest are shown.
const DIGEST_CHARS: usize = 12;
/// What stands in a refusal between its sentence and the smallest input that shows it.
const INPUT: &str = "; the input was ";

/// The form that uploads a component.
struct Upload {
    /// Of the plugin whose next version it is; empty where it has to be given.
    name: String,
    bytes_max: usize,
    refused: Option<Refused>,
}

/// Why an upload is not taken.
struct Refused {
    name: String,
    reasons: Vec<Reason>,
}

/// A reason, with the input that shows it where there is one.
struct Reason {
    text: String,
    input: Option<String>,
}

impl Reason {
    fn new(reason: &str) -> Self {
        match reason.split_once(INPUT) {
            Some((text, input)) => Self { text: text.to_owned(), input: Some(text::pretty(input)) },
            None => Self { text: reason.to_owned(), input: None },
        }
    }
}

impl Upload {
    fn of(name: &str) -> Self {
        Self { name: name.to_owned(), bytes_max: COMPONENT_BYTES_MAX, refused: None }
    }
}

/// A version in a table.
struct VersionRow {
    number: String,
    status: &'static str,
    tone: &'static str,
    is_ready: bool,
    /// What it does at the moment: `bound`, `shadow` or `canary`; empty for nothing.
    does: &'static str,
    uploaded: String,
    size: String,
    wit: String,
    digest: String,
    imports: Vec<String>,
    /// The personal fields that it asks for.
    asks: String,
    /// Of these, what the plugin may not have now.
    new_asks: String,
    /// What the plugin may have, with what this version asks for besides.
    grant: String,
    checks: Vec<String>,
    reasons: Vec<Reason>,
}

impl VersionRow {
    /// In view of what is bound, where that counts.
    fn new(version: &Version, bound: Option<&Bound>) -> Self {
        let ours = bound.filter(|bound| bound.plugin == version.plugin);
        let candidate = ours.and_then(|bound| bound.candidate.as_ref()).filter(|c| c.digest == version.digest);
        let is_bound = ours.is_some_and(|bound| bound.digest.as_ref() == Some(&version.digest));
        let granted = ours.map_or_else(PersonalFields::default, |bound| bound.fields);
        let asks = version.report.fields;
        let does = match candidate {
            _ if is_bound => "bound",
            Some(candidate) => candidate.mode.name(),
            None => "",
        };
        Self {
            number: version.version.clone(),
            status: version.status.name(),
            tone: tone(version.status),
            is_ready: version.status == Status::Ready,
            does,
            uploaded: text::time(version.created_at),
            size: if version.report.size == 0 { String::new() } else { text::size(version.report.size) },
            wit: version.report.wit_version.clone(),
            digest: short_digest(&version.digest),
            imports: version.report.imports.clone(),
            asks: asks.to_string(),
            new_asks: asks.without(granted).to_string(),
            grant: granted.or(asks).to_string(),
            checks: version.report.checks.clone(),
            reasons: version.report.reasons.iter().map(|reason| Reason::new(reason)).collect(),
        }
    }
}

/// What decides a hook, in words.
struct Binding {
    /// Such as `routing` or `payment/main`.
    slot: String,
    /// The name of an adapter's binding; empty of a policy.
    name: String,
    /// In words: `built-in default`, or the plugin with its version.
    what: String,
    is_native: bool,
    on_failure: &'static str,
    /// What that means.
    then: &'static str,
    config: String,
    hosts: Vec<String>,
    secrets: Vec<String>,
    fields: String,
    actor: String,
    since: String,
    revision: u64,
}

impl Binding {
    fn new(bound: &Bound) -> Self {
        Self {
            slot: bound.slot.to_string(),
            name: bound.slot.binding().unwrap_or_default().to_owned(),
            what: what(bound),
            is_native: bound.plugin == NATIVE,
            on_failure: bound.on_failure.name(),
            then: then(bound.on_failure),
            config: text::pretty(&bound.config),
            hosts: bound.hosts.clone(),
            secrets: bound.secrets.clone(),
            fields: bound.fields.to_string(),
            actor: bound.actor.clone(),
            since: bound.updated_at.map(text::time).unwrap_or_default(),
            revision: bound.revision,
        }
    }
}

/// What decides, in words.
fn what(bound: &Bound) -> String {
    match bound.plugin.as_str() {
        NATIVE if bound.is_nothing() => "nothing".to_owned(),
        NATIVE => "built-in default".to_owned(),
        plugin => format!("{plugin} {}", bound.version),
    }
}

fn then(policy: FailurePolicy) -> &'static str {
    match policy {
        FailurePolicy::Fallback => "the built-in default decides",
        FailurePolicy::Hold => "the order waits for a person",
        FailurePolicy::Reject => "the request is refused",
    }
}

fn tone(status: Status) -> &'static str {
    match status {
        Status::Compiling => "waiting",
        Status::Ready => "good",
        Status::Refused => "bad",
    }
}

fn short_digest(digest: &str) -> String {
    digest.get(..DIGEST_CHARS).unwrap_or(digest).to_owned()
}

/// The versions of a plugin, oldest first, at least one.
async fn versions(api: &Api, tenant: TenantId, plugin: PluginId) -> Result<Vec<Version>, Problem> {
    let versions = api.app.versions_of(tenant, plugin).await?;
    if versions.is_empty() { Err(Problem::not_found()) } else { Ok(versions) }
}

/// What is bound where a plugin's page stands: at the hook of a policy, or at the named binding of an adapter. Where no
/// binding is named, at one that has the plugin, or else at the usual one.
async fn bound(api: &Api, tenant: TenantId, newest: &Version, name: &str) -> Result<Bound, Problem> {
    let hook = newest.hook;
    let slot = match name {
        "" => {
            let all = api.app.bound(tenant).await?;
            let ours = all.into_values().find(|bound| bound.hook() == hook && bound.plugin == newest.plugin);
            ours.map_or_else(|| Slot::usual(hook), |bound| bound.slot)
        }
        name => Slot::new(hook, Some(name)).ok_or_else(|| no_binding(hook))?,
    };
    Ok(api.app.bound_at(tenant, &slot).await?)
}

fn no_binding(hook: Hook) -> Problem {
    let detail = if hook.is_adapter() {
        "A binding's name has 1 to 50 lower-case letters, digits, `-` or `_`. Go back and correct it."
    } else {
        "A policy's hook has one binding, without a name."
    };
    Problem::new(Code::NotFound, detail)
}
