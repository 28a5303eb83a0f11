//! Compiling in a process of its own, which can be bounded and killed: compile-time denial of service is outside of
//! what wasmtime promises to withstand.

use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;
use std::{fs, io};

use rustix::process::{Resource, Rlimit, Signal, nice, set_parent_process_death_signal, setrlimit};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::check::sentence;
use crate::{engine, limits};

/// What a component that does not compile exits with, so that it is told from a process that died.
const INVALID: u8 = 3;
/// The most of the compiler's message that is read.
const MESSAGE_BYTES: u64 = 4096;

/// Why nothing was compiled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The component is not valid; the compiler's words.
    #[error("{0}")]
    Invalid(String),
    /// The process was ended by a limit.
    #[error("{0}")]
    Exhausted(String),
    /// The process could not be run, or failed by itself.
    #[error("the compiler process failed: {0}")]
    Process(#[from] io::Error),
}

/// Starts compiler processes.
pub struct Compiler {
    command: Box<dyn Fn() -> Command + Send + Sync>,
    wall: Duration,
    jobs: Semaphore,
}

impl Compiler {
    pub fn new(command: Box<dyn Fn() -> Command + Send + Sync>, wall: Duration) -> Self {
        Self { command, wall, jobs: Semaphore::new(limits::COMPILERS) }
    }

    /// Compiles the file `input` into the file `output`.
    pub async fn compile(&self, input: &Path, output: &Path) -> Result<(), Error> {
        let _job = self.jobs.acquire().await.map_err(io::Error::other)?;
        let mut command = tokio::process::Command::from((self.command)());
        command.arg(input).arg(output).env_clear().kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stderr = child.stderr.take();
        let run = async {
            let mut message = Vec::new();
            if let Some(stderr) = stderr {
                stderr.take(MESSAGE_BYTES).read_to_end(&mut message).await?;
            }
            Ok::<_, io::Error>((child.wait().await?, sentence(&String::from_utf8_lossy(&message))))
        };
        // On a time-out the child is dropped, and with that killed.
        let (status, message) = timeout(self.wall, run).await.map_err(|_| {
            Error::Exhausted(format!("compiling took more than {} seconds", self.wall.as_secs_f32().ceil()))
        })??;
        judge(status, message)
    }
}

fn judge(status: ExitStatus, message: String) -> Result<(), Error> {
    match status.code() {
        Some(0) => Ok(()),
        Some(code) if code == i32::from(INVALID) => Err(Error::Invalid(message)),
        // No code: a signal. Running out of address space aborts, out of processor time and file size kills.
        None => {
            Err(Error::Exhausted("compiling took more memory or processor time than one component may take".into()))
        }
        Some(code) => Err(Error::Process(io::Error::other(format!("it ended with {code}: {message}")))),
    }
}

/// The compiler process: bounds itself, then compiles `input` into `output`.
///
/// The binary that embeds the host calls this from a hidden subcommand, as the first thing, before it starts threads.
/// Why a component is not valid goes to standard error.
#[must_use]
pub fn compile_main(input: &Path, output: &Path) -> ExitCode {
    match bound_myself().and_then(|()| fs::read(input)) {
        Ok(wasm) => compile_file(&wasm, output),
        Err(error) => fail(1, &error),
    }
}

fn compile_file(wasm: &[u8], output: &Path) -> ExitCode {
    let engine = match engine::compiler() {
        Ok(engine) => engine,
        Err(error) => return fail(1, &error),
    };
    match engine.precompile_component(wasm) {
        Ok(code) => fs::write(output, code).map_or_else(|error| fail(1, &error), |()| ExitCode::SUCCESS),
        Err(error) => fail(INVALID, &format!("{error:#}")),
    }
}

fn fail(code: u8, why: &dyn std::fmt::Display) -> ExitCode {
    use std::io::Write;
    // If standard error is gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{why}");
    ExitCode::from(code)
}

fn bound_myself() -> io::Result<()> {
    // A host that dies leaves no compiler behind.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let bound = |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    bound(Resource::As, limits::COMPILER_ADDRESS_BYTES)?;
    bound(Resource::Cpu, limits::COMPILER_CPU_SECONDS)?;
    bound(Resource::Fsize, limits::COMPILED_BYTES)?;
    bound(Resource::Core, 0)?;
    // It reads one file and writes one; it opens no connection and starts nothing.
    bound(Resource::Nofile, 32)?;
    nice(19)?;
    // A nice process still keeps a core until its slice ends, while requests wait: an idle one gives it up at once.
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle).map_err(io::Error::other)
}
