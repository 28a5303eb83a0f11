//! Compiled components are kept, and only the host's own are run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use domain::hooks::Hook;
use plugin_host::limits::Limits;
use plugin_host::{Config, Error, Host};
use tempfile::TempDir;

use crate::harness::{Fixture, caller, component, host, tax_input};

fn only_file(dir: &Path) -> PathBuf {
    let files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().unwrap()
}

/// A host whose compiler cannot run: what it loads comes from the cache.
fn host_without_compiler(dir: &Path, cache_key: [u8; 32]) -> Host {
    let compiler = Box::new(|| Command::new("/nonexistent/compiler"));
    Host::new(Config { cache_dir: dir.to_owned(), cache_key, compiler, limits: Limits::default() }).unwrap()
}

async fn loads(host: &Host) -> Result<(), Error> {
    let plugin = host.load(None, &component("tax_table"), Hook::Tax).await?;
    plugin.call(caller(), &tax_input()).await.result.unwrap();
    Ok(())
}

#[tokio::test]
async fn what_was_compiled_once_is_not_compiled_again() {
    let dir = TempDir::new().unwrap();
    loads(&host(dir.path(), [7; 32], Limits::default())).await.unwrap();
    loads(&host_without_compiler(dir.path(), [7; 32])).await.unwrap();
}

#[tokio::test]
async fn many_load_the_same_at_once() {
    let fixture = Fixture::new();
    let mut loading = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let host = fixture.host.clone();
        loading.spawn(async move { loads(&host).await });
    }
    while let Some(loaded) = loading.join_next().await {
        loaded.unwrap().unwrap();
    }
    only_file(fixture.dir.path());
}

#[tokio::test]
async fn a_compiler_that_does_not_end_is_killed() {
    let dir = TempDir::new().unwrap();
    let compiler = Box::new(|| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo $$ > \"$2.pid\"; exec sleep 1000", "sh"]);
        command
    });
    let limits = Limits { compiler_wall: Duration::from_millis(300), ..Limits::default() };
    let host = Host::new(Config { cache_dir: dir.path().to_owned(), cache_key: [7; 32], compiler, limits }).unwrap();
    let error = host.load(None, &component("tax_table"), Hook::Tax).await.unwrap_err();
    assert!(matches!(error, Error::TooCostly(_)), "{error}");
    let pid = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "pid"));
    let pid = fs::read_to_string(pid.unwrap()).unwrap();
    let process = PathBuf::from(format!("/proc/{}", pid.trim()));
    // The kill is sent at once; the process is gone when the runtime has reaped it.
    while fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
