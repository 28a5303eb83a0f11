//! A candidate on its trial: how it compares, and the orders that it decides differently.

use app::candidates::{Difference, Mode};
use app::hooks::Bound;
use domain::ids::TenantId;

use crate::Api;
use crate::console::{chart, text};
use crate::html::PageProblem;

/// How many differing orders are shown.
const DIFFERENCES: u32 = 20;

/// The trial on a plugin's page.
pub struct Trial {
    pub version: String,
    pub bound_version: String,
    pub mode: &'static str,
    pub is_canary: bool,
    pub percent: u8,
    pub max_failure_percent: u8,
    pub max_drift_percent: Option<u8>,
    pub since: String,
    pub pairs: String,
    pub differing: String,
    pub differing_share: String,
    pub differing_length: u64,
    pub failed: String,
    pub failed_share: String,
    /// Whether anything was compared yet.
    pub has_pairs: bool,
    pub differences: Vec<Differing>,
}

/// An order that is decided differently.
pub struct Differing {
    pub order_id: String,
    pub time: String,
    pub what: String,
    pub bound: Side,
    pub candidate: Side,
}

/// What one of the two decided.
pub struct Side {
    pub version: String,
    pub role: &'static str,
    pub outcome: String,
    pub tone: &'static str,
    pub answer: String,
}

/// The trial of a hook's candidate, none where there is none.
pub async fn trial(api: &Api, tenant: TenantId, bound: &Bound) -> Result<Option<Trial>, PageProblem> {
    let (Some(candidate), Some(compared)) = (&bound.candidate, api.app.compared(tenant, bound).await?) else {
        return Ok(None);
    };
    let differences = match compared.differing {
        0 => Vec::new(),
        _ => api.app.differences(tenant, bound, DIFFERENCES).await?,
    };
    Ok(Some(Trial {
        version: candidate.version.clone(),
        bound_version: bound.version.clone(),
        mode: candidate.mode.name(),
        is_canary: candidate.mode == Mode::Canary,
        percent: candidate.percent,
        max_failure_percent: candidate.max_failure_percent,
        max_drift_percent: candidate.max_drift_percent,
        since: text::time(candidate.since),
        pairs: text::count(compared.pairs),
        differing: text::count(compared.differing),
        differing_share: text::percent(compared.differing, compared.pairs),
        differing_length: chart::share(compared.differing, compared.pairs),
        failed: text::count(compared.failed),
        failed_share: text::percent(compared.failed, compared.pairs),
        has_pairs: compared.pairs > 0,
        differences: differences.iter().map(Differing::new).collect(),
    }))
}

impl Differing {
    fn new(difference: &Difference) -> Self {
        Self {
            order_id: difference.bound.order_id.to_string(),
            time: text::time(difference.bound.at),
            what: difference.what.clone(),
            bound: Side::new(&difference.bound),
            candidate: Side::new(&difference.candidate),
        }
    }
}

impl Side {
    fn new(decision: &app::Decision) -> Self {
        let answer = decision.output.as_deref().map(text::pretty);
        Self {
            version: decision.plugin_version.clone(),
            role: decision.role.name(),
            outcome: text::words(&decision.outcome),
            tone: if decision.outcome == "ok" { "good" } else { "bad" },
            answer: answer.or_else(|| decision.error.clone()).unwrap_or_default(),
        }
    }
}
