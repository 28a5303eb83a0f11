//! `orderwright:policy@0.2.x`: `routing` knows what the goods are sold for. The other worlds are as they were, in 0.1.

mod routing;

use domain::hooks::{self, Hook};
use wasmtime::component::{HasSelf, InstancePre, Linker};

use super::speak::World;
use crate::limiter::State;
use crate::log::Level;

/// What this revision's interfaces are called in a component.
pub const VERSION: &str = "0.2.0";

/// The hooks that have a world in it.
pub const HOOKS: [Hook; 1] = [Hook::Routing];

mod shared {
    wasmtime::component::bindgen!({
        inline: "
            package orderwright:host;
            world shared {
                import orderwright:policy/types@0.2.0;
                import orderwright:policy/log@0.2.0;
            }
        ",
        path: "../../wit/0.2.0",
        world: "orderwright:host/shared",
    });
}

pub use shared::orderwright::policy::{log, types};

impl From<log::Level> for Level {
    fn from(level: log::Level) -> Self {
        match level {
            log::Level::Debug => Self::Debug,
            log::Level::Info => Self::Info,
            log::Level::Warn => Self::Warn,
            log::Level::Error => Self::Error,
        }
    }
}

impl types::Host for State {}

fn context(context: &hooks::Context) -> types::Context {
    types::Context { now: context.now.micros(), config: context.config.clone() }
}

fn destination(destination: &hooks::Destination) -> types::Destination {
    types::Destination {
        country: destination.country.clone(),
        region: destination.region.clone(),
        city: destination.city.clone(),
        zip: destination.zip.clone(),
    }
}

/// The world of a hook.
pub fn world(pre: InstancePre<State>, hook: Hook) -> wasmtime::Result<World> {
    match hook {
        Hook::Routing => Ok(World::policy(routing::RoutingPre::new(pre)?)),
        other => Err(wasmtime::Error::msg(format!("revision {VERSION} has no world {}", other.name()))),
    }
}

/// What every world imports.
pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    linker.instance("orderwright:policy/log@0.2.0")?.func_wrap("write", super::write::<log::Level>)
}
