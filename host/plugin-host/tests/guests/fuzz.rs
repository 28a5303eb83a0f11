//! Thousands of damaged components: each is refused with a reason, or runs within its bounds. The host never panics and
//! never hangs, whatever it is given.
//!
//! What is damaged, and how, follows from a number that a failure prints; `ORDERWRIGHT_FUZZ_SEED` runs the same again.

mod damage;

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use domain::hooks::Hook;
use plugin_host::limits::Limits;
use plugin_host::{Error, inspect};

use crate::harness::{Fixture, caller, component, profile_dir, question, tax_input};

/// Runs one of them again.
const SEED: &str = "ORDERWRIGHT_FUZZ_SEED";
/// Damaged components that are inspected in a plain run. The scale of `cargo xtask test` multiplies them.
const INSPECTED: u64 = 60_000;
/// Damaged components of which those are compiled and asked that pass the inspection, about half. Each takes a process.
const COMPILED: u64 = 250;
/// The longest that one inspection may take, in a debug build on a machine with other things to do.
const INSPECTED_WITHIN: Duration = Duration::from_secs(5);
/// The longest from a component to an answer.
const ASKED_WITHIN: Duration = Duration::from_secs(60);

/// Every component that was built, with the hook that it serves.
fn sound() -> Vec<(String, Vec<u8>, Hook)> {
    let built = |folder: &str| {
        let entries = std::fs::read_dir(profile_dir().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let names = entries.filter(|path| path.extension().is_some_and(|extension| extension == "wasm"));
        names.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let mut names = [built("policies"), built("policies/fixtures")].concat();
    names.sort();
    let known = |name: String| {
        let wasm = component(&name);
        let hook = inspect(&wasm).unwrap_or_else(|refusal| panic!("{name} is refused: {refusal}")).hook;
        (name, wasm, hook)
    };
    names.into_iter().map(known).collect()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// The numbers of so many damaged components, times the scale; or of the one that is asked for.
fn seeds(plain: u64) -> std::ops::Range<u64> {
    match number(SEED) {
        Some(seed) => seed..seed + 1,
        None => 0..plain * number("ORDERWRIGHT_TEST_SCALE").unwrap_or(1),
    }
}

#[test]
fn every_damaged_component_is_refused_with_a_reason_or_described() {
    let sound = sound();
    let mut refused = 0;
    for seed in seeds(INSPECTED) {
        let (name, wasm, what) = damage::pick(seed, &sound);
        let began = Instant::now();
        let outcome = catch_unwind(|| inspect(&wasm));
        let which = || format!("{SEED}={seed}: {name}, {what}");
        match outcome.unwrap_or_else(|_| panic!("{}: the inspection panicked", which())) {
            Ok(inspection) => assert_eq!(inspection.size, wasm.len(), "{}", which()),
            Err(refusal) => {
                refused += 1;
                let said = refusal.to_string();
                assert!(!said.is_empty() && said.len() < 8192, "{}: {said}", which());
                assert!(!said.contains(char::is_control), "{}: {said:?}", which());
            }
        }
        assert!(began.elapsed() < INSPECTED_WITHIN, "{}: {:?}", which(), began.elapsed());
    }
    assert!(number(SEED).is_some() || refused > 0, "no damage was noticed");
}

#[tokio::test]
async fn what_passes_the_inspection_is_compiled_and_asked_within_bounds() {
    let sound = sound();
    let fixture = Fixture::with(Limits { compiler_wall: ASKED_WITHIN, ..Limits::default() });
    let (mut asked, mut failed) = (0, 0);
    for seed in seeds(COMPILED) {
        let (name, wasm, what) = damage::pick(seed, &sound);
        let Ok(inspection) = inspect(&wasm) else { continue };
        let which = || format!("{SEED}={seed}: {name}, {what}");
        let began = Instant::now();
        match fixture.host.load(None, &wasm, inspection.hook).await {
            Ok(plugin) => {
                let Some(question) = question(inspection.hook, "{}") else { continue };
                let call = plugin.ask(caller(), &question).await.unwrap();
                if let Err(failure) = &call.result {
                    failed += 1;
                    assert!(!failure.to_string().is_empty(), "{}", which());
                }
                asked += 1;
            }
            Err(error @ (Error::Refused(_) | Error::Invalid(_) | Error::TooCostly(_))) => {
                failed += 1;
                assert!(!error.to_string().contains(char::is_control), "{}: {error:?}", which());
            }
            Err(error) => panic!("{}: {error}", which()),
        }
        assert!(began.elapsed() < ASKED_WITHIN, "{}: {:?}", which(), began.elapsed());
    }
    // The host is as it was.
    let call = fixture.load("tax_table", Hook::Tax).await.call(caller(), &tax_input()).await;
    call.result.unwrap();
    assert!(number(SEED).is_some() || failed > 0 && asked > 0, "{asked} were asked, {failed} failed");
}
