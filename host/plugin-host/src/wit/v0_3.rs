//! `orderwright:policy@0.3.x`: `payment` says what its provider can do, understands several events in one call, and lists.
//! `types`, `log` and `exchange` are as they were, in 0.1: their conversions are those of that revision.

mod payment;

use domain::hooks::Hook;
use wasmtime::component::{InstancePre, Linker};

use super::speak::World;
use super::v0_1::{context, exchange, log};
use crate::limiter::State;

/// What this revision's interfaces are called in a component.
pub const VERSION: &str = "0.3.0";

/// The hooks that have a world in it.
pub const HOOKS: [Hook; 1] = [Hook::Payment];

/// The world of a hook.
pub fn world(pre: InstancePre<State>, hook: Hook) -> wasmtime::Result<World> {
    match hook {
        Hook::Payment => Ok(World::adapter(payment::PaymentPre::new(pre)?)),
        other => Err(wasmtime::Error::msg(format!("revision {VERSION} has no world {}", other.name()))),
    }
}

/// What every world imports. Two of the interfaces hold only types.
pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.instance("orderwright:policy/types@0.3.0")?;
    linker.instance("orderwright:policy/exchange@0.3.0")?;
    linker.instance("orderwright:policy/log@0.3.0")?.func_wrap("write", super::write::<log::Level>)
}
