//! A policy's decision as the API shows it.

use app::Decision;
use domain::ids::DecisionId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{AnyJson, Time};

/// One call of a policy. Amounts within `input` and `output` are minor units of the currency stated there: it is the
/// exact record of what the policy was asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
pub struct DecisionView {
    #[schema(value_type = String)]
    decision_id: DecisionId,
    /// Such as `routing` or `payment`.
    hook: &'static str,
    /// The component's name.
    plugin: String,
    version: String,
    /// SHA-256 of the component.
    digest: Option<String>,
    /// `active`, `canary` (a candidate in place of what is bound), or `shadow` (made beside the one that counted).
    role: &'static str,
    /// `ok`, or how it failed.
    outcome: String,
    /// Instructions used.
    fuel: u64,
    duration_us: u64,
    input: AnyJson,
    /// Null where there was no answer.
    output: Option<AnyJson>,
    /// What the guest wrote: a list of `{"level", "message"}`.
    #[schema(value_type = Vec<Object>)]
    logs: AnyJson,
    /// Why it failed.
    error: Option<String>,
    time: Time,
}

impl From<&Decision> for DecisionView {
    fn from(decision: &Decision) -> Self {
        Self {
            decision_id: decision.decision_id,
            hook: decision.hook.name(),
            plugin: decision.plugin.clone(),
            version: decision.plugin_version.clone(),
            digest: decision.digest.clone(),
            role: decision.role.name(),
            outcome: decision.outcome.clone(),
            fuel: decision.fuel,
            duration_us: decision.duration_us,
            input: AnyJson::new(&decision.input),
            output: decision.output.as_deref().map(AnyJson::new),
            logs: AnyJson::new(&decision.logs),
            error: decision.error.clone(),
            time: Time(decision.at),
        }
    }
}
