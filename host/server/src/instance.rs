//! What every command that opens a data directory shares.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use domain::hooks::Hook;
use tokio::signal::unix::{SignalKind, signal};

/// The reference policies, by hook: file name without extension, and the plugin's name.
pub const REFERENCE_POLICIES: [(Hook, &str, &str); 4] = [
    (Hook::Routing, "routing_nearest", "routing-nearest"),
    (Hook::Tax, "tax_table", "tax-table"),
    (Hook::Risk, "risk_rules", "risk-rules"),
    (Hook::Payment, "payment_sandbox", "payment-sandbox"),
];

/// How the application is configured in a data directory.
///
/// # Errors
/// See [`compiler`].
pub fn config(directory: &Path) -> anyhow::Result<app::Config> {
    Ok(app::Config::new(directory.to_path_buf(), compiler()?))
}

/// Starts this program as the compiler of one component.
///
/// # Errors
/// Where this program cannot find itself.
pub fn compiler() -> anyhow::Result<Box<dyn Fn() -> Command + Send + Sync>> {
    let program = std::env::current_exe().context("this program cannot find its own file")?;
    Ok(Box::new(move || {
        let mut command = Command::new(&program);
        command.arg("compile-policy");
        command
    }))
}

/// Where the built policies lie: beside this program, unless somebody says otherwise.
///
/// # Errors
/// Where there are none, with the command that builds them.
pub fn policies(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let directory = match given {
        Some(directory) => directory.to_path_buf(),
        None => std::env::current_exe()?.parent().context("this program lies in no directory")?.join("policies"),
    };
    let missing = REFERENCE_POLICIES.iter().find(|(_, file, _)| !directory.join(format!("{file}.wasm")).is_file());
    if let Some((_, file, _)) = missing {
        anyhow::bail!(
            "there is no {file}.wasm in {}: build the policies with `cargo xtask policies`, or name their directory with --policies",
            directory.display()
        );
    }
    Ok(directory)
}

/// Ends when the process is asked to stop.
pub async fn stopped() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
