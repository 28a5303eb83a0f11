//! Builds the guests of `plugins/` as components and puts them where a host looks for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::command;
use crate::wasm::{self, Compiler};
use crate::workspace::Workspace;

/// Below the policies' directory: guests that misbehave on purpose, which only tests load.
const FIXTURES: &str = "fixtures";

/// Components that were built, by the place that each has below a policies' directory.
pub struct Built {
    files: BTreeMap<PathBuf, PathBuf>,
}

/// Builds whatever changed; `force` builds from nothing.
pub fn build(workspace: &Workspace, force: bool) -> Result<Built> {
    let manifest = workspace.plugins_manifest();
    if !manifest.is_file() {
        bail!("{} is missing: the policies are a workspace of their own there", manifest.display());
    }
    let compiler = Compiler::find()?;
    let target = workspace.target.join("policies-build");
    if force && target.exists() {
        fs::remove_dir_all(&target).with_context(|| format!("removing {}", target.display()))?;
    }
    let mut cargo = command::guest_cargo();
    cargo.current_dir(&workspace.root);
    cargo.args(["build", "--release", "--workspace", "--locked", "--target", wasm::TARGET]);
    cargo.args(["--message-format", "json-render-diagnostics", "--manifest-path"]).arg(&manifest);
    cargo.env("CARGO_TARGET_DIR", &target).env("RUSTC", &compiler.rustc);
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", &compiler.linker);

    let step = "building the policies";
    eprintln!("{step}");
    let mut child = cargo.stdout(Stdio::piped()).spawn().with_context(|| format!("{step}: cannot start cargo"))?;
    let output = child.stdout.take().expect("stdout was asked for");
    let mut files = BTreeMap::new();
    for line in std::io::BufReader::new(output).lines() {
        let line = line.with_context(|| format!("{step}: reading what cargo built"))?;
        // Cargo writes one JSON document a line, and a build script may write anything else.
        let Ok(message) = serde_json::from_str(&line) else { continue };
        if let Some((place, file)) = component(&message) {
            files.insert(place, file);
        }
    }
    let status = child.wait().with_context(|| step.to_owned())?;
    if !status.success() {
        bail!("{step} failed ({status}): {}", command::line(&cargo));
    }
    if files.is_empty() {
        bail!("{step} made no component: is there a `crate-type = [\"cdylib\"]` below {}?", manifest.display());
    }
    Ok(Built { files })
}

/// The component that a message of cargo's tells of, and its place below a policies' directory.
fn component(message: &Value) -> Option<(PathBuf, PathBuf)> {
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    let names = message["filenames"].as_array()?;
    let file = names.iter().filter_map(Value::as_str).find(|name| name.ends_with(".wasm")).map(PathBuf::from)?;
    let manifest = Path::new(message["manifest_path"].as_str()?);
    let is_fixture = manifest.ancestors().any(|folder| folder.ends_with("plugins/fixtures"));
    let name = file.file_name()?;
    let place = if is_fixture { Path::new(FIXTURES).join(name) } else { name.into() };
    Some((place, file))
}

impl Built {
    /// Makes `dir` hold exactly these components; a file that is the same already is not touched.
    pub fn place(&self, dir: &Path) -> Result<()> {
        let mut written = 0;
        for (place, file) in &self.files {
            let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
            if !wasm::is_component(&bytes) {
                bail!("{} is not a component", file.display());
            }
            written += usize::from(write_if_changed(&dir.join(place), &bytes)?);
        }
        for folder in [dir.to_owned(), dir.join(FIXTURES)] {
            self.remove_others(dir, &folder)?;
        }
        eprintln!("{} components in {} ({written} new)", self.files.len(), dir.display());
        Ok(())
    }

    /// A policy that was renamed or removed must not be loaded for ever after.
    fn remove_others(&self, dir: &Path, folder: &Path) -> Result<()> {
        let wanted: BTreeSet<_> = self.files.keys().map(|place| dir.join(place)).collect();
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "wasm") && !wanted.contains(&path) {
                fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
            }
        }
        Ok(())
    }
}

/// Replaces a file as a whole, since a host may be reading it; answers whether it had to.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let folder = path.parent().context("a component needs a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    fs::write(&fresh, bytes).with_context(|| format!("writing {}", fresh.display()))?;
    fs::rename(&fresh, path).with_context(|| format!("renaming {}", fresh.display()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0body";

    fn artifact(manifest: &str, file: &str) -> Value {
        serde_json::json!({ "reason": "compiler-artifact", "manifest_path": manifest, "filenames": [file] })
    }

    #[test]
    fn fixtures_are_kept_apart_from_policies() {
        let (place, _) =
            component(&artifact("/w/plugins/tax-table/Cargo.toml", "/t/release/tax_table.wasm")).expect("a policy");
        assert_eq!(place, Path::new("tax_table.wasm"));
        let (place, _) = component(&artifact("/w/plugins/fixtures/endless/Cargo.toml", "/t/release/endless.wasm"))
            .expect("a fixture");
        assert_eq!(place, Path::new("fixtures/endless.wasm"));
        assert!(component(&artifact("/w/plugins/sdk/Cargo.toml", "/t/release/libsdk.rlib")).is_none());
        assert!(component(&serde_json::json!({ "reason": "build-finished" })).is_none());
    }

    #[test]
    fn a_directory_ends_up_with_exactly_what_was_built() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (source, out) = (dir.path().join("tax_table.wasm"), dir.path().join("policies"));
        fs::write(&source, COMPONENT).expect("written");
        fs::create_dir_all(out.join(FIXTURES)).expect("created");
        fs::write(out.join("gone.wasm"), COMPONENT).expect("written");
        fs::write(out.join("fixtures/gone.wasm"), COMPONENT).expect("written");
        let built = Built { files: BTreeMap::from([("tax_table.wasm".into(), source)]) };
        built.place(&out).expect("placed");

        assert_eq!(fs::read(out.join("tax_table.wasm")).expect("placed"), COMPONENT);
        assert!(!out.join("gone.wasm").exists() && !out.join("fixtures/gone.wasm").exists());
        assert!(!write_if_changed(&out.join("tax_table.wasm"), COMPONENT).expect("readable"), "the same already");
        assert_eq!(fs::read_dir(&out).expect("readable").count(), 2, "nothing temporary is left");
    }

    #[test]
    fn a_core_module_is_not_placed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let source = dir.path().join("core.wasm");
        fs::write(&source, b"\0asm\x01\0\0\0").expect("written");
        let built = Built { files: BTreeMap::from([("core.wasm".into(), source)]) };
        let error = built.place(&dir.path().join("out")).expect_err("no component");
        assert!(error.to_string().contains("is not a component"), "{error}");
    }
}
