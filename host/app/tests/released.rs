//! Components of every released revision of the contract, as they were built then, go on being taken and keep the laws.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use app::plugins::offline;
use domain::hooks::Hook;
use plugin_host::limits::Limits;
use plugin_host::{Config, Host};

fn compiler() -> Command {
    let exe = std::env::current_exe().unwrap();
    let compiler = exe.ancestors().map(|folder| folder.join("compile-policy")).find(|file| file.is_file());
    Command::new(compiler.expect("the compiler is built with the tests"))
}

/// `<version>/<hook>.wasm` below `released/`.
fn released() -> Vec<(String, String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released");
    let mut all = Vec::new();
    for version in std::fs::read_dir(root).unwrap() {
        let folder = version.unwrap().path();
        let version = folder.file_name().unwrap().to_string_lossy().into_owned();
        for file in std::fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            all.push((version.clone(), file.file_stem().unwrap().to_string_lossy().into_owned(), file));
        }
    }
    all.sort();
    all
}

#[tokio::test]
async fn components_of_every_release_are_taken_for_ever() {
    let cache = tempfile::tempdir().unwrap();
    let host = Host::new(Config {
        cache_dir: cache.path().to_owned(),
        cache_key: [3; 32],
        compiler: Box::new(compiler),
        limits: Limits::default(),
    })
    .unwrap();
    let mut worlds = BTreeSet::new();
    for (version, hook, file) in released() {
        let wasm = std::fs::read(&file).unwrap();
        let (found, report) = offline::examine(&host, &wasm).await.unwrap();
        let found = found.unwrap_or_else(|| panic!("{version} {hook}: {:?}", report.reasons));
        assert_eq!((found.wit_version.as_str(), found.hook.name()), (version.as_str(), hook.as_str()));
        assert!(report.reasons.is_empty(), "{version} {hook}: {:?}", report.reasons);
        worlds.insert((version, hook));
    }
    // Each world of each released folder has one.
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    for version in std::fs::read_dir(wit).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let name = version.file_name().unwrap().to_string_lossy().into_owned();
        for hook in Hook::ALL.map(Hook::name) {
            let is_there = version.join(hook).with_extension("wit").is_file();
            assert_eq!(is_there, worlds.contains(&(name.clone(), hook.to_owned())), "{name} {hook}");
        }
    }
}
