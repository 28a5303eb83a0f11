//! Hostile components, a folder a case: what is thrown at the host, and how it must end.
//!
//! Every folder beside this file is a test; one without a readable `expect.toml` fails. Each case is inspected, compiled in
//! the compiler process and asked twice, as far as it gets. `case.rs` says what may stand in a folder, `run.rs` what is
//! bounded for all of them whatever their own expectation.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail by panicking, as the tests do")]

mod case;
mod compiling;
mod forged;
mod generated;
#[path = "../guests/harness.rs"]
#[expect(dead_code, reason = "the other tests use all of it")]
mod harness;
mod run;
mod shapes;

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Trial};

use crate::case::Case;

fn main() {
    let arguments = Arguments::from_args();
    let folders = folders();
    let mut trials: Vec<Trial> = folders
        .iter()
        .map(|folder| {
            let (name, folder) = (folder.file_name().unwrap().to_string_lossy().into_owned(), folder.clone());
            Trial::test(name, move || Ok(run::run(&Case::read(&folder)?)?))
        })
        .collect();
    trials.push(Trial::test("every_fixture_and_generator_is_a_case", move || Ok(nothing_is_left_out(&folders)?)));
    libtest_mimic::run(&arguments, trials).exit();
}

fn folders() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut folders: Vec<_> =
        std::fs::read_dir(here).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// What was built to be hostile is used: a fixture or a generator without a case tests nothing.
fn nothing_is_left_out(folders: &[PathBuf]) -> Result<(), String> {
    let cases = folders.iter().map(|folder| Case::read(folder)).collect::<Result<Vec<_>, _>>()?;
    let built = std::fs::read_dir(harness::profile_dir().join("policies/fixtures")).unwrap();
    let built: Vec<_> =
        built.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    if built.is_empty() {
        return Err("there are no fixtures: run `cargo xtask policies`".to_owned());
    }
    // Not all of them are hostile: some use everything that the contract has.
    let elsewhere =
        [include_str!("../guests/worlds.rs"), include_str!("../../../../tests/e2e/tests/platform/adapters.rs")];
    let used = |name: &str| {
        cases.iter().any(|case| case.fixture.as_ref().is_some_and(|f| format!("fixture_{f}") == name))
            || elsewhere.iter().any(|tests| tests.contains(&format!("(\"{name}\"")))
    };
    let generated = |name: &str| cases.iter().any(|case| case.generated.as_deref() == Some(name));
    let fixtures = built.iter().map(String::as_str).filter(|name| !used(name));
    let generators = generated::ALL.iter().map(|(name, _)| *name).filter(|name| !generated(name));
    let left: Vec<_> = fixtures.chain(generators).collect();
    if left.is_empty() { Ok(()) } else { Err(format!("no case uses {}", left.join(", "))) }
}
