//! A component that is ready to be asked.

pub mod again;
pub mod reuse;

use std::sync::Arc;
use std::time::Instant;

use domain::hooks::{Context, Hook, LawBroken, payment, risk, routing, tax};
use domain::time::Timestamp;
use serde::Serialize;
use wasmtime::Store;

use crate::call::{Call, CallContext, Failure};
use crate::host::Shared;
use crate::lane::Lost;
use crate::limiter::{self, State};
use crate::limits::CONFIG_BYTES;
use crate::ticker::Running;
use crate::turns::Turn;
use crate::wasi;
use crate::wit::v0_1;
use crate::wit::v0_1::Unreadable;

/// A checked, compiled and linked component. Cheap to clone; usable from many tasks at once.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    digest: String,
    compiled_bytes: usize,
    world: World,
}

/// The world that a component implements, ready to be instantiated.
pub(crate) enum World {
    Routing(v0_1::routing::RoutingPre<State>),
    Tax(v0_1::tax::TaxPre<State>),
    Risk(v0_1::risk::RiskPre<State>),
    Payment(v0_1::payment::PaymentPre<State>),
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("hook", &self.hook()).field("digest", &self.inner.digest).finish_non_exhaustive()
    }
}

impl Plugin {
    pub(crate) fn new(shared: Arc<Shared>, digest: String, compiled_bytes: usize, world: World) -> Self {
        Self { inner: Arc::new(Inner { shared, digest, compiled_bytes, world }) }
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
        match self.inner.world {
            World::Routing(_) => Hook::Routing,
            World::Tax(_) => Hook::Tax,
            World::Risk(_) => Hook::Risk,
            World::Payment(_) => Hook::Payment,
        }
    }

    /// Asks which warehouse ships which line.
    pub async fn call_routing(&self, context: CallContext, input: &routing::Input) -> Call<routing::Answer> {
        let World::Routing(pre) = &self.inner.world else { return Call::failed(Failure::WrongHook) };
        let (pre, asked) = (pre.clone(), v0_1::routing::input(input));
        let ask = |mut store: Store<State>| async move {
            let answer = async {
                let world = pre.instantiate_async(&mut store).await?;
                world.orderwright_policy_route().call_plan_shipments(&mut store, &asked).await
            };
            (answer.await, store)
        };
        let question = Question { about: &input.context, bytes: v0_1::routing::weight(input), ask };
        let read = |answer| Ok(v0_1::routing::answer(given(answer)?)?);
        self.call(context, question, read, |answer| routing::validate(input, answer)).await
    }

    /// Asks how much tax is due.
    pub async fn call_tax(&self, context: CallContext, input: &tax::Input) -> Call<tax::Answer> {
        let World::Tax(pre) = &self.inner.world else { return Call::failed(Failure::WrongHook) };
        let (pre, asked) = (pre.clone(), v0_1::tax::input(input));
        let ask = |mut store: Store<State>| async move {
            let answer = async {
                let world = pre.instantiate_async(&mut store).await?;
                world.orderwright_policy_taxation().call_assess(&mut store, &asked).await
            };
            (answer.await, store)
        };
        let question = Question { about: &input.context, bytes: v0_1::tax::weight(input), ask };
        let read = |answer| Ok(v0_1::tax::answer(given(answer)?));
        self.call(context, question, read, |answer| tax::validate(input, answer)).await
    }

    /// Asks whether an order may be placed.
    pub async fn call_risk(&self, context: CallContext, input: &risk::Input) -> Call<risk::Answer> {
        let World::Risk(pre) = &self.inner.world else { return Call::failed(Failure::WrongHook) };
        let (pre, asked) = (pre.clone(), v0_1::risk::input(input));
        let ask = |mut store: Store<State>| async move {
            let answer = async {
                let world = pre.instantiate_async(&mut store).await?;
                world.orderwright_policy_screening().call_screen(&mut store, &asked).await
            };
            (answer.await, store)
        };
        let question = Question { about: &input.context, bytes: v0_1::risk::weight(input), ask };
        let read = |answer| Ok(v0_1::risk::answer(given(answer)?));
        self.call(context, question, read, |answer| risk::validate(input, answer)).await
    }

    /// Asks a payment adapter what its provider is like.
    pub async fn payment_describe(&self, context: CallContext) -> Call<payment::Descriptor> {
        let World::Payment(pre) = &self.inner.world else { return Call::failed(Failure::WrongHook) };
        let pre = pre.clone();
        let ask = |mut store: Store<State>| async move {
            let answer = async {
                let world = pre.instantiate_async(&mut store).await?;
                world.orderwright_policy_payment_adapter().call_describe(&mut store).await
            };
            (answer.await, store)
        };
        let question = Question { about: &TIMELESS, bytes: 0, ask };
        self.call(context, question, |answer| Ok(v0_1::payment::descriptor(answer)), described).await
    }

    /// Asks a payment adapter for the next step of an operation.
    pub async fn payment_step(&self, context: CallContext, input: &payment::Input) -> Call<payment::Step> {
        let World::Payment(pre) = &self.inner.world else { return Call::failed(Failure::WrongHook) };
        let (pre, about) = (pre.clone(), v0_1::payment::context(input));
        let (operation, transcript) =
            (v0_1::payment::operation(&input.operation), v0_1::payment::transcript(&input.transcript));
        let ask = |mut store: Store<State>| async move {
            let answer = async {
                let world = pre.instantiate_async(&mut store).await?;
                let adapter = world.orderwright_policy_payment_adapter();
                adapter.call_next_step(&mut store, &about, &operation, &transcript).await
            };
            (answer.await, store)
        };
        let question = Question { about: &input.context, bytes: v0_1::payment::weight(input), ask };
        let read = |answer| Ok(v0_1::payment::step(answer));
        self.call(context, question, read, |step| payment::validate(input, step)).await
    }

    /// A whole call: its turn, the guest, and what is made of the answer.
    async fn call<T, A, F>(
        &self,
        context: CallContext,
        question: Question<'_, impl FnOnce(Store<State>) -> F>,
        read: impl FnOnce(T) -> Result<A, Failure>,
        validate: impl FnOnce(A) -> Result<A, LawBroken>,
    ) -> Call<A>
    where
        T: Send + 'static,
        A: Serialize,
        F: Future<Output = (wasmtime::Result<T>, Store<State>)> + Send + 'static,
    {
        let shared = &self.inner.shared;
        let mut run = match Run::begin(shared, context, question.about, question.bytes).await {
            Ok(run) => run,
            Err(failure) => return Call::failed(failure),
        };
        let is_slow = run.store.data().is_slow();
        let answer = match shared.lane.carry((question.ask)(run.store), &is_slow).await {
            Ok((answer, store)) => {
                run.store = store;
                answer
            }
            Err(Lost) => return Call::failed(Failure::Trap("the host lost the call".to_owned())),
        };
        run.finish(answer.map_err(Failure::from).and_then(read), validate)
    }
}

/// What a guest is asked.
struct Question<'a, F> {
    about: &'a Context,
    /// Of the input, roughly.
    bytes: usize,
    /// Instantiates and asks; gives the store back with the answer.
    ask: F,
}

/// A header name that a request can carry.
fn described(descriptor: payment::Descriptor) -> Result<payment::Descriptor, LawBroken> {
    let name = &descriptor.idempotency_header;
    let token = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if name.is_empty() || name.len() > 100 || !name.bytes().all(token) {
        return Err(LawBroken("the idempotency header must be a name of 1 to 100 letters, digits, `-` or `_`".into()));
    }
    Ok(descriptor)
}

/// The answer, where the guest did not give up.
fn given<A>(answer: Result<A, String>) -> Result<A, Failure> {
    answer.map_err(|why| Failure::GaveUp(shorten(&why)))
}

/// The surroundings of a question that has none.
const TIMELESS: Context = Context { now: Timestamp::from_micros(0), config: String::new() };

/// The longest text of a guest's error that is kept.
const GAVE_UP_BYTES: usize = 1000;

fn shorten(text: &str) -> String {
    text[..text.floor_char_boundary(GAVE_UP_BYTES)].to_owned()
}

impl From<Unreadable> for Failure {
    fn from(Unreadable(why): Unreadable) -> Self {
        Self::BadAnswer(why)
    }
}

/// A call under way: its store, its turn, and when it began.
struct Run {
    store: Store<State>,
    fuel: u64,
    began: Instant,
    _running: Running,
    _turn: Turn,
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
        let turn = shared.turns.take(context.tenant).await.map_err(|_| Failure::Busy)?;
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
        Ok(Self { store, fuel, began, _running: running, _turn: turn })
    }

    fn finish<A: Serialize>(
        self,
        answer: Result<A, Failure>,
        validate: impl FnOnce(A) -> Result<A, LawBroken>,
    ) -> Call<A> {
        let duration_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let fuel = self.fuel.saturating_sub(self.store.get_fuel().unwrap_or(0));
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
