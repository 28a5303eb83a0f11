//! Which files may exist, and how long they may be.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{assert_tidy, root};

/// What the top level may hold besides dotfiles.
const TOP_LEVEL: [&str; 11] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "host",
    "migrations",
    "plugins",
    // Rustup reads it under this name only.
    "rust-toolchain.toml",
    "search",
    "tests",
    "wit",
];

/// Far more than a file should have, and the end of patience.
const RUST_LINES_MAX: usize = 700;

/// Components of earlier releases: what proves that they go on running cannot be built again.
const RELEASED: &str = "host/app/tests/released";

/// What `.gitignore` keeps out of the repository, besides the root's `data`.
const IGNORED: [&str; 3] = [".git", "node_modules", "target"];

/// A file of the repository.
pub struct TreeFile {
    /// Relative to the root.
    pub path: PathBuf,
    /// Counted for Rust files only.
    pub lines: usize,
}

/// Every file that is not ignored.
pub fn tree(root: &Path) -> Vec<TreeFile> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(root.join(&folder)).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let entry = entry.expect("a folder that is read goes on being readable");
            let path = folder.join(entry.file_name());
            let is_folder = entry.file_type().expect("every entry has a type").is_dir();
            match is_folder {
                true if !is_ignored(&path) => folders.push(path),
                true => {}
                false => files.push(TreeFile { lines: rust_lines(&root.join(&path)), path }),
            }
        }
    }
    files
}

fn is_ignored(folder: &Path) -> bool {
    folder == Path::new("data") || folder.file_name().is_some_and(|name| IGNORED.iter().any(|ignored| name == *ignored))
}

fn rust_lines(path: &Path) -> usize {
    if path.extension().is_none_or(|extension| extension != "rs") {
        return 0;
    }
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

fn complain_about_files(files: &[TreeFile]) -> Vec<String> {
    files.iter().filter_map(complain_about_file).collect()
}

fn complain_about_file(file: &TreeFile) -> Option<String> {
    let path = file.path.display();
    let first = file.path.components().next()?.as_os_str().to_string_lossy().into_owned();
    if !first.starts_with('.') && !TOP_LEVEL.contains(&first.as_str()) {
        return Some(format!("{path}: the top level holds {} only", TOP_LEVEL.join(", ")));
    }
    if file.path.ends_with("mod.rs") {
        return Some(format!("{path}: a module `foo` is `foo.rs` beside `foo/`"));
    }
    let is_component = file.path.extension().is_some_and(|extension| extension == "wasm");
    if is_component && !file.path.starts_with(RELEASED) {
        return Some(format!("{path}: components are built, not committed"));
    }
    if file.lines > RUST_LINES_MAX {
        return Some(format!("{path}: {} lines, {RUST_LINES_MAX} at most", file.lines));
    }
    None
}

#[test]
fn every_file_has_a_place_and_a_size() {
    let files = tree(&root());
    assert!(files.iter().any(|file| file.path.ends_with("tests/xtask/tests/tidy/files.rs") && file.lines > 0));
    assert_tidy(&complain_about_files(&files));
}

#[test]
fn misplaced_files_are_seen() {
    let file = |path: &str, lines| TreeFile { path: path.into(), lines };
    for bad in [
        file("scripts/deploy.sh", 0),
        file("notes.md", 0),
        file("host/app/src/orders/mod.rs", 10),
        file("plugins/tax-table/built.wasm", 0),
        file("host/app/src/orders.rs", RUST_LINES_MAX + 1),
    ] {
        assert_eq!(complain_about_files(&[bad]).len(), 1);
    }
    let good = [
        file("README.md", 0),
        file(".ci/run", 0),
        file("wit/0.1.0/tax.wit", 0),
        file("host/app/src/orders.rs", RUST_LINES_MAX),
        file("host/app/tests/released/0.1.0/tax.wasm", 0),
    ];
    assert!(complain_about_files(&good).is_empty());
}

#[test]
fn what_git_ignores_is_not_looked_at() {
    assert!(
        is_ignored(Path::new("target")) && is_ignored(Path::new("plugins/target")) && is_ignored(Path::new("data"))
    );
    assert!(!is_ignored(Path::new("host/data")) && !is_ignored(Path::new(".config")));
}
