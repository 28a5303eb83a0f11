//! The crate graph: who may use whom, and which crate owns which outside library.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::{assert_tidy, root};

/// Our crates, and those of them that each may depend on. `server` wires everything, and nobody depends on it.
const EDGES: [(&str, &[&str]); 13] = [
    ("domain", &[]),
    // Its tests start databases.
    ("store", &["domain", "servers"]),
    ("plugin-host", &["domain"]),
    ("bus", &["domain"]),
    ("search", &["domain"]),
    ("app", &["domain", "store", "plugin-host", "bus", "search"]),
    // The domain's types are what the use cases speak, so the API names them too.
    ("api", &["app", "domain"]),
    ("server", &["api", "app", "bus", "domain", "plugin-host", "sandbox-provider", "search", "store"]),
    // Stands for somebody else's service: it shares nothing with us but HTTP.
    ("sandbox-provider", &[]),
    ("e2e", &["domain", "servers"]),
    ("load", &["domain"]),
    ("servers", &[]),
    ("xtask", &["servers"]),
];

/// Libraries that stay behind one crate's interface, and the crates that may name them.
const OWNERS: [(&str, &[&str]); 9] = [
    ("wasmtime", &["plugin-host"]),
    ("wasmparser", &["plugin-host"]),
    // The load tool measures the limit of the driver itself, and the crash suites read what a killed server left.
    ("sqlx", &["store", "load", "e2e"]),
    ("rusqlite", &["store", "load", "e2e"]),
    ("libsqlite3-sys", &["store", "load", "e2e"]),
    // The provider serves its own API; the binary binds the listener.
    ("axum", &["api", "sandbox-provider", "server"]),
    ("async-nats", &["bus"]),
    ("tantivy", &["search"]),
    ("fail", &["app", "bus", "plugin-host", "search", "server", "store"]),
];

/// What must not even come with something else that the domain uses: no async, I/O, clock of its own or randomness.
const FOREIGN_TO_THE_DOMAIN: [&str; 10] =
    ["async-std", "axum", "fastrand", "hyper", "mio", "rand", "reqwest", "sqlx", "tokio", "wasmtime"];

/// A direct dependency of one of our crates.
struct Edge {
    from: String,
    to: String,
    /// Of a crate that lies in this repository.
    path: Option<PathBuf>,
}

/// The crates of the workspace in this folder, and what each depends on directly.
fn edges(folder: &str) -> (Vec<String>, Vec<Edge>) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root().join(folder)).args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let name = |value: &Value| value["name"].as_str().expect("everything has a name").to_owned();
    let list = |value: &Value| value.as_array().expect("cargo lists").clone();
    let packages = list(&metadata["packages"]);
    let edges = packages.iter().flat_map(|package| {
        let from = name(package);
        list(&package["dependencies"]).into_iter().map(move |to| Edge {
            from: from.clone(),
            to: name(&to),
            path: to["path"].as_str().map(PathBuf::from),
        })
    });
    (packages.iter().map(name).collect(), edges.collect())
}

fn complain_about_edges(crates: &[String], edges: &[Edge]) -> Vec<String> {
    let allowed = |from: &str| EDGES.iter().find(|(name, _)| *name == from).map(|(_, allowed)| *allowed);
    let unknown = crates.iter().filter(|name| allowed(name).is_none());
    let mut complaints: Vec<_> =
        unknown.map(|name| format!("crate `{name}` is not in EDGES: say there what it may depend on")).collect();
    for Edge { from, to, .. } in edges {
        let is_ours = crates.contains(to);
        if is_ours && allowed(from).is_some_and(|allowed| !allowed.contains(&to.as_str())) {
            complaints.push(format!("`{from}` must not depend on `{to}`"));
        }
        let owners = OWNERS.iter().find(|(library, _)| library == to).map(|(_, owners)| *owners);
        if owners.is_some_and(|owners| !owners.contains(&from.as_str())) {
            complaints.push(format!(
                "`{from}` must not name `{to}`: it stays behind {}",
                owners.unwrap_or_default().join(", ")
            ));
        }
    }
    complaints
}

/// Policies are written as a merchant writes them: against `wit/` and the SDK.
fn complain_about_plugins(sdk: &Path, edges: &[Edge]) -> Vec<String> {
    let ours = edges.iter().filter(|edge| edge.path.as_ref().is_some_and(|path| path != sdk));
    ours.map(|edge| format!("the policy `{}` must not depend on our `{}`", edge.from, edge.to)).collect()
}

fn complain_about_domain(tree: &str) -> Vec<String> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    let foreign = names.filter(|name| FOREIGN_TO_THE_DOMAIN.contains(name));
    foreign.map(|name| format!("`domain` must not reach `{name}`, not even through another crate")).collect()
}

#[test]
fn crates_depend_only_on_what_the_design_allows() {
    let (crates, edges) = edges(".");
    assert!(crates.len() >= 11 && edges.len() > 50, "the graph was not read");
    assert_tidy(&complain_about_edges(&crates, &edges));
}

#[test]
fn the_domain_reaches_no_input_or_output() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root());
    cargo.args(["tree", "--locked", "--package", "domain", "--edges", "normal,no-proc-macro", "--prefix", "none"]);
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    assert!(tree.starts_with("domain v"), "{tree}");
    assert_tidy(&complain_about_domain(&tree));
}

#[test]
fn policies_know_nothing_of_the_host() {
    let (policies, edges) = edges("plugins");
    assert!(policies.len() > 4, "the policies were not read");
    assert_tidy(&complain_about_plugins(&root().join("plugins/sdk"), &edges));
}

#[test]
fn a_policy_that_reaches_into_the_host_is_seen() {
    let edge =
        |to: &str, path: Option<&str>| Edge { from: "tax-table".into(), to: to.into(), path: path.map(Into::into) };
    let edges =
        [edge("orderwright-sdk", Some("/w/plugins/sdk")), edge("serde", None), edge("domain", Some("/w/host/domain"))];
    assert_eq!(complain_about_plugins(Path::new("/w/plugins/sdk"), &edges).len(), 1);
}

#[test]
fn a_forbidden_edge_is_seen() {
    let crates = ["domain", "store", "api", "server"].map(str::to_owned);
    let edge = |from: &str, to: &str| Edge { from: from.to_owned(), to: to.to_owned(), path: None };
    let edges = [
        edge("store", "domain"),
        edge("api", "store"),
        edge("store", "server"),
        edge("api", "sqlx"),
        edge("api", "axum"),
    ];
    let complaints = complain_about_edges(&crates, &edges).join("; ");
    assert_eq!(
        complaints,
        "`api` must not depend on `store`; `store` must not depend on `server`; \
         `api` must not name `sqlx`: it stays behind store, load, e2e"
    );
    assert_eq!(complain_about_edges(&["billing".to_owned()], &[]).len(), 1, "a new crate has to be placed");
}

#[test]
fn a_library_behind_another_is_seen_in_the_domain() {
    let tree = "domain v0.1.0 (/w/host/domain)\nserde v1.0.0\nclient v1.0.0\ntokio v1.54.0\n";
    assert_eq!(complain_about_domain(tree).len(), 1);
    assert!(complain_about_domain("domain v0.1.0\ntokio-like v1.0.0\n").is_empty());
}

#[test]
fn the_table_has_no_cycle() {
    let depends = |from: &str, to: &str| EDGES.iter().any(|(name, allowed)| *name == from && allowed.contains(&to));
    for (name, allowed) in EDGES {
        assert!(allowed.iter().all(|other| !depends(other, name)), "{name}");
        assert!(!allowed.contains(&"server"), "nobody depends on server");
    }
}
