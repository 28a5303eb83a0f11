//! The contract gate: a component answers generated and recorded questions before anybody depends on it.
//!
//! The questions come in the order of their size, so that the first that is answered wrongly is the smallest.

mod samples;

use domain::ids::TenantId;
use domain::time::Timestamp;
use plugin_host::{Failure, Plugin};
use serde::Serialize;

use crate::again::ask_patiently;
use crate::{App, Error, clock};

/// How many recorded questions are asked besides the generated ones.
const RECORDED: u32 = 50;
/// An input is quoted up to here.
const QUOTED_CHARS: usize = 2000;

/// What trying a component out has shown.
pub(super) struct Outcome {
    pub checks: Vec<String>,
    /// Why it is refused; empty where it is not.
    pub reasons: Vec<String>,
}

/// A question in the domain's JSON.
struct Sample {
    what: String,
    input: String,
}

impl Sample {
    fn new(what: impl Into<String>, input: &impl Serialize) -> Result<Self, Error> {
        Ok(Self { what: what.into(), input: serde_json::to_string(input)? })
    }
}

impl App {
    /// Asks every question. A component may give up (it says so in words); it may not crash, run out of what it may use,
    /// or break a law of its hook.
    pub(super) async fn try_out(&self, tenant: TenantId, plugin: &Plugin) -> Result<Outcome, Error> {
        let mut samples = samples::generated(plugin.hook())?;
        samples.sort_by_key(|sample| sample.input.len());
        let generated = samples.len();
        let now = clock::now();
        let all_time = Timestamp::from_micros(0)..now;
        let mut recorded = self.store().recorded_decisions(tenant, plugin.hook(), all_time, None, RECORDED).await?;
        recorded.sort_by_key(|decision| decision.input.len());
        samples.extend(recorded.iter().map(|decision| Sample {
            what: format!("the recorded input of decision {}", decision.decision_id),
            input: decision.input.to_string(),
        }));
        let mut gave_up = 0;
        for sample in &samples {
            match ask_patiently(plugin, tenant, &sample.input).await?.result {
                Ok(()) => {}
                Err(Failure::GaveUp(_)) => gave_up += 1,
                Err(failure) => {
                    let quoted: String = sample.input.chars().take(QUOTED_CHARS).collect();
                    let reason = format!("asked about {}, {failure}; the input was {quoted}", sample.what);
                    return Ok(Outcome { checks: Vec::new(), reasons: vec![reason] });
                }
            }
        }
        let mut checks =
            vec![format!("kept the hook's laws on {generated} generated and {} recorded inputs", recorded.len())];
        if gave_up > 0 {
            checks.push(format!("gave up on {gave_up} of them, which is allowed"));
        }
        Ok(Outcome { checks, reasons: Vec::new() })
    }
}
