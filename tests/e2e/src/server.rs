//! `orderwright dev` as a child process, with its data in a folder of its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::client::Client;
use crate::process::{self, Died, Process};
use crate::provider::Provider;

/// How long a server may take to end once it is asked to.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// The environment variable that names a point at which the server kills itself.
const KILL_AT: &str = "ORDERWRIGHT_KILL_AT";

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    flags: Vec<String>,
    environment: Vec<(OsString, OsString)>,
}

impl Options {
    /// As a user would.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With further flags, separated by white space.
    #[must_use]
    pub fn flags(mut self, flags: &str) -> Self {
        self.flags.extend(flags.split_whitespace().map(str::to_owned));
        self
    }

    /// With an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The server kills itself at the n-th passage of a named point.
    #[must_use]
    pub fn kill_at(self, point: &str, passage: u32) -> Self {
        self.env(KILL_AT, format!("{point}:{passage}"))
    }
}

/// A folder for a server's data. It goes where it is dropped.
pub struct Folder(TempDir);

impl Folder {
    /// A new, empty one.
    ///
    /// # Panics
    /// Where none can be made.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "an empty folder on disk is no default value")]
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("orderwright-").tempdir().expect("a temporary folder"))
    }

    /// `--data`.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// Anything else that the test keeps.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("server.log")
    }
}

/// A server, running or not, and its data.
pub struct Server {
    folder: Folder,
    options: Options,
    running: Option<Process>,
}

impl Server {
    /// Starts a server with new data.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Options::new())
    }

    /// Starts a server with new data and options.
    #[must_use]
    pub fn start_with(options: Options) -> Self {
        Self::start_in(Folder::new(), options)
    }

    /// Starts a server on a folder.
    ///
    /// # Panics
    /// Where it ends before it is ready.
    #[must_use]
    pub fn start_in(folder: Folder, options: Options) -> Self {
        let mut server = Self { folder, options, running: None };
        server.restart();
        server
    }

    /// Starts the server again with the same options.
    ///
    /// # Panics
    /// Where it runs, or ends before it is ready.
    pub fn restart(&mut self) {
        self.restart_with(self.options.clone());
    }

    /// Starts the server again with other options.
    ///
    /// # Panics
    /// Where it runs, or ends before it is ready.
    pub fn restart_with(&mut self, options: Options) {
        if let Err(Died(status)) = self.try_restart(options) {
            panic!("the server ended before it was ready ({status:?}):\n{}", process::tail(&self.folder.log()));
        }
    }

    /// Starts the server again, which may die of a point at which it is to kill itself.
    ///
    /// # Errors
    /// Where it ends before it is ready.
    ///
    /// # Panics
    /// Where it runs.
    pub fn try_restart(&mut self, options: Options) -> Result<(), Died> {
        assert!(self.running.is_none(), "the server runs");
        let mut command = Command::new(process::orderwright());
        command.arg("dev").arg("--data").arg(self.folder.data()).args(["--listen", "127.0.0.1:0", "--json"]);
        command.args(&options.flags).env_remove(KILL_AT).envs(options.environment.iter().cloned());
        if std::env::var_os("RUST_LOG").is_none() {
            command.env("RUST_LOG", "info");
        }
        self.options = options;
        self.running = Some(Process::start(&mut command, &self.folder.log())?);
        Ok(())
    }

    /// Kills the server with SIGKILL.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn kill(&mut self) {
        self.running.take().expect("the server runs").kill();
    }

    /// Waits until the server has killed itself.
    ///
    /// # Panics
    /// Where it lives on.
    pub async fn died(&mut self) {
        let mut process = self.running.take().expect("the server was started");
        let ended = move || process.ended(crate::wait::PATIENCE);
        let status = tokio::task::spawn_blocking(ended).await.expect("waiting does not panic");
        let named =
            "the server did not come to the point at which it kills itself; is it built with server/failpoints?";
        assert!(status.is_some(), "{named}");
    }

    /// Asks the server to end, which it must do with status 0.
    ///
    /// # Panics
    /// Where it does not.
    pub fn stop(&mut self) {
        let mut process = self.running.take().expect("the server runs");
        process.terminate();
        match process.ended(STOPS_WITHIN) {
            Some(status) if status.success() => {}
            Some(status) => panic!("the server ended with {status}"),
            None => panic!("the server did not end within {STOPS_WITHIN:?} of SIGTERM"),
        }
    }

    /// Kills the payment provider, which is another process.
    ///
    /// # Panics
    /// Where there is none.
    pub fn kill_provider(&self) {
        let children = self.running.as_ref().expect("the server runs").children();
        let provider = children.first().expect("the provider runs");
        assert_eq!(children.len(), 1, "the provider is the server's only child");
        rustix::process::kill_process(*provider, Signal::KILL).expect("the provider was just there");
    }

    /// Whether the process lives.
    pub fn lives(&mut self) -> bool {
        self.running.as_mut().is_some_and(|process| process.ended(Duration::ZERO).is_none())
    }

    /// A client with the demo merchant's key.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client_with(self.said("api_key"))
    }

    /// A client with a key.
    #[must_use]
    pub fn client_with(&self, key: &str) -> Client {
        Client::new(self.said("url"), key)
    }

    /// The payment provider that the server has started.
    #[must_use]
    pub fn provider(&self) -> Provider {
        Provider::new(self.said("provider_url"), self.said("provider_key"))
    }

    /// A text of the server's first line.
    ///
    /// # Panics
    /// Where the server does not run or did not say it.
    #[must_use]
    pub fn said(&self, name: &str) -> &str {
        self.running.as_ref().expect("the server runs").said(name)
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.running.take());
        if std::thread::panicking() {
            let bar = "-".repeat(40);
            // What the test harness catches is shown with the test that failed, in one piece.
            let log = process::tail(&self.folder.log());
            std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("{bar} the server's log\n{log}{bar}\n").as_bytes(),
            )
            .expect("standard error takes a log");
        }
    }
}
