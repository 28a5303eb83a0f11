//! Commands that build a release and hand over to it.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command;
use crate::policies;
use crate::workspace::Workspace;

/// Builds everything and becomes `orderwright dev`, so that the terminal, Ctrl-C and the exit status are its own.
pub fn dev(workspace: &Workspace, args: &[String]) -> Result<()> {
    let program = with_policies(workspace, "release", "server", "orderwright")?;
    let mut command = handed_over(&program);
    command.arg("dev");
    if !names_data(args) {
        command.arg("--data").arg(data_dir(workspace));
    }
    command.args(args);
    eprintln!("starting {}", command::line(&command));
    let error = command.exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}

/// Builds everything as it is run in earnest, and runs the load tool, which starts the host itself and writes its
/// results.
pub fn bench(workspace: &Workspace, args: &[String]) -> Result<()> {
    let server = with_policies(workspace, "dist", "server", "orderwright")?;
    let program = build(workspace, "dist", "load", "load")?;
    let mut command = handed_over(&program);
    command.current_dir(&workspace.root).arg("bench").arg("--server").arg(server).args(args);
    command::run(&mut command, "the benchmark")?;
    eprintln!("results are in tests/load/RESULTS.md");
    Ok(())
}

/// A program with the policies beside it.
fn with_policies(workspace: &Workspace, profile: &str, package: &str, name: &str) -> Result<PathBuf> {
    policies::build(workspace, false)?.place(&workspace.policies_dir(profile))?;
    build(workspace, profile, package, name)
}

fn build(workspace: &Workspace, profile: &str, package: &str, name: &str) -> Result<PathBuf> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--profile", profile, "--package", package, "--bin", name]);
    eprintln!("building {name} ({profile})");
    command::run(&mut cargo, "building the release")?;
    Ok(workspace.binary(profile, name))
}

/// A program of ours should not see that cargo started it.
fn handed_over(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| command::is_outer_cargo_variable(name)) {
        command.env_remove(name);
    }
    command
}

fn names_data(args: &[String]) -> bool {
    args.iter().any(|arg| arg == "--data" || arg.starts_with("--data="))
}

/// `data` beside the sources, said shortly where that is here.
fn data_dir(workspace: &Workspace) -> PathBuf {
    let here = std::env::current_dir().is_ok_and(|dir| dir == workspace.root);
    if here { "./data".into() } else { workspace.root.join("data") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_data_directory_wins() {
        let args = |list: &[&str]| list.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
        assert!(names_data(&args(&["--json", "--data", "/tmp/x"])));
        assert!(names_data(&args(&["--data=/tmp/x"])));
        assert!(!names_data(&args(&["--listen", "--database"])));
    }
}
