//! How a component is asked, whatever the revision of its world.

use std::any::Any;
use std::pin::Pin;
use std::time::Duration;

use domain::hooks::exchange::Descriptor;
use domain::hooks::{Hook, Question};
use wasmtime::Store;

use crate::call::Failure;
use crate::limiter::State;
use crate::plugin::Run;

/// A question under way. The store comes back with the answer, for its fuel and its log.
pub type Asking<A> = Pin<Box<dyn Future<Output = (Result<A, Failure>, Store<State>)> + Send>>;

/// A future that lives as long as what it borrows.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A world of one revision that takes this question.
pub trait Speak<Q: Question>: Send + Sync {
    /// Roughly how many bytes the question takes.
    fn weight(&self, question: &Q) -> usize;

    /// Asks a fresh instance.
    fn ask(&self, question: &Q, store: Store<State>) -> Asking<Q::Answer>;

    /// Asks one instance the same so many times, and tells how long each took.
    fn reuse<'a>(
        &'a self,
        question: &'a Q,
        run: &'a mut Run,
        times: usize,
    ) -> Boxed<'a, Result<Vec<Duration>, Failure>>;
}

/// A world of an adapter, which also says what the other side is like.
pub trait Describe: Send + Sync {
    /// Asks a fresh instance.
    fn describe(&self, store: Store<State>) -> Asking<Descriptor>;
}

/// A component, ready to be asked.
pub struct World {
    /// The hook that it serves.
    pub hook: Hook,
    /// A `Box<dyn Speak<Q>>` of the hook's question.
    speaker: Box<dyn Any + Send + Sync>,
    /// Where the hook is an adapter's.
    pub describer: Option<Box<dyn Describe>>,
}

impl World {
    pub fn policy<Q: Question>(speaker: impl Speak<Q> + 'static) -> Self {
        let speaker: Box<dyn Speak<Q>> = Box::new(speaker);
        Self { hook: Q::HOOK, speaker: Box::new(speaker), describer: None }
    }

    pub fn adapter<Q: Question>(speaker: impl Speak<Q> + Describe + Clone + 'static) -> Self {
        let describer: Box<dyn Describe> = Box::new(speaker.clone());
        Self { describer: Some(describer), ..Self::policy(speaker) }
    }

    /// None where the question is another hook's.
    pub fn speaker<Q: Question>(&self) -> Option<&dyn Speak<Q>> {
        self.speaker.downcast_ref::<Box<dyn Speak<Q>>>().map(|speaker| &**speaker)
    }
}

/// An answer that is well formed WIT but does not name what the domain knows.
#[derive(Debug)]
pub struct Unreadable(pub String);

impl From<Unreadable> for Failure {
    fn from(Unreadable(why): Unreadable) -> Self {
        Self::BadAnswer(why)
    }
}

/// The longest text of a guest's error that is kept.
const GAVE_UP_BYTES: usize = 1000;

/// The answer, where the guest did not give up.
pub fn given<A>(answer: Result<A, String>) -> Result<A, Failure> {
    answer.map_err(|why| Failure::GaveUp(why[..why.floor_char_boundary(GAVE_UP_BYTES)].to_owned()))
}

/// Implements [`Speak`] for a policy's world, whose interface has one function.
///
/// The module has `weight`, `input` (to the guest) and `answer` (from it).
macro_rules! policy {
    ($world:ty, $interface:ident, $function:ident) => {
        crate::wit::speak::speak! {
            $world, hook::Input, hook::Answer, weight, |question| input(question),
            |world, store, asked| world.$interface().$function(store, asked),
            |said| Ok(answer(crate::wit::speak::given(said)?)?)
        }
    };
}

/// Implements [`Speak`] and [`Describe`] for an adapter's world.
///
/// The module has `weight`, `operation` (to the guest) and `step` (from it), and names what reads the description.
macro_rules! adapter {
    ($world:ty, $interface:ident, $descriptor:path) => {
        crate::wit::speak::speak! {
            $world, hook::Input, hook::Step, weight,
            |question| (
                super::context(&question.context),
                operation(&question.operation),
                super::exchange::transcript(&question.transcript),
            ),
            |world, store, asked| world.$interface().call_next_step(store, &asked.0, &asked.1, &asked.2),
            |said| Ok(step(said)?)
        }

        impl crate::wit::speak::Describe for $world {
            fn describe(
                &self,
                mut store: wasmtime::Store<State>,
            ) -> crate::wit::speak::Asking<domain::hooks::exchange::Descriptor> {
                let pre = self.clone();
                Box::pin(async move {
                    let said = async {
                        let world = pre.instantiate_async(&mut store).await?;
                        world.$interface().call_describe(&mut store).await
                    };
                    let said = said.await;
                    (said.map($descriptor).map_err(crate::call::Failure::from), store)
                })
            }
        }
    };
}

macro_rules! speak {
    (
        $pre:ty, $question:ty, $answer:ty, $weight:expr, |$asking:ident| $to_guest:expr,
        |$world:ident, $store:ident, $asked:ident| $call:expr, |$said:ident| $from_guest:expr
    ) => {
        impl crate::wit::speak::Speak<$question> for $pre {
            fn weight(&self, question: &$question) -> usize {
                $weight(question)
            }

            fn ask(
                &self,
                $asking: &$question,
                mut store: wasmtime::Store<State>,
            ) -> crate::wit::speak::Asking<$answer> {
                let (pre, asked) = (self.clone(), $to_guest);
                Box::pin(async move {
                    let said = async {
                        let $world = pre.instantiate_async(&mut store).await?;
                        let ($store, $asked) = (&mut store, &asked);
                        $call.await
                    };
                    let read = |$said| -> Result<$answer, crate::call::Failure> { $from_guest };
                    let said = said.await;
                    (said.map_err(crate::call::Failure::from).and_then(read), store)
                })
            }

            fn reuse<'a>(
                &'a self,
                $asking: &'a $question,
                run: &'a mut crate::plugin::Run,
                times: usize,
            ) -> crate::wit::speak::Boxed<'a, Result<Vec<std::time::Duration>, crate::call::Failure>> {
                Box::pin(async move {
                    let $world = self.instantiate_async(&mut run.store).await?;
                    let read = |$said| -> Result<$answer, crate::call::Failure> { $from_guest };
                    let mut took = Vec::with_capacity(times);
                    for _ in 0..times {
                        let began = run.again()?;
                        let asked = $to_guest;
                        let ($store, $asked) = (&mut run.store, &asked);
                        let said = $call.await?;
                        read(said)?;
                        took.push(began.elapsed());
                    }
                    Ok(took)
                })
            }
        }
    };
}

pub(crate) use {adapter, policy, speak};
