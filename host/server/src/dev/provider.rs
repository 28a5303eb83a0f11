//! The sandbox payment provider as a child process: restarted when it dies, ended with its parent.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The pause before it is started again.
const RESTART_PAUSE: Duration = Duration::from_millis(500);
/// How long it may take to say where it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Where its address is kept, so that a customer's confirmation page survives a restart.
const ADDRESS_FILE: &str = "address";

/// A running provider.
pub struct Provider {
    address: SocketAddr,
    url: String,
    stop: oneshot::Sender<()>,
    keeper: JoinHandle<()>,
}

#[derive(Deserialize)]
struct Ready {
    url: String,
}

/// Starts it, on the address that it had before where that is still free.
pub async fn start(data: &Path) -> anyhow::Result<Provider> {
    let directory = data.join("provider");
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let file = directory.join(ADDRESS_FILE);
    let before: Option<SocketAddr> = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let (running, url) = match before {
        Some(address) => match spawn(&directory, address).await {
            Ok(started) => started,
            Err(error) => {
                tracing::info!(%address, %error, "the sandbox provider's address is taken; it gets another one");
                spawn(&directory, free).await?
            }
        },
        None => spawn(&directory, free).await?,
    };
    let address: SocketAddr =
        url.trim_start_matches("http://").trim_end_matches('/').parse().context("the provider's address")?;
    std::fs::write(&file, address.to_string())?;
    let (stop, stopped) = oneshot::channel();
    let keeper = tokio::spawn(keep(running, directory, address, stopped));
    Ok(Provider { address, url, stop, keeper })
}

impl Provider {
    /// Where its API is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// As it is granted to a binding.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Tells it where to send its events: those of what nobody has asked for, which no answer tells of.
    pub async fn call_at(&self, url: &str) -> anyhow::Result<()> {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(START_TIMEOUT).build()?;
        let endpoint = json!({"url": url, "secret": sandbox_provider::CALLBACK_SECRET_DEFAULT, "all": false});
        let request = client
            .put(format!("{}/v1/webhook_endpoint", self.url.trim_end_matches('/')))
            .bearer_auth(sandbox_provider::API_KEY_DEFAULT)
            .header("content-type", "application/json")
            .body(endpoint.to_string());
        let answer = request.send().await.context("the sandbox provider does not answer")?;
        answer.error_for_status().context("the sandbox provider does not take the callback address")?;
        Ok(())
    }

    /// Ends it.
    pub async fn stop(self) {
        // The keeper may have ended already, together with what it kept.
        let _ = self.stop.send(());
        let _ = tokio::time::timeout(Duration::from_secs(5), self.keeper).await;
    }
}

/// A running child and the end of its standard input: closing that asks it to stop. (`Child::wait` closes what the child
/// still holds, so it is taken out first.)
type Running = (Child, Option<ChildStdin>);

async fn keep(
    (mut child, mut stdin): Running,
    directory: PathBuf,
    address: SocketAddr,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        tokio::select! {
            exit = child.wait() => tracing::warn!(?exit, "the sandbox provider died; it is started again"),
            _ = &mut stopped => {
                drop(stdin);
                let _ = tokio::time::timeout(Duration::from_secs(4), child.wait()).await;
                return;
            }
        }
        (child, stdin) = loop {
            tokio::select! {
                () = tokio::time::sleep(RESTART_PAUSE) => {}
                _ = &mut stopped => return,
            }
            match spawn(&directory, address).await {
                Ok((running, _)) => break running,
                Err(error) => tracing::warn!(%error, "the sandbox provider could not be started again"),
            }
        };
    }
}

async fn spawn(directory: &Path, address: SocketAddr) -> anyhow::Result<(Running, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["sandbox-provider", "--json", "--exit-with-stdin", "--listen", &address.to_string(), "--data"])
        .arg(directory)
        // Ctrl-C at the terminal goes to the whole group: the parent decides when the child ends.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the sandbox provider cannot be started")?;
    let stdout = child.stdout.take().context("the sandbox provider has no standard output")?;
    let mut lines = BufReader::new(stdout).lines();
    let line =
        tokio::time::timeout(START_TIMEOUT, lines.next_line()).await.context("the sandbox provider says nothing")??;
    let Some(line) = line else { bail!("the sandbox provider ended at once (listening on {address})") };
    let ready: Ready = serde_json::from_str(&line).context("the sandbox provider's first line")?;
    let stdin = child.stdin.take();
    Ok(((child, stdin), ready.url))
}
