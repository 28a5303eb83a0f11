//! The contract gate: a component answers generated and recorded questions before anybody depends on it.
//!
//! The questions come in the order of their size, so that the first that is answered wrongly is the smallest.

mod samples;

use domain::hooks::{Hook, PersonalFields};
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

/// A question in the domain's JSON.
pub(super) struct Sample {
    what: String,
    input: String,
}

impl Sample {
    fn new(what: impl Into<String>, input: &impl Serialize) -> Result<Self, Error> {
        Ok(Self { what: what.into(), input: serde_json::to_string(input)? })
    }
}

impl App {
    /// What the merchant's policies were asked, smallest first.
    pub(super) async fn recorded_samples(&self, tenant: TenantId, hook: Hook) -> Result<Vec<Sample>, Error> {
        let all_time = Timestamp::from_micros(0)..clock::now();
        let mut recorded = self.store().recorded_decisions(tenant, hook, all_time, None, RECORDED).await?;
        recorded.sort_by_key(|decision| decision.input.len());
        // Nobody has granted it anything yet, and a refusal quotes what it was asked.
        let sample = |decision: store::Decision| {
            Ok(Sample {
                what: format!("the recorded input of decision {}", decision.decision_id),
                input: plugin_host::withheld(hook, &decision.input, PersonalFields::default())
                    .map_err(Error::internal)?,
            })
        };
        recorded.into_iter().map(sample).collect()
    }
}

/// Asks every question, generated ones first, and answers why the component is refused: nothing where it is not. It may
/// give up (it says so in words); it may not crash, run out of what it may use, or break a law of its hook.
pub(super) async fn pass(
    plugin: &Plugin,
    tenant: TenantId,
    recorded: Vec<Sample>,
    checks: &mut Vec<String>,
) -> Result<Vec<String>, Error> {
    let mut samples = samples::generated(plugin.hook())?;
    samples.sort_by_key(|sample| sample.input.len());
    let (generated, asked) = (samples.len(), recorded.len());
    let mut gave_up = 0;
    for sample in samples.iter().chain(&recorded) {
        match ask_patiently(plugin, tenant, &sample.input).await?.result {
            Ok(()) => {}
            Err(Failure::GaveUp(_)) => gave_up += 1,
            Err(failure) => {
                let quoted: String = sample.input.chars().take(QUOTED_CHARS).collect();
                return Ok(vec![format!("asked about {}, {failure}; the input was {quoted}", sample.what)]);
            }
        }
    }
    checks.push(format!("kept the hook's laws on {generated} generated and {asked} recorded inputs"));
    if gave_up > 0 {
        checks.push(format!("gave up on {gave_up} of them, which is allowed"));
    }
    Ok(Vec::new())
}
