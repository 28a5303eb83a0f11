//! Where things are: the workspace, its target directory, and the profiles in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::command;

/// The checkout that these commands work on.
pub struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// Where cargo builds, `CARGO_TARGET_DIR` and configuration included.
    pub target: PathBuf,
}

impl Workspace {
    /// Asks cargo, which alone knows what the environment and its configuration files say.
    pub fn find() -> Result<Self> {
        // Cargo sets the variable when it runs us; a binary that was moved elsewhere still knows where it was built.
        let package = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
        let manifest = Path::new(&package).join("Cargo.toml");
        let mut metadata = command::cargo();
        metadata.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(&manifest);
        let text = command::read(&mut metadata, "asking cargo for the workspace")?;
        let metadata: serde_json::Value = serde_json::from_str(&text).context("cargo metadata did not write JSON")?;
        let path = |key: &str| {
            let value = metadata[key].as_str().with_context(|| format!("cargo metadata has no `{key}`"))?;
            anyhow::Ok(PathBuf::from(value))
        };
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")? })
    }

    /// Where a host of this profile looks for its built-in policies.
    pub fn policies_dir(&self, profile: &str) -> PathBuf {
        self.target.join(profile).join("policies")
    }

    /// The binary of this name in a profile's directory.
    pub fn binary(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(name)
    }

    /// The manifest of the guests' own workspace.
    pub fn plugins_manifest(&self) -> PathBuf {
        self.root.join("plugins/Cargo.toml")
    }

    /// A cargo that works in the host's workspace, wherever we were called.
    pub fn cargo(&self) -> std::process::Command {
        let mut cargo = command::cargo();
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        cargo
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_folder_that_holds_the_host() {
        let workspace = Workspace::find().expect("cargo knows this workspace");
        assert!(workspace.root.join("host/domain/Cargo.toml").is_file());
        assert!(workspace.policies_dir("debug").ends_with("debug/policies"));
    }
}
