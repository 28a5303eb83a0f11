//! Tries a compiler on a tiny guest: what counts is that a component comes out, not which files lie where.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use crate::wasm::{Compiler, TARGET, rustc};

/// Uses the allocator, formatting and panics, so that a std with a part missing does not link.
const GUEST: &str =
    "#[no_mangle] pub extern \"C\" fn probe(n: u32) -> u32 { format!(\"{n}\").parse::<u32>().unwrap() }\n";

/// How a component begins: the magic number, then version 13 and layer 1, where a core module has version 1, layer 0.
const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// Compiles the guest in `scratch`, an existing directory.
pub fn compiles(compiler: &Compiler, scratch: &Path) -> Result<()> {
    let out = scratch.join("probe.wasm");
    let mut command = rustc(&compiler.rustc);
    command.args(["--crate-name", "probe", "--crate-type", "cdylib", "--edition", "2021", "-O", "--target", TARGET]);
    command.arg("-C").arg(format!("linker={}", compiler.linker.display())).arg("-o").arg(&out).arg("-");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", compiler.rustc.display()))?;
    let mut stdin = child.stdin.take().expect("stdin was asked for");
    // A compiler that dies before it reads is reported by its status and its words below.
    let _ = stdin.write_all(GUEST.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().context("waiting for the compiler")?;
    if !output.status.success() {
        bail!(
            "{} cannot build a tiny guest ({}):\n{}",
            compiler.rustc.display(),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    let bytes = std::fs::read(&out).with_context(|| format!("reading {}", out.display()))?;
    std::fs::remove_file(&out).with_context(|| format!("removing {}", out.display()))?;
    if !is_component(&bytes) {
        bail!("{} made something that is not a component", compiler.linker.display());
    }
    Ok(())
}

/// Whether these bytes begin like a component.
pub fn is_component(bytes: &[u8]) -> bool {
    bytes.starts_with(&COMPONENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_module_is_no_component() {
        assert!(is_component(b"\0asm\x0d\0\x01\0rest"));
        assert!(!is_component(b"\0asm\x01\0\0\0rest"));
        assert!(!is_component(b""));
    }

    #[test]
    fn a_compiler_that_fails_is_quoted() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let fake = scratch.path().join("rustc");
        std::fs::write(&fake, "#!/bin/sh\necho 'error: no std for you' >&2\nexit 1\n").expect("writable");
        std::fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("ours");
        let compiler = Compiler { rustc: fake, linker: "wasm-component-ld".into() };
        let error = compiles(&compiler, scratch.path()).expect_err("it exits 1");
        assert!(error.to_string().contains("no std for you"), "{error}");
    }
}
