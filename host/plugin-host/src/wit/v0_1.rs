//! `orderwright:policy@0.1.x`.

pub mod payment;
pub mod risk;
pub mod routing;
pub mod tax;

use domain::hooks;
use wasmtime::StoreContextMut;
use wasmtime::component::HasSelf;

use crate::limiter::{self, State};
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

/// A line for the log, which the guest pays for as if it had read it itself.
fn write(mut store: StoreContextMut<'_, State>, (level, message): (log::Level, String)) -> wasmtime::Result<()> {
    limiter::charge(&mut store, message.len())?;
    let level = match level {
        log::Level::Debug => Level::Debug,
        log::Level::Info => Level::Info,
        log::Level::Warn => Level::Warn,
        log::Level::Error => Level::Error,
    };
    store.data_mut().log.write(level, &message);
    Ok(())
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
    types::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    linker.instance("orderwright:policy/log@0.1.0")?.func_wrap("write", write)
}
