//! What every crate has in common, and what the domain's own text must not reach for.

use std::path::{Path, PathBuf};

use crate::files::{TreeFile, tree};
use crate::{assert_tidy, root};

/// Calls that would make the same input give different answers.
const IMPURE: [&str; 9] = [
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Uuid::new_v4",
    "Uuid::now_v7",
    "Zoned::now",
    "std::env",
    "std::fs",
    "std::net",
];

fn complain_about_manifest(path: &Path, text: &str) -> Vec<String> {
    if !has_table(text, "package") {
        return Vec::new();
    }
    let inherits = table(text, "lints").is_some_and(|lints| lints.contains(&"workspace = true"));
    let complaint = || format!("{} must inherit the lints: `[lints]`, `workspace = true`", path.display());
    (!inherits).then(complaint).into_iter().collect()
}

fn has_table(text: &str, name: &str) -> bool {
    table(text, name).is_some()
}

/// The lines between a table's head and the next one's, trimmed.
fn table<'a>(text: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let head = format!("[{name}]");
    let begins = text.lines().position(|line| line.trim() == head)?;
    let lines = text.lines().skip(begins + 1);
    Some(lines.take_while(|line| !line.trim_start().starts_with('[')).map(str::trim).collect())
}

fn complain_about_impurity(path: &Path, text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let found = code.flat_map(|line| IMPURE.iter().filter(move |call| line.contains(*call)));
    found.map(|call| format!("{}: the domain is told, it does not look: `{call}`", path.display())).collect()
}

fn read(file: &TreeFile) -> String {
    std::fs::read_to_string(root().join(&file.path)).unwrap_or_else(|error| panic!("{}: {error}", file.path.display()))
}

#[test]
fn every_crate_inherits_the_lints() {
    let manifests: Vec<_> = tree(&root()).into_iter().filter(|file| file.path.ends_with("Cargo.toml")).collect();
    assert!(manifests.len() > 10, "the manifests were not found");
    let complaints: Vec<_> =
        manifests.iter().flat_map(|file| complain_about_manifest(&file.path, &read(file))).collect();
    assert_tidy(&complaints);
}

#[test]
fn the_domain_has_no_clock_and_no_files() {
    let source = |file: &TreeFile| {
        file.path.starts_with("host/domain/src") && file.path.extension().is_some_and(|extension| extension == "rs")
    };
    let sources: Vec<_> = tree(&root()).into_iter().filter(source).collect();
    assert!(!sources.is_empty(), "the domain was not found");
    let complaints: Vec<_> = sources.iter().flat_map(|file| complain_about_impurity(&file.path, &read(file))).collect();
    assert_tidy(&complaints);
}

#[test]
fn a_crate_with_lints_of_its_own_is_seen() {
    let path = PathBuf::from("host/x/Cargo.toml");
    let good = "[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n\n[dependencies]\n";
    assert!(complain_about_manifest(&path, good).is_empty());
    for bad in [
        "[package]\nname = \"x\"\n",
        "[package]\nname = \"x\"\n[lints.rust]\nunsafe_code = \"allow\"\n",
        "[package]\nname = \"x\"\n[lints]\n[dependencies.y]\nworkspace = true\n",
    ] {
        assert_eq!(complain_about_manifest(&path, bad).len(), 1, "{bad}");
    }
    assert!(complain_about_manifest(&path, "[workspace]\nmembers = []\n").is_empty(), "no crate");
}

#[test]
fn a_clock_in_the_domain_is_seen() {
    let path = PathBuf::from("host/domain/src/order.rs");
    assert_eq!(complain_about_impurity(&path, "let now = jiff::Timestamp::now();\n").len(), 1);
    assert!(
        complain_about_impurity(&path, "// Timestamp::now() is the caller's to call.\nfn f(now: Timestamp) {}\n")
            .is_empty()
    );
}
