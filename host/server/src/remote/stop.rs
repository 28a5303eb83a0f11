//! Ctrl-C ends a tool between two requests.

use std::io::Write as _;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Whether the tool is to end. The second Ctrl-C does not wait for the requests under way.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

/// What a shell expects of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

impl Stop {
    /// Listens from now on: when this returns, Ctrl-C no longer ends the process.
    pub fn on_ctrl_c() -> std::io::Result<Self> {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            interrupts.recv().await;
            let _ = writeln!(std::io::stderr(), "Stopping after the requests under way. Ctrl-C again stops at once.");
            let _ = sender.send(true);
            interrupts.recv().await;
            #[expect(clippy::disallowed_methods, reason = "the second Ctrl-C asks not to wait for anything")]
            std::process::exit(INTERRUPTED);
        });
        Ok(Self(receiver))
    }

    /// Whether it was pressed.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is pressed.
    pub async fn requested(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// One that nobody presses.
    #[cfg(test)]
    pub fn never() -> Self {
        let (sender, receiver) = watch::channel(false);
        drop(sender);
        Self(receiver)
    }
}
