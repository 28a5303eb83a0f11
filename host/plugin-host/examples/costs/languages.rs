//! The same question in several languages.

use std::path::Path;
use std::time::{Duration, Instant};

use domain::hooks::Hook;
use domain::native;
use plugin_host::Plugin;

use crate::times::{Times, micros};
use crate::{host, inputs, print};

/// How long the calls of one row may take: an interpreter makes fewer of them.
const ROW: Duration = Duration::from_secs(4);
const CALLS: usize = 20_000;
/// Guests give no memory back within an instance, so one instance does not last for ever.
const CALLS_REUSED: usize = 1_000;
const NATIVE_CALLS: usize = 200_000;
const LOADS: usize = 20;

/// A component that was built.
pub struct Guest {
    pub name: String,
    pub wasm: Vec<u8>,
    pub hook: Hook,
}

/// The reference policies, which are written in Rust. Routing comes first.
pub fn reference(policies: &Path) -> Vec<Guest> {
    let all = [
        ("routing", "routing_nearest", Hook::Routing),
        ("tax", "tax_table", Hook::Tax),
        ("risk", "risk_rules", Hook::Risk),
        ("payment", "payment_sandbox", Hook::Payment),
    ];
    let read = |name| {
        let file = policies.join(name).with_extension("wasm");
        std::fs::read(file).expect("the policies are built: `cargo xtask policies`")
    };
    all.map(|(what, name, hook)| Guest { name: format!("Rust, {what}"), wasm: read(name), hook }).into()
}

/// A routing policy in another language.
pub fn routing(name: &str, file: &Path) -> Guest {
    let wasm = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    Guest { name: name.to_owned(), wasm, hook: Hook::Routing }
}

/// Prints a row for each guest, and one for the native function.
pub async fn measure(guests: &[Guest]) {
    print(
        "| guest | component | compile | load from cache | fresh p50 | fresh p99 | reused p50 | reused p99 | fresh - reused | instructions |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    );
    print(&format!("| native function, routing | | | | {} | | | | |", native().cells()));
    for guest in guests {
        row(guest).await;
    }
}

fn native() -> Times {
    let input = inputs::routing();
    let available = |_: &_, _: &_| 100;
    let times = (0..NATIVE_CALLS).map(|_| {
        let began = Instant::now();
        std::hint::black_box(native::allocate(std::hint::black_box(&input), &available));
        began.elapsed()
    });
    Times::new(times.collect())
}

async fn row(guest: &Guest) {
    let cache = tempfile::tempdir().expect("there is a place for temporary files");
    let host = host(cache.path());
    let load = async || host.load(None, &guest.wasm, guest.hook).await.expect("the component loads");
    let began = Instant::now();
    let plugin = load().await;
    let compile = began.elapsed().as_secs_f64() * 1000.0;
    let mut loads = Vec::new();
    for _ in 0..LOADS {
        let began = Instant::now();
        load().await;
        loads.push(began.elapsed());
    }
    let (fresh, fuel) = fresh(&plugin).await;
    let reused = reused(&plugin).await;
    let again = reused.as_ref().map_or_else(|| " | ".to_owned(), Times::cells);
    let more = reused.map_or_else(String::new, |reused| micros(fresh.at(500) - reused.at(500)));
    print(&format!(
        "| {} | {:.0} kB | {compile:.0} ms | {} | {} | {again} | {more} | {fuel} |",
        guest.name,
        guest.wasm.len() as f64 / 1000.0,
        micros(Times::new(loads).at(500)),
        fresh.cells(),
    ));
}

/// Each call has an instance of its own, as the server's have.
async fn fresh(plugin: &Plugin) -> (Times, u64) {
    let (routing, tax, risk) = (inputs::routing(), inputs::tax(), inputs::risk());
    let caller = inputs::caller(1);
    let mut times = Vec::with_capacity(CALLS);
    let mut fuel = 0;
    let began = Instant::now();
    while times.len() < CALLS && began.elapsed() < ROW {
        let began = Instant::now();
        let (outcome, used) = match plugin.hook().name() {
            "routing" => told(plugin.call(caller, &routing).await),
            "tax" => told(plugin.call(caller, &tax).await),
            "risk" => told(plugin.call(caller, &risk).await),
            _ => told(plugin.describe(caller).await),
        };
        times.push(began.elapsed());
        assert_eq!(outcome, "ok", "the policies answer");
        fuel = used;
    }
    (Times::new(times), fuel)
}

fn told<T>(call: plugin_host::Call<T>) -> (&'static str, u64) {
    (call.outcome(), call.fuel)
}

async fn reused(plugin: &Plugin) -> Option<Times> {
    let caller = inputs::caller(1);
    let times = match plugin.hook().name() {
        "routing" => plugin.reuse(caller, &inputs::routing(), CALLS_REUSED).await,
        "tax" => plugin.reuse(caller, &inputs::tax(), CALLS_REUSED).await,
        "risk" => plugin.reuse(caller, &inputs::risk(), CALLS_REUSED).await,
        _ => return None,
    };
    Some(Times::new(times.unwrap_or_else(|failure| panic!("one instance is not enough: {failure}"))))
}
