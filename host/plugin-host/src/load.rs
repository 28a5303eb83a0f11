//! From an upload to a component that can be called: check, compile or find compiled, authenticate, link.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use domain::hooks::Hook;
use domain::ids::TenantId;
use wasmtime::component::{Component, Linker};

use crate::cache::{Cache, Found};
use crate::check::{self, Inspection, Refusal};
use crate::compile::{self, Compiler};
use crate::limiter::State;
use crate::wit::speak::World;
use crate::{wasi, wit};

/// When this many merchants are known, those that compile nothing are forgotten.
const OWNERS_KEPT: usize = 1024;

/// Why a component was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not a component that can be run; every reason found. The uploader's to mend.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The compiler or the linker does not accept it. The uploader's to mend.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// Compiling it takes more than a component may take. The uploader's to mend.
    #[error("the component cannot be compiled: {0}")]
    TooCostly(String),
    /// The files or the compiler process failed.
    #[error("the plugin host failed: {0}")]
    Io(#[from] io::Error),
    /// The engine failed.
    #[error("the plugin host's engine failed: {0:#}")]
    Engine(#[from] wasmtime::Error),
}

impl From<compile::Error> for Error {
    fn from(error: compile::Error) -> Self {
        match error {
            compile::Error::Invalid(why) => Self::Invalid(why),
            compile::Error::Exhausted(why) => Self::TooCostly(why),
            compile::Error::Process(error) => Self::Io(error),
        }
    }
}

type Lane = Arc<tokio::sync::Mutex<()>>;

/// Everything that loading needs.
pub struct Loader {
    linker: Linker<State>,
    cache: Cache,
    compiler: Compiler,
    owners: Mutex<HashMap<Option<TenantId>, Lane>>,
}

impl Loader {
    pub fn new(linker: Linker<State>, dir: PathBuf, key: [u8; 32], compiler: Compiler) -> Result<Self, Error> {
        let cache = Cache::open(dir, &key, linker.engine())?;
        Ok(Self { linker, cache, compiler, owners: Mutex::default() })
    }

    pub async fn load(
        self: &Arc<Self>,
        owner: Option<TenantId>,
        wasm: &[u8],
        hook: Hook,
    ) -> Result<(Inspection, usize, World), Error> {
        let wasm: Arc<[u8]> = wasm.into();
        let inspected = Arc::clone(&wasm);
        let inspection = blocking(move || check::inspect(&inspected)).await??;
        if inspection.hook != hook {
            let (is, wanted) = (inspection.hook.name(), hook.name());
            return Err(Refusal::from(format!("it serves the hook `{is}`, not `{wanted}`")).into());
        }
        let component = self.component(owner, &wasm, &inspection.digest).await?;
        // What the linker says here is about types: the names have been checked.
        let invalid = |error: wasmtime::Error| Error::Invalid(format!("{error:#}"));
        let needs_wasi = inspection.imports.iter().any(|name| name.starts_with(wasi::PREFIX));
        let pre = if needs_wasi {
            wasi::linker(&self.linker, &component).and_then(|linker| linker.instantiate_pre(&component))
        } else {
            self.linker.instantiate_pre(&component)
        };
        let world = pre.and_then(|pre| wit::world(pre, hook, &inspection.wit_version)).map_err(invalid)?;
        let image = component.image_range();
        Ok((inspection, image.end as usize - image.start as usize, world))
    }

    async fn component(
        self: &Arc<Self>,
        owner: Option<TenantId>,
        wasm: &[u8],
        digest: &str,
    ) -> Result<Component, Error> {
        if let Some(component) = self.cached(digest).await? {
            return Ok(component);
        }
        let lane = self.lane(owner);
        let _one_at_a_time = lane.lock().await;
        // Whoever was before us in the lane may have compiled the same.
        if let Some(component) = self.cached(digest).await? {
            return Ok(component);
        }
        let (input, output) = (self.cache.scratch("wasm"), self.cache.scratch("out"));
        tokio::fs::write(&input.path, wasm).await?;
        self.compiler.compile(&input.path, &output.path).await?;
        let (loader, digest) = (Arc::clone(self), digest.to_owned());
        blocking(move || {
            let code = std::fs::read(&output.path)?;
            // What does not load is not kept. It is the component that asks for more than the pool has, such as memory.
            let component = loader.deserialize(&code).map_err(|error| Error::Invalid(format!("{error:#}")))?;
            loader.cache.put(&digest, &code)?;
            Ok(component)
        })
        .await?
    }

    async fn cached(self: &Arc<Self>, digest: &str) -> Result<Option<Component>, Error> {
        let (loader, digest) = (Arc::clone(self), digest.to_owned());
        blocking(move || {
            let Found::Code(code) = loader.cache.get(&digest)? else { return Ok(None) };
            match loader.deserialize(&code) {
                Ok(component) => Ok(Some(component)),
                Err(error) => {
                    // Genuine, but of an engine that this one does not understand.
                    let error = format!("{error:#}");
                    tracing::warn!(digest, error, "a compiled policy does not load; it is compiled again");
                    loader.cache.forget(&digest)?;
                    Ok(None)
                }
            }
        })
        .await?
    }

    #[expect(
        unsafe_code,
        reason = "loading machine code is unsafe by nature; only code that our compiler made gets here"
    )]
    fn deserialize(&self, code: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: the bytes are what `Engine::precompile_component` of our own compiler process wrote, either a moment
        // ago or verified by the cache's authentication tag.
        unsafe { Component::deserialize(self.linker.engine(), code) }
    }

    fn lane(&self, owner: Option<TenantId>) -> Lane {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if owners.len() >= OWNERS_KEPT {
            owners.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        Arc::clone(owners.entry(owner).or_default())
    }
}

/// Runs what reads files or goes through tens of megabytes where no task has to wait for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}
