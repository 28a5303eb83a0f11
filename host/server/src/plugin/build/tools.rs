//! Running the tools of a language.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::{fs, io};

use anyhow::{Context as _, bail};

/// What was installed, beside it.
const NOTE: &str = ".orderwright";

/// Runs a tool to the end. It speaks to the person at the terminal: standard output stays ours.
///
/// # Errors
/// Where it fails; where it is missing, with the advice.
pub fn run(command: &mut Command, advice: &str) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).stdout(io::stderr()).status();
    succeeded(command, status, advice)
}

/// Like [`run`], and gives what it wrote to standard output.
///
/// # Errors
/// See [`run`].
pub fn read(command: &mut Command, advice: &str) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let (status, text) = match output {
        Ok(output) => (Ok(output.status), output.stdout),
        Err(error) => (Err(error), Vec::new()),
    };
    succeeded(command, status, advice)?;
    String::from_utf8(text).with_context(|| format!("{} did not write UTF-8", line(command)))
}

fn succeeded(command: &Command, status: io::Result<ExitStatus>, advice: &str) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("`{}` failed ({status})", line(command)),
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("`{program}` is not on this machine. {advice}"),
        Err(error) => Err(error).with_context(|| format!("`{program}` cannot be started")),
    }
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Installs what a file names into a folder, unless the same has been done before.
///
/// # Errors
/// Where that fails.
pub fn once(named_in: &Path, folder: &Path, install: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let named = fs::read(named_in).with_context(|| format!("{} cannot be read", named_in.display()))?;
    let note = folder.join(NOTE);
    if fs::read(&note).is_ok_and(|done| done == named) {
        return Ok(());
    }
    install()?;
    fs::write(&note, named).with_context(|| format!("{} cannot be written", note.display()))
}

/// Whether a folder of a Rust toolchain holds a standard library.
pub fn has_std(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("libstd-") && name.to_string_lossy().ends_with(".rlib")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_comes_with_advice_and_a_failing_one_with_its_command() {
        let missing = run(&mut Command::new("no-such-tool"), "Install it.").unwrap_err().to_string();
        assert_eq!(missing, "`no-such-tool` is not on this machine. Install it.");
        let failed = run(Command::new("sh").args(["-c", "exit 3"]), "").unwrap_err().to_string();
        assert!(failed.contains("sh -c exit 3") && failed.contains("exit status: 3"), "{failed}");
        assert_eq!(read(Command::new("echo").arg("said"), "").unwrap(), "said\n");
    }

    #[test]
    fn it_is_installed_again_only_where_something_else_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let named_in = folder.path().join("names");
        let mut times = 0;
        for (names, failing, expected) in [("a", true, 1), ("a", false, 2), ("a", false, 2), ("b", false, 3)] {
            fs::write(&named_in, names).unwrap();
            let done = once(&named_in, folder.path(), || {
                times += 1;
                if failing { bail!("no network") } else { Ok(()) }
            });
            assert_eq!((done.is_err(), times), (failing, expected));
        }
    }
}
