//! A closed world for guests whose tool chain brings WASI along: no files, no environment, no network, standard output
//! into the log, a clock that stands still at the decision's time, and random numbers that are the same each time.
//!
//! What is defined here answers; everything else of WASI that a component imports is a stub that ends the call when it
//! is called, and says its name. A component that imports nothing of WASI pays nothing for this.

mod io;

use domain::time::Timestamp;
use wasmtime::component::{Component, ComponentType, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType};

use crate::limiter::{self, State};

/// Prefix of the interfaces that are offered closed.
pub const PREFIX: &str = "wasi:";

/// The most random bytes of one request.
const RANDOM_BYTES: u64 = 4096;

/// What one call sees of the world.
#[derive(Debug)]
pub struct World {
    now_micros: i64,
    random: u64,
}

impl World {
    /// The world at a moment. The random numbers follow from it, so that a decision can be repeated.
    pub fn at(now: Timestamp) -> Self {
        Self { now_micros: now.micros(), random: now.micros().cast_unsigned() }
    }

    /// SplitMix64: every seed gives a full sequence, and nothing here is secret.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        if length > RANDOM_BYTES {
            return Err(wasmtime::Error::msg(format!("{length} random bytes at once are more than {RANDOM_BYTES}")));
        }
        let words = std::iter::repeat_with(|| self.random().to_le_bytes());
        Ok(words.flatten().take(usize::try_from(length)?).collect())
    }
}

/// `wasi:clocks/wall-clock.datetime`.
#[derive(Debug, ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

struct Descriptor;
struct TerminalInput;
struct TerminalOutput;

/// A linker for one component: the common one, and the part of WASI that the component imports.
///
/// # Errors
/// Where an import has a kind that cannot be closed, such as a module.
pub fn linker(common: &Linker<State>, component: &Component) -> wasmtime::Result<Linker<State>> {
    let mut linker = common.clone();
    let ty = component.component_type();
    let imports: Vec<_> = ty.imports(common.engine()).map(|(name, _)| name.to_owned()).collect();
    for import in imports.iter().filter(|name| name.starts_with(PREFIX)) {
        // Revisions of WASI 0.2 only add: each is given what is known under its exact name.
        let interface = import.split_once('@').map_or(import.as_str(), |(interface, _)| interface);
        let mut instance = linker.instance(import)?;
        resources(&mut instance)?;
        define(interface, &mut instance)?;
    }
    linker.define_unknown_imports_as_traps(component)?;
    Ok(linker)
}

/// Every interface of WASI names the resources again that it uses of others, and each name means one thing throughout.
fn resources(to: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    let known = [
        ("descriptor", ResourceType::host::<Descriptor>()),
        ("terminal-input", ResourceType::host::<TerminalInput>()),
        ("terminal-output", ResourceType::host::<TerminalOutput>()),
    ];
    // None of them holds anything, so there is nothing to do when one is dropped.
    known.into_iter().chain(io::resources()).try_for_each(|(name, ty)| to.resource(name, ty, |_, _| Ok(())))
}

fn define(interface: &str, to: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    match interface {
        "wasi:cli/environment" => environment(to),
        "wasi:cli/exit" => exit(to),
        "wasi:cli/terminal-stdin" => to.func_wrap("get-terminal-stdin", |_, ()| Ok((None::<Resource<TerminalInput>>,))),
        "wasi:cli/terminal-stdout" => {
            to.func_wrap("get-terminal-stdout", |_, ()| Ok((None::<Resource<TerminalOutput>>,)))
        }
        "wasi:cli/terminal-stderr" => {
            to.func_wrap("get-terminal-stderr", |_, ()| Ok((None::<Resource<TerminalOutput>>,)))
        }
        "wasi:clocks/wall-clock" => wall_clock(to),
        "wasi:clocks/monotonic-clock" => monotonic_clock(to),
        "wasi:random/random" => random(to, "get-random-bytes", "get-random-u64"),
        "wasi:random/insecure" => random(to, "get-insecure-random-bytes", "get-insecure-random-u64"),
        "wasi:random/insecure-seed" => to.func_wrap("insecure-seed", |mut store, ()| {
            let world = &mut store.data_mut().world;
            Ok(((world.random(), world.random()),))
        }),
        "wasi:filesystem/preopens" => {
            to.func_wrap("get-directories", |_, ()| Ok((Vec::<(Resource<Descriptor>, String)>::new(),)))
        }
        _ => io::define(interface, to),
    }
}

fn environment(to: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    to.func_wrap("get-environment", |_, ()| Ok((Vec::<(String, String)>::new(),)))?;
    to.func_wrap("get-arguments", |_, ()| Ok((Vec::<String>::new(),)))?;
    to.func_wrap("initial-cwd", |_, ()| Ok((None::<String>,)))
}

fn exit(to: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    to.func_wrap("exit", |_, (status,): (Result<(), ()>,)| -> wasmtime::Result<()> {
        let how = if status.is_ok() { "success" } else { "failure" };
        Err(wasmtime::Error::msg(format!("it ended itself with {how} in place of an answer")))
    })
}

fn wall_clock(to: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    to.func_wrap("now", |store, ()| {
        // Before 1970 there is no WASI time; no decision is that old.
        let micros = u64::try_from(store.data().world.now_micros).unwrap_or(0);
        let nanoseconds = u32::try_from(micros % 1_000_000 * 1000)?;
        Ok((Datetime { seconds: micros / 1_000_000, nanoseconds },))
    })?;
    to.func_wrap("resolution", |_, ()| Ok((Datetime { seconds: 0, nanoseconds: 1000 },)))
}

fn monotonic_clock(to: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    to.func_wrap("now", |store, ()| {
        Ok((u64::try_from(store.data().world.now_micros).unwrap_or(0).saturating_mul(1000),))
    })?;
    to.func_wrap("resolution", |_, ()| Ok((1000u64,)))
}

fn random(to: &mut LinkerInstance<'_, State>, bytes: &str, word: &str) -> wasmtime::Result<()> {
    to.func_wrap(bytes, |mut store, (length,): (u64,)| {
        let bytes = store.data_mut().world.random_bytes(length)?;
        limiter::charge(&mut store, bytes.len())?;
        Ok((bytes,))
    })?;
    to.func_wrap(word, |mut store, ()| Ok((store.data_mut().world.random(),)))
}
