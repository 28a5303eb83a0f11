//! `orderwright:policy@0.1.x`.

pub mod payment;
pub mod risk;
pub mod routing;
pub mod tax;

use domain::hooks;

use crate::limiter::State;
use crate::log::Level;

/// What this revision's interfaces are called in a component.
pub const VERSION: &str = "0.1.0";

mod shared {
    wasmtime::component::bindgen!({
        inline: "
            package orderwright:host;
            world shared {
                import orderwright:policy/types@0.1.0;
                import orderwright:policy/log@0.1.0;
            }
        ",
        path: "../../wit/0.1.0",
        world: "orderwright:host/shared",
    });
}

pub use shared::orderwright::policy::{log, types};

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.log.write(level, &message);
    }
}

impl types::Host for State {}

/// An answer that is well formed WIT but does not name what the domain knows.
#[derive(Debug)]
pub struct Unreadable(pub String);

/// What a value of this revision takes when it is handed to a guest, roughly, in bytes.
const RECORD_BYTES: usize = 64;

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

/// The log and the types, which every world imports.
pub fn add_to_linker(linker: &mut wasmtime::component::Linker<State>) -> wasmtime::Result<()> {
    shared::Shared::add_to_linker::<_, wasmtime::component::HasSelf<_>>(linker, |state| state)
}
