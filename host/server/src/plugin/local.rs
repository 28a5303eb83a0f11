//! Components on this machine: checked, compiled and asked without any server.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use app::plugins::offline;
use plugin_host::limits::Limits;
use plugin_host::{Config, Host, Plugin};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value, json};

use super::progress;
use crate::instance;

/// How many compiled components are kept: those of the last builds. One of Python's takes 60 MB.
const KEPT: usize = 8;

/// A host with a cache of its own below the user's.
pub fn host() -> anyhow::Result<Host> {
    let folder = cache_folder()?;
    let compiled = folder.join("compiled");
    // What lies there is run: nobody else may write it.
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&compiled);
    made.with_context(|| format!("{} cannot be made", compiled.display()))?;
    forget_old(&compiled)?;
    let limits = Limits::default();
    Ok(Host::new(Config { cache_dir: compiled, cache_key: key(&folder)?, compiler: instance::compiler()?, limits })?)
}

/// Reads a component.
pub fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// Checks and compiles a component.
///
/// # Errors
/// With every reason, where it is none that can be run.
pub async fn load(host: &Host, file: &Path, is_quiet: bool) -> anyhow::Result<Plugin> {
    let wasm = read(file)?;
    let refused = || format!("{} is refused", file.display());
    let found = plugin_host::inspect(&wasm).with_context(refused)?;
    let bar = progress(is_quiet, "compiling");
    let plugin = host.load(None, &wasm, found.hook).await.with_context(refused)?;
    bar.finish_and_clear();
    Ok(plugin)
}

/// Asks a component, and describes the call as the server's dry run does.
pub async fn ask(plugin: &Plugin, input: &str) -> anyhow::Result<Value> {
    let ran = offline::ask(plugin, input).await?;
    let output: Value = ran.output.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
    let logs: Value = serde_json::from_str(&ran.logs)?;
    Ok(json!({
        "outcome": ran.outcome,
        "output": output,
        "error": ran.error,
        "fuel": ran.fuel,
        "duration_us": ran.duration_us,
        "logs": logs,
    }))
}

fn cache_folder() -> anyhow::Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    match cache {
        Some(cache) => Ok(cache.join("orderwright")),
        None => bail!("neither XDG_CACHE_HOME nor HOME says where to keep what is compiled"),
    }
}

/// The key that the compiled components are signed with, made on first use.
fn key(folder: &Path) -> anyhow::Result<[u8; 32]> {
    let path = folder.join("key");
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).ok().context("the system gives no random numbers")?;
    let fresh = folder.join(format!("key.{}", std::process::id()));
    // Linked into place as a whole: of two that begin at once the first one's counts.
    let placed = fs::File::options().write(true).create_new(true).mode(0o600).open(&fresh).and_then(|mut file| {
        file.write_all(&key)?;
        fs::hard_link(&fresh, &path)
    });
    // It may not have been made, and it is not needed any more.
    let _ = fs::remove_file(&fresh);
    match placed {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("{} cannot be written", path.display()))
        }
        _ => {
            let kept = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            kept.try_into().ok().with_context(|| format!("{} is damaged: remove it", path.display()))
        }
    }
}

fn forget_old(compiled: &Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(compiled)?.flatten();
    let mut files: Vec<(SystemTime, PathBuf)> =
        entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
    files.sort();
    let surplus = files.len().saturating_sub(KEPT);
    for (_, path) in files.into_iter().take(surplus) {
        // Another run may have been quicker.
        let _ = fs::remove_file(path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let first = key(folder.path()).unwrap();
        assert_eq!(key(folder.path()).unwrap(), first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(folder.path().join("key"), "short").unwrap();
        assert!(key(folder.path()).unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn only_the_newest_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..KEPT + 3 {
            let file = fs::File::create(folder.path().join(number.to_string())).unwrap();
            let seconds = u64::try_from(number).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
        }
        forget_old(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), KEPT);
        assert!(!folder.path().join("2").exists() && folder.path().join("3").exists());
    }
}
