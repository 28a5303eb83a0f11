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
    /// `routing`, `tax`, `risk` or `payment`.
    hook: &'static str,
    /// What decided; `native` for the built-in default.
    plugin: String,
    version: String,
    /// SHA-256 of the component; null for the built-in default.
    digest: Option<String>,
    /// How it ended, such as `answered` or `trapped`.
    outcome: String,
    /// Instructions used.
    fuel: u64,
    duration_us: u64,
    input: AnyJson,
    /// Null where there was no answer.
    output: Option<AnyJson>,
    /// What the guest wrote.
    logs: String,
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
            outcome: decision.outcome.clone(),
            fuel: decision.fuel,
            duration_us: decision.duration_us,
            input: AnyJson::new(&decision.input),
            output: decision.output.as_deref().map(AnyJson::new),
            logs: decision.logs.to_string(),
            error: decision.error.clone(),
            time: Time(decision.at),
        }
    }
}
