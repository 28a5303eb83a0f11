//! Libraries that stand in front of the C library of a server under test, and make its disk misbehave.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds a library of `shim/` into a folder.
///
/// # Panics
/// Where that cannot be done, for want of a C compiler.
#[must_use]
pub fn build(name: &str, folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim").join(name).with_extension("c");
    let library = folder.join(name).with_extension("so");
    let mut compiler = Command::new("cc");
    compiler.args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl");
    let built = compiler.status().unwrap_or_else(|error| panic!("a C compiler is needed: {error}"));
    assert!(built.success(), "the library cannot be built");
    library
}
