//! A folder where an author works, with the tools of every language at hand.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use e2e::process;
use serde_json::Value;

use crate::plugins::answer;

/// What cargo may know of the one that runs this test: how to reach the registry.
const KEPT: [&str; 3] = ["CARGO_HOME", "CARGO_NET_", "CARGO_REGISTR"];

/// A folder of its own, empty at first.
pub struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where a project's component lies.
    pub fn component(&self, project: &str) -> String {
        self.path(project).join("plugin.wasm").to_str().expect("a path in UTF-8").to_owned()
    }

    /// A program that works here. `cargo xtask test` says which compiler knows the target of components.
    pub fn equipped(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let of_cargo = |name: &str| name.starts_with("CARGO") && !KEPT.iter().any(|kept| name.starts_with(kept));
        for (name, _) in std::env::vars_os().filter(|(name, _)| of_cargo(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        let given = [
            ("ORDERWRIGHT_GUEST_RUSTC", "RUSTC"),
            ("ORDERWRIGHT_GUEST_LINKER", "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER"),
        ];
        for (ours, cargos) in given {
            match std::env::var_os(ours) {
                Some(value) => command.env(cargos, value),
                None => command.env_remove(cargos),
            };
        }
        // Several projects share what they depend on, and a template has no warnings.
        command.env("CARGO_TARGET_DIR", self.path("target")).env("RUSTFLAGS", "-D warnings");
        command.current_dir(self.folder.path());
        command
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.equipped(process::orderwright());
        command.arg("plugin").args(arguments);
        if arguments.first() != Some(&"build") {
            // What is compiled is kept here; pip keeps what it downloads where it always does.
            command.env("XDG_CACHE_HOME", self.path("cache"));
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it starts")
    }

    /// What a command that has to succeed answers.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        answer(&output)
    }

    pub fn made(&self, language: &str, hook: &str, project: &str) {
        let made = self.json(&["new", "--lang", language, "--hook", hook, project]);
        assert_eq!(made["name"], project);
    }

    /// Makes a project, builds it and runs its tests.
    pub fn made_and_tested(&self, language: &str, hook: &str, project: &str) {
        self.made(language, hook, project);
        if language == "python" {
            self.share_environment(project);
        }
        let built = self.json(&["build", project]);
        assert_eq!((&built["hook"], &built["language"]), (&hook.into(), &language.into()));
        let tested = self.json(&["test", project]);
        assert_eq!(tested["failed"], 0, "{tested}");
        assert!(tested["passed"].as_u64() >= Some(2), "{tested}");
    }

    /// The first project on this bench installs what all of them name: they name the same.
    fn share_environment(&self, project: &str) {
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder");
        let mut environments = entries.map(|entry| entry.expect("an entry").path().join(".venv"));
        if let Some(installed) = environments.find(|environment| environment.is_dir()) {
            let installed = installed.canonicalize().expect("it is there");
            std::os::unix::fs::symlink(installed, self.path(project).join(".venv")).expect("a link");
        }
    }
}

/// `plugins/templates` of the repository.
pub fn templates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/templates")
}

/// The hooks that a language has a template for.
pub fn hooks(language: &str) -> Vec<String> {
    let entries = std::fs::read_dir(templates().join(language).join("src")).expect("the templates");
    let stem = |path: PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let mut hooks: Vec<_> = entries.map(|entry| stem(entry.expect("an entry").path())).collect();
    hooks.sort();
    assert!(hooks.len() >= 3, "{hooks:?}");
    hooks
}
