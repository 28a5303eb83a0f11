//! Keeps the shape that `host/ARCHITECTURE.md` promises: which crate may depend on what, what every crate inherits,
//! which files may exist, and that a released WIT package never changes.
//!
//! Each rule is a function from facts to complaints, so that it is itself tested on facts that break it.

mod crates;
mod files;
mod graph;
mod released;

use std::path::{Path, PathBuf};

/// The folder of the root `Cargo.toml`.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).expect("this package lies two folders deep").to_owned()
}

/// Fails with every complaint at once.
fn assert_tidy(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n  {}\n", complaints.join("\n  "));
}
