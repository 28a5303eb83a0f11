//! Asking with a recorded input: what a decision, a dry run or a back-test has as JSON.

use domain::hooks::{Hook, payment, risk, routing, tax};

use super::Plugin;
use crate::call::{Call, CallContext};

/// A recorded input that is none of the hook's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no input of the hook `{}`: {why}", hook.name())]
pub struct BadInput {
    /// The plugin's hook.
    pub hook: Hook,
    /// What is wrong, and where.
    pub why: String,
}

impl Plugin {
    /// Asks with an input as the domain writes it in JSON. The answer is judged by the hook's laws and comes back as JSON:
    /// the same input gives the same bytes again.
    ///
    /// # Errors
    /// [`BadInput`]
    pub async fn ask(&self, context: CallContext, input: &str) -> Result<Call<()>, BadInput> {
        let hook = self.hook();
        let bad = |error: serde_json::Error| BadInput { hook, why: error.to_string() };
        Ok(match hook {
            Hook::Routing => {
                let input: routing::Input = serde_json::from_str(input).map_err(bad)?;
                self.call_routing(context, &input).await.without_answer()
            }
            Hook::Tax => {
                let input: tax::Input = serde_json::from_str(input).map_err(bad)?;
                self.call_tax(context, &input).await.without_answer()
            }
            Hook::Risk => {
                let input: risk::Input = serde_json::from_str(input).map_err(bad)?;
                self.call_risk(context, &input).await.without_answer()
            }
            Hook::Payment => {
                let input: payment::Input = serde_json::from_str(input).map_err(bad)?;
                self.payment_step(context, &input).await.without_answer()
            }
        })
    }
}

impl<T> Call<T> {
    /// The call with its answer as JSON alone.
    fn without_answer(self) -> Call<()> {
        let Self { result, fuel, duration_us, logs, output_json } = self;
        Call { result: result.map(drop), fuel, duration_us, logs, output_json }
    }
}
