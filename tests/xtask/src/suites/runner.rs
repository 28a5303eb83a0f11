//! How each suite is run. `true` means that it passed; an error means that it could not be run.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::command;
use crate::suites::table::Outcome;
use crate::wasm::Compiler;
use crate::workspace::Workspace;

/// The same packages and features everywhere, so that no dependency is built a second time.
const SELECTION: [&str; 3] = ["--workspace", "--features", "server/failpoints"];

/// How many cases proptest tries where nobody says.
const PROPTEST_CASES: u32 = 256;

/// The exit status by which nextest says that nothing matched, or that there was nothing to match.
const NEXTEST_FOUND_NO_TESTS: i32 = 4;

/// Which tests of the workspace to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tests {
    /// All crates but the end-to-end one.
    Unit,
    /// The end-to-end crate.
    EndToEnd,
    /// What kills processes and loses writes, in the end-to-end crate.
    Faults,
}

impl Tests {
    /// In nextest's language of sets.
    fn expression(self) -> &'static str {
        match self {
            Tests::Unit => "not package(e2e)",
            Tests::EndToEnd => "package(e2e)",
            // Nextest refuses a set that nothing could be in: `xtask` is there whatever e2e names its binaries.
            Tests::Faults => "package(e2e) and (binary(/xtask|fault|crash|kill/) or test(/fault|crash|kill/))",
        }
    }

    /// The same for a test binary that is run without nextest.
    fn includes(self, binary: &Binary) -> bool {
        let is_fault = ["fault", "crash", "kill"].iter().any(|word| binary.name.contains(word));
        match self {
            Tests::Unit => binary.package != "e2e",
            Tests::EndToEnd => binary.package == "e2e",
            Tests::Faults => binary.package == "e2e" && is_fault,
        }
    }
}

/// Runs suites in one checkout.
pub struct Runner<'a> {
    workspace: &'a Workspace,
    scale: u32,
    profile: &'static str,
    has_nextest: bool,
    is_ci: bool,
}

impl<'a> Runner<'a> {
    /// `scale` multiplies fuzz cases and kill rounds.
    pub fn new(workspace: &'a Workspace, scale: u32) -> Self {
        let has_nextest = command::is_on_path("cargo-nextest");
        if !has_nextest {
            eprintln!(
                "cargo-nextest is missing: tests run one binary after the other, and one that hangs is not stopped"
            );
        }
        Self { workspace, scale, profile: "default", has_nextest, is_ci: std::env::var_os("CI").is_some() }
    }

    /// With the time limits of a long run.
    pub fn for_long(mut self) -> Self {
        self.profile = "soak";
        self
    }

    /// A cargo for the host. In CI the lock file must fit, and what helps only the next build is not written.
    fn cargo(&self, subcommand: &[&str]) -> Command {
        let mut cargo = self.workspace.cargo();
        cargo.args(subcommand);
        if self.is_ci {
            cargo.arg("--locked").env("CARGO_INCREMENTAL", "0");
        }
        cargo
    }

    /// A cargo for the policies' workspace, with a target directory apart from the components'.
    fn plugins_cargo(&self, subcommand: &str) -> Command {
        let mut cargo = command::guest_cargo();
        cargo.current_dir(&self.workspace.root).arg(subcommand);
        cargo.arg("--manifest-path").arg(self.workspace.plugins_manifest());
        cargo.env("CARGO_TARGET_DIR", self.workspace.target.join("policies-host"));
        cargo
    }

    /// Formatting of both workspaces, and of the templates, which are in neither.
    pub fn fmt(&self) -> Result<bool> {
        let mut host = self.workspace.cargo();
        let mut plugins = self.plugins_cargo("fmt");
        let host = command::succeeds(host.args(["fmt", "--all", "--check"]), "checking the format")?;
        let plugins = command::succeeds(plugins.args(["--all", "--check"]), "checking the format of the policies")?;
        let sources = self.workspace.root.join("plugins/templates/rust/src");
        let entries = std::fs::read_dir(&sources).with_context(|| format!("reading {}", sources.display()))?;
        let mut rustfmt = Command::new("rustfmt");
        command::never_download_toolchains(&mut rustfmt);
        rustfmt.current_dir(&self.workspace.root).args(["--check", "--edition", "2024"]);
        rustfmt.args(entries.flatten().map(|entry| entry.path()));
        let templates = command::succeeds(&mut rustfmt, "checking the format of the templates")?;
        if !templates {
            eprintln!("`rustfmt --edition 2024 plugins/templates/rust/src/*.rs` puts it right");
        }
        if !(host && plugins) {
            eprintln!("`cargo fmt --all`, here and in plugins/, puts it right");
        }
        Ok(host && plugins && templates)
    }

    /// Lints of the host.
    pub fn clippy(&self) -> Result<bool> {
        let mut cargo = self.cargo(&["clippy"]);
        cargo.args(SELECTION).args(["--all-targets", "--", "-D", "warnings"]);
        command::succeeds(&mut cargo, "clippy")
    }

    /// Documentation of the host.
    pub fn doc(&self) -> Result<bool> {
        let mut cargo = self.cargo(&["doc"]);
        cargo.args(SELECTION).arg("--no-deps").env("RUSTDOCFLAGS", "-D warnings");
        command::succeeds(&mut cargo, "rustdoc")
    }

    /// Lints and unit tests of the policies on this machine's own target. Only their libraries' tests: a component
    /// cannot be linked here.
    pub fn plugins(&self) -> Result<bool> {
        let mut clippy = self.plugins_cargo("clippy");
        clippy.args(["--workspace", "--locked", "--all-targets", "--", "-D", "warnings"]);
        let mut test = self.plugins_cargo("test");
        test.args(["--workspace", "--locked", "--lib"]);
        let clippy = command::succeeds(&mut clippy, "clippy on the policies")?;
        Ok(command::succeeds(&mut test, "testing the policies")? && clippy)
    }

    /// Every test binary, and every binary that tests start.
    pub fn build(&self) -> Result<bool> {
        let mut cargo = self.cargo(&["build"]);
        cargo.args(SELECTION).args(["--lib", "--bins", "--tests"]);
        command::succeeds(&mut cargo, "building the tests")
    }

    /// Examples in documentation comments.
    pub fn doctest(&self) -> Result<bool> {
        let mut cargo = self.cargo(&["test", "--doc", "--quiet"]);
        self.scaled(cargo.args(SELECTION));
        command::succeeds(&mut cargo, "testing the documentation's examples")
    }

    /// Tests of the workspace, or those of them whose names contain `filter`.
    pub fn tests(&self, tests: Tests, filter: Option<&str>) -> Result<Outcome> {
        // One database server for all of them: each process would start its own otherwise.
        let server = servers::Postgres::start(false).context("starting PostgreSQL for the tests")?;
        let postgres = server.url("postgres");
        if !self.has_nextest {
            return self.tests_one_by_one(tests, filter, &postgres).map(Outcome::of);
        }
        let mut cargo = self.cargo(&["nextest", "run"]);
        cargo.args(SELECTION).args(["--lib", "--bins", "--tests"]);
        cargo.args(["--profile", self.profile, "--filterset", tests.expression()]);
        cargo.args(["--no-tests", "fail"]).args(filter);
        self.scaled(&mut cargo);
        cargo.env(servers::POSTGRES_URL, &postgres);
        equipped(&mut cargo, tests)?;
        let status = command::status(&mut cargo, "cargo nextest")?;
        let is_empty = status.code() == Some(NEXTEST_FOUND_NO_TESTS);
        Ok(if is_empty { Outcome::Empty } else { Outcome::of(status.success()) })
    }

    /// Without nextest the binaries are run one by one: `cargo test` could leave out a package only by selecting
    /// others, which would change features and build the dependencies again.
    fn tests_one_by_one(&self, tests: Tests, filter: Option<&str>, postgres: &str) -> Result<bool> {
        let mut cargo = self.cargo(&["test", "--no-run", "--message-format", "json-render-diagnostics"]);
        cargo.args(SELECTION).args(["--lib", "--bins", "--tests"]);
        let messages = command::read(&mut cargo, "listing the tests")?;
        let mut ok = true;
        for binary in messages.lines().filter_map(Binary::of).filter(|binary| tests.includes(binary)) {
            eprintln!("\n{} {}", binary.package, binary.name);
            let mut run = Command::new(&binary.executable);
            run.current_dir(&binary.folder).env("CARGO_MANIFEST_DIR", &binary.folder).args(filter);
            if tests != Tests::Unit {
                run.args(["--test-threads", "1"]);
            }
            run.env(servers::POSTGRES_URL, postgres);
            equipped(&mut run, tests)?;
            self.scaled(&mut run);
            ok &= command::succeeds(&mut run, &binary.name)?;
        }
        Ok(ok)
    }

    fn scaled(&self, command: &mut Command) {
        command.env("ORDERWRIGHT_TEST_SCALE", self.scale.to_string());
        if self.scale > 1 || std::env::var_os("PROPTEST_CASES").is_none() {
            command.env("PROPTEST_CASES", PROPTEST_CASES.saturating_mul(self.scale).to_string());
        }
    }
}

/// Tells the end-to-end tests which compiler builds components: they build policies as authors do.
fn equipped(command: &mut Command, tests: Tests) -> Result<()> {
    if tests != Tests::Unit {
        let Compiler { rustc, linker } = Compiler::find()?;
        command.env("ORDERWRIGHT_GUEST_RUSTC", rustc).env("ORDERWRIGHT_GUEST_LINKER", linker);
    }
    Ok(())
}

/// A test binary that cargo built.
#[derive(Debug, PartialEq, Eq)]
struct Binary {
    package: String,
    name: String,
    executable: PathBuf,
    /// Of its package, where its tests expect to run.
    folder: PathBuf,
}

impl Binary {
    /// Reads one message of cargo's; most of them are about something else.
    fn of(line: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(line).ok()?;
        if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
            return None;
        }
        Self::of_artifact(&message).ok()
    }

    fn of_artifact(message: &Value) -> Result<Self> {
        let text = |value: &Value, key: &str| value[key].as_str().map(str::to_owned).context("not a test");
        let manifest = PathBuf::from(text(message, "manifest_path")?);
        let folder = manifest.parent().context("a manifest has a folder")?.to_owned();
        let package = folder.file_name().context("a package has a name")?.to_string_lossy().into_owned();
        let name = text(&message["target"], "name")?;
        Ok(Self { package, name, executable: text(message, "executable")?.into(), folder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(package: &str, name: &str) -> Binary {
        let line = format!(
            r#"{{"reason":"compiler-artifact","manifest_path":"/w/tests/{package}/Cargo.toml","target":{{"name":"{name}"}},"profile":{{"test":true}},"executable":"/t/{name}-1"}}"#
        );
        Binary::of(&line).expect("a test binary")
    }

    #[test]
    fn test_binaries_are_told_from_other_artefacts() {
        assert_eq!(binary("e2e", "faults").executable, PathBuf::from("/t/faults-1"));
        assert_eq!(binary("e2e", "faults").folder, PathBuf::from("/w/tests/e2e"));
        assert_eq!(Binary::of(r#"{"reason":"compiler-artifact","profile":{"test":false},"executable":"/t/x"}"#), None);
        assert_eq!(Binary::of(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(Binary::of("not JSON"), None);
    }

    #[test]
    fn every_binary_belongs_to_one_suite() {
        for binary in [binary("domain", "domain"), binary("e2e", "placing"), binary("e2e", "crash_points")] {
            assert_ne!(Tests::Unit.includes(&binary), Tests::EndToEnd.includes(&binary), "{binary:?}");
        }
        assert!(Tests::Faults.includes(&binary("e2e", "crash_points")));
        assert!(!Tests::Faults.includes(&binary("e2e", "placing")));
        assert!(!Tests::Faults.includes(&binary("store", "crash")));
    }
}
