//! One instance for many calls. Only the benchmark does this, to show what a fresh instance costs.

use std::time::{Duration, Instant};

use domain::hooks::Question;

use super::{Plugin, Run, TIMELESS};
use crate::call::{CallContext, Failure};
use crate::limits::CONFIG_BYTES;

impl Plugin {
    /// Asks one instance the same so many times, and tells how long each call took.
    ///
    /// # Errors
    /// What ended a call.
    pub async fn reuse<Q: Question>(
        &self,
        context: CallContext,
        question: &Q,
        times: usize,
    ) -> Result<Vec<Duration>, Failure> {
        let speaker = self.inner.world.speaker::<Q>().ok_or(Failure::WrongHook)?;
        let mut run = Run::begin(&self.inner.shared, context, &TIMELESS, CONFIG_BYTES).await?;
        speaker.reuse(question, &mut run, times).await
    }
}

impl Run {
    /// Gives the instance what a call may use; the time from here on is the call's.
    pub(crate) fn again(&mut self) -> Result<Instant, Failure> {
        self.store.set_fuel(self.fuel)?;
        self.store.set_epoch_deadline(2);
        Ok(Instant::now())
    }
}
