//! One instance for many calls. Only the benchmark does this, to show what a fresh instance costs.

use std::time::{Duration, Instant};

use domain::hooks::{risk, routing, tax};

use super::{Plugin, Run, TIMELESS, World};
use crate::call::{CallContext, Failure};
use crate::limits::CONFIG_BYTES;
use crate::wit::v0_1;

/// What the instance is asked again and again.
#[derive(Debug)]
pub enum Question<'a> {
    /// See [`Plugin::call_routing`].
    Routing(&'a routing::Input),
    /// See [`Plugin::call_tax`].
    Tax(&'a tax::Input),
    /// See [`Plugin::call_risk`].
    Risk(&'a risk::Input),
}

impl Plugin {
    /// Asks one instance the same so many times, and tells how long each call took.
    ///
    /// # Errors
    /// What ended a call.
    pub async fn reuse(
        &self,
        context: CallContext,
        question: Question<'_>,
        times: usize,
    ) -> Result<Vec<Duration>, Failure> {
        let mut run = Run::begin(&self.inner.shared, context, &TIMELESS, CONFIG_BYTES).await?;
        let mut took = Vec::with_capacity(times);
        match (&self.inner.world, question) {
            (World::Routing(pre), Question::Routing(input)) => {
                let world = pre.instantiate_async(&mut run.store).await?;
                for _ in 0..times {
                    let began = run.again()?;
                    let asked = v0_1::routing::input(input);
                    let answer = world.orderwright_policy_route().call_plan_shipments(&mut run.store, &asked).await?;
                    v0_1::routing::answer(answer.map_err(Failure::GaveUp)?)?;
                    took.push(began.elapsed());
                }
            }
            (World::Tax(pre), Question::Tax(input)) => {
                let world = pre.instantiate_async(&mut run.store).await?;
                for _ in 0..times {
                    let began = run.again()?;
                    let asked = v0_1::tax::input(input);
                    let answer = world.orderwright_policy_taxation().call_assess(&mut run.store, &asked).await?;
                    v0_1::tax::answer(answer.map_err(Failure::GaveUp)?);
                    took.push(began.elapsed());
                }
            }
            (World::Risk(pre), Question::Risk(input)) => {
                let world = pre.instantiate_async(&mut run.store).await?;
                for _ in 0..times {
                    let began = run.again()?;
                    let asked = v0_1::risk::input(input);
                    let answer = world.orderwright_policy_screening().call_screen(&mut run.store, &asked).await?;
                    v0_1::risk::answer(answer.map_err(Failure::GaveUp)?);
                    took.push(began.elapsed());
                }
            }
            _ => return Err(Failure::WrongHook),
        }
        Ok(took)
    }
}

impl Run {
    fn again(&mut self) -> Result<Instant, Failure> {
        self.store.set_fuel(self.fuel)?;
        self.store.set_epoch_deadline(2);
        Ok(Instant::now())
    }
}
