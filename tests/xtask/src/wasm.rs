//! A Rust compiler for the policies: the default one where its wasm32 target is installed, otherwise a private copy.
//!
//! `private` keeps the copy (locked, replaced as a whole), `debian` makes one out of Debian's packages, `probe` tries
//! a compiler on a tiny guest. Nothing here asks rustup to download: whoever wants that is told the command.

mod debian;
mod private;
mod probe;

pub use probe::is_component;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::command;
use crate::wasm::private::Private;

/// The target of every policy.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Makes components out of core modules; rustup's toolchains carry it beside rust-lld.
const LINKER: &str = "wasm-component-ld";

/// The programs that a private copy borrows from the rustup toolchain.
const LINKERS: [&str; 2] = ["rust-lld", LINKER];

/// What someone can do where no compiler can be prepared.
const ADVICE: &str = "\
The policies need Rust's wasm32-unknown-unknown target, and it could not be prepared here. Either
  - let rustup add it:   rustup target add wasm32-unknown-unknown
  - or, on Debian with packages within reach, mend what is named above and run the same command again.";

/// A compiler that builds for [`TARGET`], and the linker that makes its output a component.
pub struct Compiler {
    /// The rustc to be given to cargo as `RUSTC`.
    pub rustc: PathBuf,
    /// `wasm-component-ld`, by its whole path.
    pub linker: PathBuf,
}

impl Compiler {
    /// Finds a compiler, preparing one (once, some minutes) where there is none.
    pub fn find() -> Result<Self> {
        let host = Host::find()?;
        if has_std(&host.rustc) {
            let linker = host.tools.join(LINKER);
            if !linker.exists() {
                bail!(
                    "the toolchain in {} carries no {LINKER}: `rustup update stable` brings it",
                    host.sysroot.display()
                );
            }
            return Ok(Self { rustc: host.rustc, linker });
        }
        let prepared = Private::new(host).and_then(Private::ready);
        prepared.map_err(|error| anyhow!("{error:#}\n\n{ADVICE}"))
    }
}

/// The toolchain that builds the host.
struct Host {
    rustc: PathBuf,
    /// For example `x86_64-unknown-linux-gnu`.
    triple: String,
    sysroot: PathBuf,
    /// Where the toolchain keeps its linkers.
    tools: PathBuf,
}

impl Host {
    fn find() -> Result<Self> {
        let step = "asking rustc about itself";
        let sysroot = command::read(rustc("rustc".as_ref()).args(["--print", "sysroot"]), step)?;
        let sysroot = PathBuf::from(sysroot.trim());
        let version = command::read(rustc("rustc".as_ref()).arg("-vV"), step)?;
        let triple = host_triple(&version).context("`rustc -vV` names no host")?.to_owned();
        let tools = sysroot.join("lib/rustlib").join(&triple).join("bin");
        // The proxy of the same name would look for a toolchain file again, wherever it is called.
        let own = sysroot.join("bin/rustc");
        let rustc = if own.is_file() { own } else { "rustc".into() };
        Ok(Self { rustc, triple, sysroot, tools })
    }
}

fn host_triple(version: &str) -> Option<&str> {
    version.lines().find_map(|line| line.strip_prefix("host: "))
}

/// A rustc that takes nothing from the outer build's environment.
fn rustc(program: &Path) -> Command {
    let mut command = Command::new(program);
    command::never_download_toolchains(&mut command);
    command
}

/// Whether this rustc has a standard library for [`TARGET`].
fn has_std(program: &Path) -> bool {
    let printed = command::read(rustc(program).args(["--print", "target-libdir", "--target", TARGET]), "asking rustc");
    let Ok(dir) = printed else { return false };
    let Ok(entries) = std::fs::read_dir(dir.trim()) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read_from_the_long_version() {
        let version =
            "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nhost: aarch64-unknown-linux-gnu\nrelease: 1.95.0\n";
        assert_eq!(host_triple(version), Some("aarch64-unknown-linux-gnu"));
        assert_eq!(host_triple("rustc 1.95.0"), None);
    }

    #[test]
    fn a_program_that_is_no_rustc_has_no_std() {
        assert!(!has_std("/bin/true".as_ref()));
        assert!(!has_std("/no/such/rustc".as_ref()));
    }
}
