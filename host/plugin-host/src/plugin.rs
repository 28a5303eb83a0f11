//! A component that is ready to be asked.

pub mod again;
pub mod reuse;

use std::sync::Arc;
use std::time::Instant;

use domain::hooks::exchange::{self, Descriptor};
use domain::hooks::{Context, Hook, LawBroken, PersonalFields, Question};
use domain::time::Timestamp;
use serde::Serialize;
use wasmtime::Store;

use crate::call::{Call, CallContext, Failure};
use crate::check::Inspection;
use crate::host::Shared;
use crate::lane::Lost;
use crate::limiter::{self, State};
use crate::limits::CONFIG_BYTES;
use crate::ticker::Running;
use crate::turns::Turn;
use crate::wasi;
use crate::wit::speak::{Asking, World};

/// A checked, compiled and linked component. Cheap to clone; usable from many tasks at once.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    digest: String,
    fields: Option<PersonalFields>,
    compiled_bytes: usize,
    world: World,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("hook", &self.hook()).field("digest", &self.inner.digest).finish_non_exhaustive()
    }
}

impl Plugin {
    pub(crate) fn new(shared: Arc<Shared>, inspection: Inspection, compiled_bytes: usize, world: World) -> Self {
        let Inspection { digest, fields, .. } = inspection;
        Self { inner: Arc::new(Inner { shared, digest, fields, compiled_bytes, world }) }
    }

    /// The personal fields that it asks for.
    #[must_use]
    pub fn fields(&self) -> PersonalFields {
        self.inner.fields.unwrap_or_default()
    }

    /// Of what is granted, the personal fields that it may have. One that says nothing about them, as those do that are older
    /// than grants, has all that is granted.
    #[must_use]
    pub fn may_have(&self, granted: PersonalFields) -> PersonalFields {
        self.inner.fields.map_or(granted, |asked| asked.and(granted))
    }

    /// The component's SHA-256, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// What it takes in memory for as long as it is loaded.
    #[must_use]
    pub fn compiled_bytes(&self) -> usize {
        self.inner.compiled_bytes
    }

    /// The hook that it serves.
    #[must_use]
    pub fn hook(&self) -> Hook {
        self.inner.world.hook
    }

    /// Asks a fresh instance. The answer, if there is one, keeps the hook's laws.
    pub async fn call<Q: Question>(&self, context: CallContext, question: &Q) -> Call<Q::Answer> {
        let Some(speaker) = self.inner.world.speaker::<Q>() else { return Call::failed(Failure::WrongHook) };
        let weight = speaker.weight(question);
        let ask = |store| speaker.ask(question, store);
        self.run(context, question.context(), weight, ask, |answer| question.validate(answer)).await
    }

    /// Asks an adapter what the other side is like.
    pub async fn describe(&self, context: CallContext) -> Call<Descriptor> {
        let Some(describer) = &self.inner.world.describer else { return Call::failed(Failure::WrongHook) };
        self.run(context, &TIMELESS, 0, |store| describer.describe(store), exchange::validate_descriptor).await
    }

    /// A whole call: its turn, the guest, and what is made of the answer.
    async fn run<A: Serialize + Send + 'static>(
        &self,
        context: CallContext,
        about: &Context,
        input_bytes: usize,
        ask: impl FnOnce(Store<State>) -> Asking<A>,
        validate: impl FnOnce(A) -> Result<A, LawBroken>,
    ) -> Call<A> {
        let shared = &self.inner.shared;
        let mut run = match Run::begin(shared, context, about, input_bytes).await {
            Ok(run) => run,
            Err(failure) => return Call::failed(failure),
        };
        let is_slow = run.store.data().is_slow();
        let answer = match shared.lane.carry(ask(run.store), &is_slow).await {
            Ok((answer, store)) => {
                run.store = store;
                answer
            }
            Err(Lost) => return Call::failed(Failure::Trap("the host lost the call".to_owned())),
        };
        run.finish(answer, validate)
    }
}

/// The surroundings of a question that has none.
const TIMELESS: Context = Context { now: Timestamp::from_micros(0), config: String::new() };

/// A call under way: its store, its turn, and when it began.
pub(crate) struct Run {
    pub(crate) store: Store<State>,
    fuel: u64,
    began: Instant,
    _running: Running,
    turn: Turn,
}
impl Run {
    async fn begin(
        shared: &Shared,
        context: CallContext,
        about: &Context,
        input_bytes: usize,
    ) -> Result<Self, Failure> {
        let limits = &shared.limits;
        for (bytes, most) in [(about.config.len(), CONFIG_BYTES), (input_bytes, limits.input_bytes)] {
            if bytes > most {
                return Err(Failure::InputTooLarge(bytes));
            }
        }
        let turn = shared.turns.take(context.tenant, context.work).await.map_err(|_| Failure::Busy)?;
        let running = shared.ticker.run();
        let began = Instant::now();
        let world = wasi::World::at(about.now);
        let state = State::new(world, limits.memory_bytes, limits.wall, Arc::clone(turn.tenant()));
        let mut store = Store::new(&shared.engine, state);
        store.limiter(|state| state);
        let for_input = limits.fuel_per_input_byte.saturating_mul(input_bytes as u64);
        let fuel = limits.fuel.saturating_add(for_input);
        store.set_fuel(fuel)?;
        store.set_hostcall_fuel(limits.output_bytes);
        // Two ticks: the first may come at once, and a call that is over within one must not be sent to the slow lane.
        store.set_epoch_deadline(2);
        store.epoch_deadline_callback(limiter::tick);
        Ok(Self { store, fuel, began, _running: running, turn })
    }

    fn finish<A: Serialize>(
        self,
        answer: Result<A, Failure>,
        validate: impl FnOnce(A) -> Result<A, LawBroken>,
    ) -> Call<A> {
        let duration_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let fuel = self.fuel.saturating_sub(self.store.get_fuel().unwrap_or(0));
        self.turn.tenant().owe(fuel);
        let logs = self.store.into_data().log.finish();
        let output_json = answer.as_ref().ok().and_then(|answer| serde_json::to_string(answer).ok());
        let result = answer.and_then(|answer| validate(answer).map_err(|LawBroken(why)| Failure::LawBroken(why)));
        Call { result, fuel, duration_us, logs, output_json }
    }
}

impl<T> Call<T> {
    /// A call that never reached the guest.
    const fn failed(failure: Failure) -> Self {
        Self { result: Err(failure), fuel: 0, duration_us: 0, logs: Vec::new(), output_json: None }
    }
}
