//! Compiled code that is not what the host made of this component. A host that cannot compile must not run it; one that
//! can compiles again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use domain::hooks::Hook;
use plugin_host::limits::Limits;
use plugin_host::{Config, Error, Host};
use serde::Deserialize;

use crate::harness::{Fixture, component, host};
use crate::run::End;

const KEY: [u8; 32] = [7; 32];

/// How the code is forged.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forgery {
    /// Bits of the tag and of the code are flipped, and the file is cut.
    Tampered,
    /// It is genuine, but made and signed by a host with another key.
    OtherHost,
    /// It is genuine, but of another component.
    OtherComponent,
}

/// `compiled_again` where the forgery was noticed each time.
pub async fn end(forgery: Forgery, fixture: &Fixture, wasm: &[u8], hook: Hook) -> Result<End, String> {
    let dir = fixture.dir.path();
    fixture.host.load(None, wasm, hook).await.map_err(|error| error.to_string())?;
    let path = only_file(dir);
    let genuine = fs::read(&path).unwrap();
    let files = match forgery {
        Forgery::Tampered => tampered(&genuine),
        Forgery::OtherHost => {
            let elsewhere = tempfile::tempdir().unwrap();
            let other = host(elsewhere.path(), [8; 32], Limits::default());
            other.load(None, wasm, hook).await.map_err(|error| error.to_string())?;
            vec![fs::read(only_file(elsewhere.path())).unwrap()]
        }
        Forgery::OtherComponent => {
            let elsewhere = Fixture::with(Limits::default());
            elsewhere.host.load(None, &component("risk_rules"), Hook::Risk).await.map_err(|error| error.to_string())?;
            vec![fs::read(only_file(elsewhere.dir.path())).unwrap()]
        }
    };
    for (number, file) in files.iter().enumerate() {
        fs::write(&path, file).unwrap();
        match without_compiler(dir).load(None, wasm, hook).await {
            Err(Error::Io(_)) if !path.exists() => {}
            Err(Error::Io(_)) => return Err(format!("forgery {number} stayed")),
            other => return Err(format!("forgery {number}: {other:?}")),
        }
        fs::write(&path, file).unwrap();
        fixture.host.load(None, wasm, hook).await.map_err(|error| format!("forgery {number}: {error}"))?;
        without_compiler(dir).load(None, wasm, hook).await.map_err(|error| format!("forgery {number}: {error}"))?;
    }
    Ok(End { how: "compiled_again", said: format!("{} forgeries", files.len()) })
}

fn tampered(genuine: &[u8]) -> Vec<Vec<u8>> {
    let flipped = |at: usize| {
        let mut bytes = genuine.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let cut = |length: usize| genuine[..length].to_vec();
    vec![flipped(0), flipped(40), flipped(genuine.len() - 1), cut(genuine.len() / 2), cut(31), vec![]]
}

/// A host whose compiler cannot run: what it loads comes from the cache.
fn without_compiler(dir: &Path) -> Host {
    let compiler = Box::new(|| Command::new("/nonexistent/compiler"));
    Host::new(Config { cache_dir: dir.to_owned(), cache_key: KEY, compiler, limits: Limits::default() }).unwrap()
}

fn only_file(dir: &Path) -> PathBuf {
    let files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().unwrap()
}
