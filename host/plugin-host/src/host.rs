//! The engine with everything that its calls share.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread::available_parallelism;

use domain::hooks::Hook;
use domain::ids::TenantId;
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::lane::Lane;
use crate::limiter::State;
use crate::limits::Limits;
use crate::load::{self, Loader};
use crate::plugin::Plugin;
use crate::ticker::Ticker;
use crate::turns::{Shares, Turns};
use crate::{compile, engine, wit};

/// What a host needs to know.
pub struct Config {
    /// Where compiled components are kept. Made if it is missing.
    pub cache_dir: PathBuf,
    /// Authenticates the files in `cache_dir`: machine code that the host runs. Whoever knows it owns the host.
    pub cache_key: [u8; 32],
    /// Makes the command that compiles: it is given the paths of the component and of the file to write as two further
    /// arguments, and calls [`crate::compile_main`] with them.
    pub compiler: Box<dyn Fn() -> Command + Send + Sync>,
    /// What guests may take.
    pub limits: Limits,
}

/// Loads components and runs them within limits. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    shared: Arc<Shared>,
    loader: Arc<Loader>,
}

/// What every call needs.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) limits: Limits,
    pub(crate) turns: Turns,
    pub(crate) ticker: Ticker,
    pub(crate) lane: Lane,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("limits", &self.shared.limits).finish_non_exhaustive()
    }
}

impl Host {
    /// Reserves the pool and starts the ticker.
    ///
    /// # Errors
    /// Where the machine gives no addresses or no thread, or `cache_dir` cannot be made.
    pub fn new(config: Config) -> Result<Self, load::Error> {
        let Config { cache_dir, cache_key, compiler, limits } = config;
        let engine = engine::runner(&limits)?;
        let ticker = Ticker::start(&engine)?;
        let mut linker: Linker<State> = Linker::new(&engine);
        wit::add_to_linker(&mut linker)?;
        let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let all =
            |per_core: NonZeroU32| NonZeroU32::try_from(cores).map_or(per_core, |cores| per_core.saturating_mul(cores));
        let thousand = |fuel: NonZeroU32| NonZeroU32::new(fuel.get() / 1000).unwrap_or(NonZeroU32::MIN);
        let shares = Shares {
            calls: limits.tenant_calls,
            slow_millis: all(limits.slow_millis_per_core),
            fuel_thousands: all(thousand(limits.fuel_per_second_per_core)),
            wait: limits.queue_wait,
        };
        let compiler = compile::Compiler::new(compiler, limits.compiler_wall);
        let loader = Loader::new(linker, cache_dir, cache_key, compiler)?;
        let shared = Shared {
            engine,
            turns: Turns::new(limits.pool, shares),
            ticker,
            // Half of the cores, so that slow calls cannot take them all even where nobody else wants them.
            lane: Lane::start((cores.get() / 2).max(1)).map_err(load::Error::Io)?,
            limits,
        };
        Ok(Self { shared: Arc::new(shared), loader: Arc::new(loader) })
    }

    /// Checks a component, compiles it unless that has been done before, and links it to a hook.
    ///
    /// `owner` is the merchant that uploaded it, none for what the platform brings: of one owner only one component is
    /// compiled at a time.
    ///
    /// # Errors
    /// See [`load::Error`]: `Refused` and `Invalid` are the uploader's to mend.
    pub async fn load(&self, owner: Option<TenantId>, wasm: &[u8], hook: Hook) -> Result<Plugin, load::Error> {
        let (inspection, compiled_bytes, world) = self.loader.load(owner, wasm, hook).await?;
        Ok(Plugin::new(Arc::clone(&self.shared), inspection, compiled_bytes, world))
    }
}
