//! A server of our own: started, stopped, killed, started again on the same data.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::cpu;
use crate::http::{Call, Connection, Target};

/// How long the server may take to begin and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server comes from.
#[derive(Debug, Clone, clap::Args)]
pub struct Source {
    /// The server to start
    #[arg(long, value_name = "FILE", default_value = "target/release/orderwright")]
    pub server: PathBuf,
    /// Where its policies are [default: beside it]
    #[arg(long, value_name = "DIR")]
    pub policies: Option<PathBuf>,
}

impl Source {
    /// A file among the policies.
    pub fn policy(&self, name: &str) -> PathBuf {
        let beside = || self.server.parent().unwrap_or(Path::new(".")).join("policies");
        self.policies.clone().unwrap_or_else(beside).join(name)
    }
}

/// The line that the server prints first.
#[derive(Deserialize)]
struct Started {
    url: String,
    api_key: String,
}

/// A server that runs.
pub struct Server {
    source: Source,
    child: Child,
    /// Kept open: a server whose output is closed could fail on its next line.
    _stdout: BufReader<ChildStdout>,
    pub pid: u32,
    pub data: PathBuf,
    pub target: Target,
    /// From the start of the process to the first answer of `/readyz`.
    pub took: Duration,
}

impl Server {
    /// Starts a server on this directory and waits until it is ready.
    pub async fn start(source: &Source, data: &Path) -> anyhow::Result<Self> {
        let log = data.with_extension("log");
        let log_file = File::options().create(true).append(true).open(&log).context("opening the server's log")?;
        let begun = Instant::now();
        let mut command = Command::new(&source.server);
        command.args(["dev", "--listen", "127.0.0.1:0", "--json", "--data"]).arg(data);
        if let Some(policies) = &source.policies {
            command.arg("--policies").arg(policies);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| {
            format!("starting {}: build it with `cargo build --release -p server`", source.server.display())
        })?;
        let pid = child.id().context("the server ended at once")?;
        let mut stdout = BufReader::new(child.stdout.take().context("the server has no output")?);
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, stdout.read_line(&mut line)).await;
        read.context("the server does not say where it listens")??;
        let started: Started =
            serde_json::from_str(&line).with_context(|| format!("the server did not start; see {}", log.display()))?;
        let target = Target::new(&started.url, &started.api_key)?;
        wait_until_ready(&target).await?;
        let took = begun.elapsed();
        Ok(Self { source: source.clone(), child, _stdout: stdout, pid, data: data.to_owned(), target, took })
    }

    /// Ends it as an operator does; answers how long it took.
    pub async fn stop(mut self) -> anyhow::Result<(Stopped, Duration)> {
        let begun = Instant::now();
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).context("a process id is positive")?;
        kill_process(pid, Signal::TERM).context("stopping the server")?;
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.context("the server does not stop")??;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok((Stopped { source: self.source, data: self.data }, begun.elapsed()))
    }

    /// Ends it as a crash does. What it started sees its end and follows.
    pub async fn kill(mut self) -> anyhow::Result<Stopped> {
        let children = cpu::children(self.pid);
        self.child.kill().await.context("killing the server")?;
        let begun = Instant::now();
        while children.iter().any(|pid| Path::new(&format!("/proc/{pid}")).exists()) {
            if begun.elapsed() > PATIENCE {
                bail!("the killed server's children {children:?} live on");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(Stopped { source: self.source, data: self.data })
    }
}

/// A server that does not run, with its data.
pub struct Stopped {
    source: Source,
    pub data: PathBuf,
}

impl Stopped {
    /// Starts it again.
    pub async fn start(&self) -> anyhow::Result<Server> {
        Server::start(&self.source, &self.data).await
    }

    /// Runs one of the server's own commands on the data; answers its line of JSON.
    pub async fn admin(&self, args: &[&str]) -> anyhow::Result<serde_json::Value> {
        let mut command = Command::new(&self.source.server);
        command.arg("admin").args(args).arg("--json").arg("--data").arg(&self.data).stdin(Stdio::null());
        let output = command.output().await.context("starting the server's admin command")?;
        if !output.status.success() {
            bail!("`admin {}` failed: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find(|line| line.starts_with('{')).unwrap_or_default();
        serde_json::from_str(line).with_context(|| format!("`admin {}` did not answer JSON: {text}", args.join(" ")))
    }
}

async fn wait_until_ready(target: &Target) -> anyhow::Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Ok(mut connection) = Connection::open(target).await
            && let Ok(answer) = connection.send(target, &Call::get("/readyz")).await
            && answer.status == 200
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    bail!("the server is not ready after {PATIENCE:?}")
}
