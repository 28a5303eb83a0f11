//! What a call is told, and what comes back.

use domain::ids::TenantId;
use serde::{Deserialize, Serialize};

use crate::limiter::Stop;
use crate::log::LogLine;

/// For whom a call is made.
#[derive(Debug, Clone, Copy)]
pub struct CallContext {
    /// The merchant, whose share of the pool the call takes.
    pub tenant: TenantId,
    /// What it is for.
    pub work: Work,
}

/// What a call is for. Each has a share of its own, so that no back-test keeps a merchant's orders waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// Somebody waits for the answer: it decides about an order.
    Order,
    /// It decides what is told about what has happened: it counts, but nobody waits for it.
    Message,
    /// It decides nothing: a check, a back-test, a dry run, a shadow.
    Trial,
}

impl CallContext {
    /// A call that decides about a merchant's order.
    #[must_use]
    pub const fn order(tenant: TenantId) -> Self {
        Self { tenant, work: Work::Order }
    }

    /// A call that decides what is told about a merchant's order.
    #[must_use]
    pub const fn message(tenant: TenantId) -> Self {
        Self { tenant, work: Work::Message }
    }

    /// A call that decides nothing.
    #[must_use]
    pub const fn trial(tenant: TenantId) -> Self {
        Self { tenant, work: Work::Trial }
    }
}

/// One call with everything that a decision records of it.
#[derive(Debug, Clone)]
pub struct Call<T> {
    /// The answer, which keeps the hook's laws, or why there is none.
    pub result: Result<T, Failure>,
    /// The instructions used, as wasmtime counts them: the same input costs the same.
    pub fuel: u64,
    /// How long it took, instantiation included, waiting for a turn not.
    pub duration_us: u64,
    /// What the guest wrote.
    pub logs: Vec<LogLine>,
    /// What the guest answered as the domain's JSON, even where it broke a law; none where nothing could be read.
    pub output_json: Option<String>,
}

impl<T> Call<T> {
    /// How it ended, for records: `ok`, or the code of the failure.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        self.result.as_ref().map_or_else(Failure::code, |_| "ok")
    }
}

/// Why a call gave no answer. The binding's failure policy decides what then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", content = "detail", rename_all = "snake_case")]
pub enum Failure {
    /// It used all its instructions.
    #[error("the policy ran for longer than it may: all its instructions are used up")]
    OutOfFuel,
    /// It used all its time.
    #[error("the policy did not answer in time")]
    TimedOut,
    /// It crashed.
    #[error("the policy crashed: {0}")]
    Trap(String),
    /// It wanted more memory than it may have.
    #[error("the policy wanted more memory than it may have")]
    MemoryLimit,
    /// Its answer is too large, or a line for its log is, before it can be cut.
    #[error("the policy's answer, or a line that it wrote at once, is too large")]
    OutputTooLarge,
    /// The question is too large.
    #[error("the policy's input has {0} bytes, which is more than a policy can be handed")]
    InputTooLarge(usize),
    /// It answered with an error.
    #[error("the policy gave up: {0}")]
    GaveUp(String),
    /// The answer breaks a law of the hook.
    #[error("the policy's answer is not possible: {0}")]
    LawBroken(String),
    /// The answer names what cannot exist.
    #[error("the policy's answer cannot be read: {0}")]
    BadAnswer(String),
    /// Its functions have other types than the hook.
    #[error("the component's function is another than the hook's: {0}")]
    WrongTypes(String),
    /// The merchant's share of the pool, or the pool, is taken.
    #[error("too many policies are running at this moment")]
    Busy,
    /// The component was loaded for another hook.
    #[error("the component does not serve this hook")]
    WrongHook,
}

impl Failure {
    /// A stable name for records and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OutOfFuel => "out_of_fuel",
            Self::TimedOut => "timed_out",
            Self::Trap(_) => "trap",
            Self::MemoryLimit => "memory_limit",
            Self::OutputTooLarge => "output_too_large",
            Self::InputTooLarge(_) => "input_too_large",
            Self::GaveUp(_) => "gave_up",
            Self::LawBroken(_) => "law_broken",
            Self::BadAnswer(_) => "bad_answer",
            Self::WrongTypes(_) => "wrong_types",
            Self::Busy => "busy",
            Self::WrongHook => "wrong_hook",
        }
    }
}

/// What wasmtime says where an answer exceeds the host's budget for it. Its error type is private; a test watches this.
const OUTPUT_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";

/// What wasmtime says where an export is no function of the hook's type, before it says in which respect.
const TYPES_DIFFER: &str = "failed to convert function to given type: ";

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Self {
        if let Some(stop) = error.downcast_ref::<Stop>() {
            return match stop {
                Stop::TimedOut => Self::TimedOut,
                Stop::Memory => Self::MemoryLimit,
            };
        }
        if error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
            return Self::Busy;
        }
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(wasmtime::Trap::OutOfFuel) => return Self::OutOfFuel,
            Some(wasmtime::Trap::Interrupt) => return Self::TimedOut,
            Some(trap) => return Self::Trap(trap.to_string()),
            None => {}
        }
        let message = format!("{:#}", error);
        if message.contains(OUTPUT_EXHAUSTED) {
            return Self::OutputTooLarge;
        }
        if let Some((_, why)) = message.split_once(TYPES_DIFFER) {
            return Self::WrongTypes(why.to_owned());
        }
        Self::Trap(message)
    }
}
