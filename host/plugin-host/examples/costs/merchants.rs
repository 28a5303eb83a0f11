//! Many merchants, each with a component of its own.

use std::time::{Duration, Instant};

use plugin_host::Plugin;

use crate::languages::Guest;
use crate::times::{Times, micros};
use crate::{host, inputs, print};

/// How often each merchant's policy is asked after the first time.
const ROUNDS: usize = 5;
/// What all of them together may take.
const MEMORY_MB: u64 = 2048;

/// Loads a component for each merchant, and asks them in turn.
pub async fn measure(guest: &Guest, merchants: usize) {
    let cache = tempfile::tempdir().expect("there is a place for temporary files");
    // Compiled beforehand, so that what is measured is what a server has that starts on a full cache.
    let compiling = host(cache.path());
    let components: Vec<_> = (0..merchants).map(|merchant| own(&guest.wasm, merchant)).collect();
    let began = Instant::now();
    for wasm in &components {
        compiling.load(None, wasm, guest.hook).await.expect("the component compiles");
    }
    let compile = began.elapsed().as_secs_f64();
    drop(compiling);

    let host = host(cache.path());
    let before = resident_mb();
    let mut plugins = Vec::with_capacity(merchants);
    let mut loads = Vec::with_capacity(merchants);
    for wasm in &components {
        let began = Instant::now();
        plugins.push(host.load(None, wasm, guest.hook).await.expect("the component loads"));
        loads.push(began.elapsed());
    }
    let loaded = resident_mb();
    let cold = round(&plugins).await;
    let mut warm = Vec::new();
    for _ in 0..ROUNDS {
        warm.extend(round(&plugins).await);
    }
    let called = resident_mb();
    let mut same = Vec::new();
    for _ in 0..merchants * ROUNDS {
        same.extend(round(&plugins[..1]).await);
    }
    let row = |what: &str, times: Vec<Duration>| print(&format!("| {what} | {} |", Times::new(times).cells()));
    print(&format!(
        "\n{merchants} merchants, each with a component of its own ({}):\n\n| | p50 | p99 |\n|---|--:|--:|",
        guest.name
    ));
    row("load from cache", loads);
    row("first call", cold);
    row("later calls, the merchants in turn", warm);
    row("later calls of one merchant", same);
    print(&format!(
        "\nCompiling them one after the other took {compile:.0} s, {} each. Resident memory grew by {} MB with all loaded, and by {} MB with all \
         called; the limit is {MEMORY_MB} MB.",
        micros(compile * 1e6 / merchants as f64),
        loaded.saturating_sub(before),
        called.saturating_sub(before),
    ));
    assert!(called.saturating_sub(before) <= MEMORY_MB, "they take more memory than they may");
}

/// Asks each of them once.
async fn round(plugins: &[Plugin]) -> Vec<Duration> {
    let input = inputs::routing();
    let mut times = Vec::with_capacity(plugins.len());
    for (merchant, plugin) in (1..).zip(plugins) {
        let began = Instant::now();
        let call = plugin.call(inputs::caller(merchant), &input).await;
        times.push(began.elapsed());
        call.result.expect("the policies answer");
    }
    times
}

/// The component with a section of its own that means nothing, so that its digest is its own.
fn own(wasm: &[u8], merchant: usize) -> Vec<u8> {
    let content = format!("\x08merchant{merchant:08}");
    let length = u8::try_from(content.len()).expect("a short section");
    [wasm, &[0, length], content.as_bytes()].concat()
}

/// What this process has of the machine's memory.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}
