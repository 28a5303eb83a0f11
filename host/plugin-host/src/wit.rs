//! The WIT revisions that the host speaks, one module each. A module converts between its revision and the domain's
//! types and nothing else, so that an old plugin goes on running when the domain moves on.

mod routing;
pub mod speak;
pub mod v0_1;
pub mod v0_2;
pub mod v0_3;

use domain::hooks::Hook;
use wasmtime::StoreContextMut;
use wasmtime::component::{InstancePre, Linker};

use crate::limiter::{self, State};
use crate::log::Level;
use speak::World;

/// The package that policies are written against.
pub const PACKAGE: &str = "orderwright:policy/";

/// Interfaces of the package that a guest may import: its log, and what only holds types.
pub const IMPORTS: [&str; 3] = ["log", "types", "exchange"];

/// The interface that serves each hook.
pub const EXPORTS: [(&str, Hook); 9] = [
    ("route", Hook::Routing),
    ("promotion", Hook::Pricing),
    ("delivery", Hook::Shipping),
    ("taxation", Hook::Tax),
    ("screening", Hook::Risk),
    ("announcement", Hook::Notification),
    ("payment-adapter", Hook::Payment),
    ("carrier-adapter", Hook::Carrier),
    ("channel-adapter", Hook::Channel),
];

/// What a value takes when it is handed to a guest, roughly, in bytes.
const RECORD_BYTES: usize = 64;

/// A revision of the package, as far as the host knows it.
pub struct Revision {
    /// What its interfaces are called in a component, after the `@`.
    pub version: &'static str,
    /// The hooks that have a world in it.
    pub hooks: &'static [Hook],
    link: fn(&mut Linker<State>) -> wasmtime::Result<()>,
    world: fn(InstancePre<State>, Hook) -> wasmtime::Result<World>,
}

/// Every revision, the oldest first.
pub const REVISIONS: [Revision; 3] = [
    Revision { version: v0_1::VERSION, hooks: &Hook::ALL, link: v0_1::add_to_linker, world: v0_1::world },
    Revision { version: v0_2::VERSION, hooks: &v0_2::HOOKS, link: v0_2::add_to_linker, world: v0_2::world },
    Revision { version: v0_3::VERSION, hooks: &v0_3::HOOKS, link: v0_3::add_to_linker, world: v0_3::world },
];

/// A line for the log, which the guest pays for as if it had read it itself.
fn write<L: Into<Level>>(mut store: StoreContextMut<'_, State>, (level, message): (L, String)) -> wasmtime::Result<()> {
    limiter::charge(&mut store, message.len())?;
    store.data_mut().log.write(level.into(), &message);
    Ok(())
}

/// Everything that a guest may import.
pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    REVISIONS.iter().try_for_each(|revision| (revision.link)(linker))
}

/// A linked component, ready to be asked as the world of a hook in a revision that is spoken.
pub fn world(pre: InstancePre<State>, hook: Hook, version: &str) -> wasmtime::Result<World> {
    let revision = REVISIONS.iter().find(|revision| revision.version == version && revision.hooks.contains(&hook));
    let Some(revision) = revision else {
        return Err(wasmtime::Error::msg(format!("{hook:?} of revision {version} is not spoken")));
    };
    (revision.world)(pre, hook)
}
