//! Asking with a recorded input: what a decision, a dry run or a back-test has as JSON.

use domain::hooks::{Hook, Question, carrier, channel, notification, payment, pricing, risk, routing, shipping, tax};

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
        match self.hook() {
            Hook::Routing => self.ask_as::<routing::Input>(context, input).await,
            Hook::Pricing => self.ask_as::<pricing::Input>(context, input).await,
            Hook::Shipping => self.ask_as::<shipping::Input>(context, input).await,
            Hook::Tax => self.ask_as::<tax::Input>(context, input).await,
            Hook::Risk => self.ask_as::<risk::Input>(context, input).await,
            Hook::Notification => self.ask_as::<notification::Input>(context, input).await,
            Hook::Payment => self.ask_as::<payment::Input>(context, input).await,
            Hook::Carrier => self.ask_as::<carrier::Input>(context, input).await,
            Hook::Channel => self.ask_as::<channel::Input>(context, input).await,
        }
    }

    async fn ask_as<Q: Question>(&self, context: CallContext, input: &str) -> Result<Call<()>, BadInput> {
        let mut question: Q =
            serde_json::from_str(input).map_err(|error| BadInput { hook: Q::HOOK, why: error.to_string() })?;
        // A recorded input was made for another component, which may have been given more.
        question.withhold(self.fields());
        let Call { result, fuel, duration_us, logs, output_json } = self.call(context, &question).await;
        Ok(Call { result: result.map(drop), fuel, duration_us, logs, output_json })
    }
}
