//! `orderwright admin` on the data of a stopped server.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::process::{build_dir, orderwright};
use crate::server::Folder;

/// A second merchant.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub tenant: String,
    /// A key with every scope.
    pub api_key: String,
}

/// Makes a merchant.
///
/// # Panics
/// Where that fails.
#[must_use]
pub fn create_tenant(folder: &Folder, name: &str) -> Tenant {
    let made = json(run(folder, &["tenant", "create", name]));
    let text = |field: &str| made[field].as_str().unwrap_or_else(|| panic!("no {field} in {made}")).to_owned();
    Tenant { tenant: text("tenant"), api_key: text("api_key") }
}

/// What is bound to a hook.
pub struct Binding<'b> {
    /// The merchant.
    pub tenant: &'b str,
    /// `routing`, `tax`, `risk` or `payment`.
    pub hook: &'b str,
    /// The component. It is bound under a name that no policy of the platform's own has.
    pub file: PathBuf,
    /// `fallback`, `hold` or `reject`.
    pub on_failure: &'b str,
    /// A JSON object.
    pub config: Value,
}

/// Binds a component to a hook.
///
/// # Panics
/// Where that fails.
pub fn bind(folder: &Folder, binding: &Binding<'_>) {
    let name = binding.file.file_stem().and_then(|stem| stem.to_str()).expect("a component has a name");
    let name = format!("own-{name}");
    let (file, config) = (binding.file.to_str().expect("a path in UTF-8"), binding.config.to_string());
    let at = ["hook", "bind", binding.tenant, binding.hook, file, "--name", &name];
    let how = ["--on-failure", binding.on_failure, "--config", &config];
    let output = run(folder, &[&at[..], &how[..]].concat());
    assert!(output.status.success(), "binding failed: {}", String::from_utf8_lossy(&output.stderr));
}

/// Asserts that nothing in the store contradicts anything else.
///
/// # Panics
/// With the report, where something does.
pub fn verify(folder: &Folder) {
    let output = run(folder, &["verify"]);
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    let _: Value = serde_json::from_str(&report).unwrap_or_else(|error| panic!("no report: {error}: {report}"));
}

/// Asserts that nobody administers data under a running server.
///
/// # Panics
/// Where it is let in.
pub fn is_refused_while_a_server_runs(folder: &Folder) {
    let output = run(folder, &["tenant", "create", "intruder"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("stop it first"), "{said}");
}

fn run(folder: &Folder, arguments: &[&str]) -> Output {
    let mut command = Command::new(orderwright());
    command.arg("admin").args(arguments).arg("--data").arg(folder.data()).arg("--json").stdin(Stdio::null());
    command.output().expect("the program can be started")
}

fn json(output: Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the answer is JSON")
}

/// A policy that comes with the platform.
///
/// # Panics
/// Where it was not built.
#[must_use]
pub fn policy(name: &str) -> PathBuf {
    component(&build_dir().join("policies"), name)
}

/// A component that misbehaves on purpose.
///
/// # Panics
/// Where it was not built.
#[must_use]
pub fn fixture(name: &str) -> PathBuf {
    component(&build_dir().join("policies/fixtures"), name)
}

fn component(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(name).with_extension("wasm");
    assert!(file.is_file(), "{} is missing: `cargo xtask test` builds it", file.display());
    file
}
