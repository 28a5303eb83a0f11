//! Deciding again: a dry run with any input, and a recorded decision with the component that made it.

use std::time::Duration;

use domain::ids::{DecisionId, TenantId};
use plugin_host::{BadInput, Call, CallContext, Failure, Plugin};
use store::Decision;

use crate::plugins::{Status, Version};
use crate::{App, Error};

/// How long after an order was placed decisions about it are looked for by their id alone.
const LOOKED_BACK: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The pause before a busy host is asked again.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Why nothing is decided again.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such decision or version.
    #[error("there is no such thing")]
    NotFound,
    /// The version cannot run.
    #[error("the version is {}", .0.name())]
    NotReady(Status),
    /// The input is none of the hook's.
    #[error(transparent)]
    BadInput(#[from] BadInput),
    /// Something else.
    #[error(transparent)]
    Error(#[from] Error),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Error(error.into())
    }
}

/// A call that was made to see what comes of it.
#[derive(Debug, Clone)]
pub struct Ran {
    /// `ok`, or the code of the failure.
    pub outcome: &'static str,
    /// The answer as JSON, where there was one.
    pub output: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// Instructions used.
    pub fuel: u64,
    /// How long it took.
    pub duration_us: u64,
    /// What it wrote, JSON.
    pub logs: String,
}

impl Ran {
    pub(crate) fn new(call: Call<()>) -> Result<Self, Error> {
        Ok(Self {
            outcome: call.outcome(),
            error: call.result.err().map(|failure| failure.to_string()),
            output: call.output_json,
            fuel: call.fuel,
            duration_us: call.duration_us,
            logs: serde_json::to_string(&call.logs)?,
        })
    }
}

/// A decision that was made again.
#[derive(Debug)]
pub struct Replay {
    /// As it was made.
    pub recorded: Decision,
    /// As it was made now.
    pub ran: Ran,
    /// Whether outcome and output are the same, byte for byte. What it took is not compared.
    pub is_same: bool,
}

/// Asks with a recorded input, again and again while the host is busy with others: nobody waits for the answer with a
/// request in his hand.
pub(crate) async fn ask_patiently(plugin: &Plugin, tenant: TenantId, input: &str) -> Result<Call<()>, Error> {
    loop {
        let call = plugin.ask(CallContext::trial(tenant), input).await.map_err(Error::internal)?;
        if call.result != Err(Failure::Busy) {
            return Ok(call);
        }
        tokio::time::sleep(BUSY_PAUSE).await;
    }
}

impl App {
    /// Asks a version of a plugin, without any effect.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn run_version(&self, tenant: TenantId, version: &Version, input: &str) -> Result<Ran, Refusal> {
        if version.status != Status::Ready {
            return Err(Refusal::NotReady(version.status));
        }
        let plugin = self.plugin(tenant, version.hook, &version.digest).await?;
        Ok(Ran::new(plugin.ask(CallContext::trial(tenant), input).await?)?)
    }

    /// Makes a recorded decision again, with the component and the input of then.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn replay_decision(&self, tenant: TenantId, decision_id: DecisionId) -> Result<Replay, Refusal> {
        let made = decision_id.made_at();
        let since = domain::time::Timestamp::from_micros(
            made.micros().saturating_sub(i64::try_from(LOOKED_BACK.as_micros()).unwrap_or(i64::MAX)),
        );
        let recorded = self.store().decision(tenant, decision_id, since).await?.ok_or(Refusal::NotFound)?;
        self.make_again(tenant, recorded).await
    }

    /// The same, where the decision is at hand.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn make_again(&self, tenant: TenantId, recorded: Decision) -> Result<Replay, Refusal> {
        // The built-in defaults record nothing that could be repeated.
        let digest = recorded.digest.as_deref().ok_or(Refusal::NotFound)?;
        let plugin = self.plugin(tenant, recorded.hook, digest).await?;
        let ran = Ran::new(plugin.ask(CallContext::trial(tenant), &recorded.input).await?)?;
        let is_same = ran.outcome == recorded.outcome && ran.output.as_deref() == recorded.output.as_deref();
        Ok(Replay { recorded, ran, is_same })
    }
}
