//! Running other programs: every failure names the step and the command line.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use anyhow::{Context as _, Result, bail};

/// What a cargo that runs another cargo may hand down: how to reach registries and how to print. The rest describes
/// the outer build (`CARGO_PKG_NAME`, `CARGO_MANIFEST_DIR`, …), and build scripts that watch it would run again.
const KEPT_CARGO_VARIABLES: [&str; 9] = [
    "CARGO_BUILD_JOBS",
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_INCREMENTAL",
    "CARGO_NET_",
    "CARGO_PROFILE_",
    "CARGO_REGISTR",
    "CARGO_TARGET_DIR",
    "CARGO_TERM_",
];

/// Settings that are meant for the host's code and would break a guest's, or would send its output elsewhere.
const HOST_ONLY_VARIABLES: [&str; 8] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_PROFILE_",
    "CARGO_TARGET_DIR",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

/// A cargo for the host's workspace.
pub fn cargo() -> Command {
    // The outer cargo names itself, which spares a trip through rustup's proxy.
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if is_outer_cargo_variable(&name) {
            command.env_remove(name);
        }
    }
    never_download_toolchains(&mut command);
    command
}

/// A cargo for guests, which takes nothing from the host's flags and wrappers.
pub fn guest_cargo() -> Command {
    let mut command = cargo();
    for (name, _) in std::env::vars_os() {
        if is_host_only_variable(&name) {
            command.env_remove(name);
        }
    }
    command
}

/// rustup's proxies would otherwise fetch what `rust-toolchain.toml` names as soon as they are called.
pub fn never_download_toolchains(command: &mut Command) {
    command.env("RUSTUP_AUTO_INSTALL", "0");
}

/// Whether this variable describes the cargo that runs us.
pub fn is_outer_cargo_variable(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    (name == "CARGO" || name.starts_with("CARGO_")) && !KEPT_CARGO_VARIABLES.iter().any(|kept| name.starts_with(kept))
}

fn is_host_only_variable(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    HOST_ONLY_VARIABLES
        .iter()
        .any(|host_only| if host_only.ends_with('_') { name.starts_with(host_only) } else { name == *host_only })
}

/// Runs to the end with the terminal's own streams; `step` says in an error what was being done.
pub fn run(command: &mut Command, step: &str) -> Result<()> {
    let status = status(command, step)?;
    if !status.success() {
        bail!("{step} failed ({status}): {}", line(command));
    }
    Ok(())
}

/// Like [`run`], but answers whether the program succeeded: an exit status is a result here, not an error.
pub fn succeeds(command: &mut Command, step: &str) -> Result<bool> {
    Ok(status(command, step)?.success())
}

/// Like [`run`], but gives the exit status, whatever it says.
pub fn status(command: &mut Command, step: &str) -> Result<ExitStatus> {
    command.status().map_err(|error| cannot_start(command, step, &error))
}

/// Runs to the end and gives what was written to standard output; an error carries what was written to standard error.
pub fn read(command: &mut Command, step: &str) -> Result<String> {
    let output = output(command, step)?;
    String::from_utf8(output.stdout).with_context(|| format!("{step}: {} did not write UTF-8", line(command)))
}

fn output(command: &mut Command, step: &str) -> Result<Output> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, step, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{step} failed ({}): {}\n{}", output.status, line(command), said.trim_end());
    }
    Ok(output)
}

fn cannot_start(command: &Command, step: &str, error: &std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!("{step} needs the program `{program}`, which is not on this machine"),
        _ => anyhow::anyhow!("{step}: cannot start `{program}`: {error}"),
    }
}

/// The command as one would type it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

/// Whether a program of this name is found in one of the directories of `PATH`.
pub fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| is_executable(&dir.join(program)))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outer_build_is_not_handed_down() {
        for name in ["CARGO", "CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_PRIMARY_PACKAGE"] {
            assert!(is_outer_cargo_variable(name.as_ref()), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE", "CARGO_REGISTRIES_X_INDEX", "PATH"] {
            assert!(!is_outer_cargo_variable(name.as_ref()), "{name}");
        }
    }

    #[test]
    fn flags_of_the_host_do_not_reach_guests() {
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC", "CARGO_PROFILE_RELEASE_LTO"] {
            assert!(is_host_only_variable(name.as_ref()), "{name}");
        }
        assert!(!is_host_only_variable("RUSTC_LOG_UNRELATED".as_ref()));
    }

    #[test]
    fn a_failure_names_the_step_the_command_and_what_was_said() {
        let error =
            read(Command::new("sh").args(["-c", "echo no such luck >&2; exit 3"]), "listing").expect_err("exit 3");
        let text = format!("{error:#}");
        assert!(text.contains("listing failed") && text.contains("sh -c") && text.contains("no such luck"), "{text}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program-here"), "unpacking").expect_err("nothing to start");
        assert!(error.to_string().contains("unpacking needs the program `no-such-program-here`"), "{error}");
        assert!(!is_on_path("no-such-program-here"));
        assert!(is_on_path("sh"));
    }
}
