//! Opening, serving and stopping.

use crate::api;
use crate::command::Context;
use crate::config::{API_KEY_PREFIX, Config};
use crate::listener::{Connections, HangUp};
use crate::provider::Provider;
use crate::store::{self, Store, Writer};
use crate::webhook;
use std::future::{Future, IntoFuture, pending};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// How long requests that are still being answered are waited for at the end.
const GRACE: Duration = Duration::from_secs(1);

/// Why the provider could not start, or stopped by itself.
#[derive(Debug, Error)]
pub enum Error {
    /// The address is not one of the loopback interface.
    #[error("{0} can be reached from other machines; this needs --allow-public")]
    PublicAddress(SocketAddr),
    /// The secret key does not look like a sandbox's.
    #[error("the secret key must begin with {API_KEY_PREFIX} and be longer than that, without spaces")]
    ApiKey,
    /// The address could not be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The ledger could not be opened.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The ledger could not be written. It must be opened again.
    #[error("the ledger could not be written")]
    LedgerFailed,
    /// Input or output failed.
    #[error("input or output failed: {0}")]
    Io(#[from] io::Error),
}

/// A provider that is bound to its address and has its ledger open.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    url: String,
    store: Store,
    writer: Writer,
    config: Config,
}

impl Server {
    /// Opens the ledger and binds the address. Clients can connect from now on; they are answered by [`Server::serve`].
    pub async fn bind(config: Config) -> Result<Self, Error> {
        if !config.allow_public && !config.listen.ip().is_loopback() {
            return Err(Error::PublicAddress(config.listen));
        }
        let secret = config.api_key.strip_prefix(API_KEY_PREFIX);
        if !secret.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_graphic())) {
            return Err(Error::ApiKey);
        }
        let listen = |source| Error::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let folder = config.data.clone();
        let (store, writer) =
            tokio::task::spawn_blocking(move || Store::open(&folder)).await.map_err(io::Error::other)??;
        Ok(Self { listener, address, url: format!("http://{address}"), store, writer, config })
    }

    /// The address that was bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients of this machine reach the API, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves until `shutdown` is ready, then finishes what is being answered and closes the ledger. Requests that
    /// are never answered are broken off at once.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let stopping = CancellationToken::new();
        let broken = CancellationToken::new();
        let public_url = self.config.public_url.unwrap_or(self.url);
        let context = Context {
            url: public_url.trim_end_matches('/').to_owned(),
            late: self.config.late,
            confirmation: self.config.confirmation,
            idempotency: self.config.idempotency,
        };
        let provider =
            Provider::new(self.store.clone(), context, self.config.api_key, self.config.silence, stopping.clone());
        let sweeper = tokio::spawn(provider.clone().sweep());
        let sender = tokio::spawn(webhook::send_all(self.store.clone(), stopping.clone()));
        let connections = Connections::new(self.listener, broken.clone());
        let service = api::router(provider).into_make_service_with_connect_info::<HangUp>();
        let serving = axum::serve(connections, service).with_graceful_shutdown(stopping.clone().cancelled_owned());
        let mut serving = pin!(serving.into_future());
        let parent_gone = async {
            match self.config.exit_with_stdin {
                true => stdin_closed().await,
                false => pending().await,
            }
        };
        let has_failed = tokio::select! {
            result = &mut serving => return result.map_err(Error::Io),
            () = shutdown => false,
            () = parent_gone => false,
            () = self.store.failed() => true,
        };
        stopping.cancel();
        if tokio::time::timeout(GRACE, &mut serving).await.is_err() {
            broken.cancel();
            serving.await?;
        }
        sweeper.await.map_err(io::Error::other)?;
        sender.await.map_err(io::Error::other)?;
        tokio::task::spawn_blocking(move || self.writer.stop()).await.map_err(io::Error::other)?;
        if has_failed {
            return Err(Error::LedgerFailed);
        }
        Ok(())
    }
}

/// Binds, says so if asked to, and serves until `shutdown` is ready.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
    let json = config.json;
    let server = Server::bind(config).await?;
    tracing::info!(url = server.url(), "the sandbox payment provider is ready");
    if json {
        let line = serde_json::json!({ "url": server.url() });
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{line}")?;
        stdout.flush()?;
    }
    server.serve(shutdown).await
}

/// Waits until standard input is closed. The waiting thread is not one of the runtime's, which would hold up its end.
async fn stdin_closed() {
    let (sender, receiver) = oneshot::channel();
    let reader = std::thread::Builder::new().name("sandbox-stdin".into()).spawn(move || {
        let mut buffer = [0_u8; 256];
        let mut stdin = io::stdin().lock();
        loop {
            match stdin.read(&mut buffer) {
                Ok(0) => break,
                Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
                _ => {}
            }
        }
        // Where the server has stopped already, nobody waits.
        let _ = sender.send(());
    });
    match reader {
        // An error means that the thread ended, and so did the input.
        Ok(_) => drop(receiver.await),
        Err(error) => {
            tracing::error!(%error, "standard input is not watched");
            pending().await
        }
    }
}
