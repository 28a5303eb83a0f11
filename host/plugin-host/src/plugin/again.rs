//! Asking with a recorded input: what a decision, a dry run or a back-test has as JSON.

use domain::hooks::{
    Hook, PersonalFields, Question, carrier, channel, notification, payment, pricing, risk, routing, shipping, tax,
};

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

macro_rules! by_hook {
    ($hook:expr, $do:ident($($given:expr),*) $(.$await:ident)?) => {
        match $hook {
            Hook::Routing => $do::<routing::Input>($($given),*)$(.$await)?,
            Hook::Pricing => $do::<pricing::Input>($($given),*)$(.$await)?,
            Hook::Shipping => $do::<shipping::Input>($($given),*)$(.$await)?,
            Hook::Tax => $do::<tax::Input>($($given),*)$(.$await)?,
            Hook::Risk => $do::<risk::Input>($($given),*)$(.$await)?,
            Hook::Notification => $do::<notification::Input>($($given),*)$(.$await)?,
            Hook::Payment => $do::<payment::Input>($($given),*)$(.$await)?,
            Hook::Carrier => $do::<carrier::Input>($($given),*)$(.$await)?,
            Hook::Channel => $do::<channel::Input>($($given),*)$(.$await)?,
        }
    };
}

impl Plugin {
    /// Asks with an input as the domain writes it in JSON. The answer is judged by the hook's laws and comes back as JSON:
    /// the same input gives the same bytes again.
    ///
    /// # Errors
    /// [`BadInput`]
    pub async fn ask(&self, context: CallContext, input: &str) -> Result<Call<()>, BadInput> {
        by_hook!(self.hook(), ask(self, context, input).await)
    }
}

async fn ask<Q: Question>(plugin: &Plugin, context: CallContext, input: &str) -> Result<Call<()>, BadInput> {
    let Call { result, fuel, duration_us, logs, output_json } = plugin.call(context, &read::<Q>(input)?).await;
    Ok(Call { result: result.map(drop), fuel, duration_us, logs, output_json })
}

/// A hook's input in JSON without the personal fields that are not among the given ones: what was recorded for one component
/// may be more than another may have.
///
/// # Errors
/// [`BadInput`]
pub fn withheld(hook: Hook, input: &str, visible: PersonalFields) -> Result<String, BadInput> {
    by_hook!(hook, withhold(input, visible))
}

fn withhold<Q: Question>(input: &str, visible: PersonalFields) -> Result<String, BadInput> {
    let mut question: Q = read(input)?;
    question.withhold(visible);
    serde_json::to_string(&question).map_err(|error| BadInput { hook: Q::HOOK, why: error.to_string() })
}

fn read<Q: Question>(input: &str) -> Result<Q, BadInput> {
    serde_json::from_str(input).map_err(|error| BadInput { hook: Q::HOOK, why: error.to_string() })
}
