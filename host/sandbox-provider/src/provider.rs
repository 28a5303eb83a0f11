//! The provider behind the HTTP interface.

use crate::command::{Command, Context};
use crate::idempotency::{self, InFlight, Verdict};
use crate::ids::{IntentId, same_secret};
use crate::intent::{Intent, Refusal};
use crate::problem::Problem;
use crate::records::Saved;
use crate::store::{self, Snapshot, Store, now_ms};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many due intents, or expired keys, one transaction handles.
const SWEEP_MAX: usize = 500;

/// How often the sweeper looks for what is due.
const SWEEP_EVERY: Duration = Duration::from_millis(250);

/// How many looks pass between two searches for expired keys: they only take room.
const KEYS_EVERY: u32 = 240;

/// The provider's state, shared by all requests.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    store: Store,
    in_flight: InFlight,
    context: Context,
    api_key: String,
    silence: Duration,
    stopping: CancellationToken,
}

/// What to answer a request that moves money.
#[derive(Debug)]
pub enum Answer {
    /// Answer this.
    Give(Saved),
    /// Answer this, and say that it is a repetition.
    Repeat(Saved),
    /// Never answer.
    Silence,
}

/// What became of a customer's answer.
#[derive(Debug)]
pub enum Confirmed {
    /// The payment went on.
    Done,
    /// The payment does not wait for an answer.
    Refused(Refusal),
    /// There is no such payment, or the token is wrong.
    Unknown,
}

impl Provider {
    /// A provider over an open ledger. Silent requests are given up when `stopping` is cancelled.
    pub fn new(
        store: Store,
        context: Context,
        api_key: String,
        silence: Duration,
        stopping: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner { store, in_flight: InFlight::default(), context, api_key, silence, stopping }))
    }

    /// The ledger.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Where the provider is reached.
    pub fn url(&self) -> &str {
        &self.0.context.url
    }

    /// Whether this is the secret key.
    pub fn knows(&self, api_key: &str) -> bool {
        same_secret(api_key, &self.0.api_key)
    }

    /// Executes a command once for its key.
    pub async fn execute(&self, key: String, command: Command) -> Result<Answer, Problem> {
        let guard = self.0.in_flight.claim(&key).ok_or_else(Problem::idempotency_in_progress)?;
        let context = self.0.context.clone();
        let verdict = self
            .0
            .store
            .write(move |book| idempotency::execute(book, &key, command, &context))
            .await
            .map_err(internal)?;
        // A silent request is over for its key: its repetition gets the answer.
        drop(guard);
        match verdict {
            Verdict::Executed { is_silent: true, .. } => Ok(Answer::Silence),
            Verdict::Executed { answer, .. } => Ok(Answer::Give(answer)),
            Verdict::Replayed(answer) => Ok(Answer::Repeat(answer)),
            Verdict::Refused(problem) => Err(problem),
        }
    }

    /// Waits as long as a silent request is kept open.
    pub async fn silence(&self) {
        tokio::select! {
            () = tokio::time::sleep(self.0.silence) => {}
            () = self.0.stopping.cancelled() => {}
        }
    }

    /// Reads the ledger as it is now: what was due has happened.
    pub async fn read<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Snapshot) -> Result<T, store::Error> + Send + 'static,
    {
        self.settle().await.map_err(internal)?;
        self.0.store.read(read).await.map_err(internal)
    }

    /// The customer confirms or refuses a payment.
    pub async fn confirm(&self, id: IntentId, token: String, confirmed: bool) -> Result<Confirmed, Problem> {
        self.0
            .store
            .write(move |book| {
                let Some(mut intent) = book.intent(&id)?.filter(|it| has_token(it, &token)) else {
                    return Ok(Confirmed::Unknown);
                };
                match intent.answer(confirmed) {
                    Ok(change) => {
                        book.put_intent(&intent, &change, None)?;
                        Ok(Confirmed::Done)
                    }
                    Err(refusal) => Ok(Confirmed::Refused(refusal)),
                }
            })
            .await
            .map_err(internal)
    }

    /// Lets happen what is due, until the provider stops. An error of the ledger ends it: the server stops as well.
    pub async fn sweep(self) {
        let mut looks: u32 = 0;
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP_EVERY) => {}
                () = self.0.stopping.cancelled() => return,
            }
            let mut swept = self.settle().await;
            if looks.is_multiple_of(KEYS_EVERY) && swept.is_ok() {
                swept = self.forget_keys().await;
            }
            looks = looks.wrapping_add(1);
            if let Err(error) = swept {
                tracing::error!(%error, "the sweeper stopped");
                return;
            }
        }
    }

    async fn settle(&self) -> Result<(), store::Error> {
        let next = self.0.store.read(Snapshot::next_due).await?;
        if next.is_none_or(|due| due > now_ms()) {
            return Ok(());
        }
        while self.0.store.write(|book| book.settle_due(SWEEP_MAX)).await? == SWEEP_MAX {}
        Ok(())
    }

    async fn forget_keys(&self) -> Result<(), store::Error> {
        while self.0.store.write(|book| book.forget_keys(SWEEP_MAX)).await? == SWEEP_MAX {}
        Ok(())
    }
}

/// Whether the intent waits, or waited, for an answer under this token.
pub fn has_token(intent: &Intent, token: &str) -> bool {
    intent.confirmation.as_ref().is_some_and(|confirmation| same_secret(token, &confirmation.token))
}

/// Logs what a client must not see.
pub fn internal(error: store::Error) -> Problem {
    tracing::error!(%error, "a request failed");
    Problem::internal()
}
