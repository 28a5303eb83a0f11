//! Ctrl-C ends an import between two orders.

use std::io::Write as _;

use tokio::sync::watch;

/// Whether the import is to end. The second Ctrl-C does not wait for the requests under way.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

/// What a shell expects of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

impl Stop {
    /// Listens from now on.
    pub fn on_ctrl_c() -> Self {
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_err() {
                // Without the signal the import runs to its end; the sender must live as long.
                return std::future::pending().await;
            }
            let _ = writeln!(std::io::stderr(), "Stopping after the requests under way. Ctrl-C again stops at once.");
            let _ = sender.send(true);
            let _ = tokio::signal::ctrl_c().await;
            std::process::exit(INTERRUPTED);
        });
        Self(receiver)
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
