//! The WIT revisions that the host speaks, one module each. A module converts between its revision and the domain's
//! types and nothing else, so that an old plugin goes on running when the domain moves on.

pub mod v0_1;

use wasmtime::component::Linker;

use crate::limiter::State;

/// Everything that a guest may import.
pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    v0_1::add_to_linker(linker)
}
