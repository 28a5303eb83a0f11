//! A case as the host meets it, and what holds for every case.

use std::fs;
use std::time::{Duration, Instant};

use plugin_host::limits::{self, Limits};
use plugin_host::{Call, Error, Failure, Host, inspect};

use crate::case::Case;
use crate::forged;
use crate::harness::{Fixture, caller, question};

/// The longest that an inspection may take: it is done while the merchant waits. A debug build needs most of it.
const INSPECTED_WITHIN: Duration = Duration::from_secs(10);
/// How much longer than its own limit a compiler or a call may take on a machine that has other things to do.
const SLACK: Duration = Duration::from_secs(30);
/// The longest refusal or failure: a merchant reads it.
const SENTENCE_BYTES_MAX: usize = 4096;
/// By how much the host's own memory may grow: a few times the largest component, a call's memory and its answer. What the
/// compiler takes is another process's.
const GROWTH_BYTES_MAX: u64 = 512 << 20;

/// How a case ended, and the words with it.
pub struct End {
    pub how: &'static str,
    pub said: String,
}

impl End {
    fn new(how: &'static str, said: impl ToString) -> Self {
        Self { how, said: said.to_string() }
    }
}

/// Runs a case and holds it against its expectation.
pub fn run(case: &Case) -> Result<(), String> {
    let wasm = case.component()?;
    let before = memory_peak();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let end = runtime.block_on(end(case, &wasm))?;
    let growth = memory_peak().saturating_sub(before);
    let End { how, said } = &end;
    // Shown with `--success-output immediate`, for whoever writes a case.
    eprintln!("{how}, {} MiB more: {}", growth >> 20, said.chars().take(500).collect::<String>());
    if !case.ends.iter().any(|wanted| wanted == how) {
        return Err(format!("it ended with `{how}`, not {:?}: {said}", case.ends));
    }
    if let Some(missing) = case.says.iter().find(|part| !said.contains(*part)) {
        return Err(format!("`{missing}` is not said: {said}"));
    }
    let sentence = said.lines().next().unwrap_or_default();
    if sentence.is_empty() || *how != "ok" && sentence.len() > SENTENCE_BYTES_MAX {
        return Err(format!("what is said has {} bytes", sentence.len()));
    }
    if growth > GROWTH_BYTES_MAX {
        return Err(format!("the host's memory grew by {growth} bytes"));
    }
    Ok(())
}

async fn end(case: &Case, wasm: &[u8]) -> Result<End, String> {
    let began = Instant::now();
    let inspected = inspect(wasm);
    within(began, INSPECTED_WITHIN, "inspecting")?;
    if let Err(refusal) = inspected {
        return Ok(End::new("refused", refusal));
    }
    let fixture = Fixture::with(Limits::default());
    if let Some(forgery) = case.forged {
        return forged::end(forgery, &fixture, wasm, case.hook).await;
    }
    load_and_ask(case, &fixture.host, wasm).await
}

async fn load_and_ask(case: &Case, host: &Host, wasm: &[u8]) -> Result<End, String> {
    let began = Instant::now();
    let loaded = host.load(None, wasm, case.hook).await;
    // The limit of processor time ends it sooner, unless it waits for a processor.
    within(began, limits::COMPILER_WALL + SLACK, "compiling")?;
    let plugin = match loaded {
        Ok(plugin) => plugin,
        Err(Error::Refused(refusal)) => return Ok(End::new("refused", refusal)),
        Err(error @ Error::Invalid(_)) => return Ok(End::new("invalid", error)),
        Err(error @ Error::TooCostly(_)) => return Ok(End::new("too_costly", error)),
        Err(error) => return Err(format!("the host failed: {error}")),
    };
    let question =
        question(case.hook, &case.config).ok_or_else(|| format!("no question for `{}`", case.hook.name()))?;
    let mut calls = Vec::new();
    for _ in 0..2 {
        let began = Instant::now();
        calls.push(plugin.ask(caller(), &question).await.map_err(|error| error.to_string())?);
        within(began, limits::WALL + limits::QUEUE_WAIT + SLACK, "the call")?;
    }
    let [first, second] = calls.try_into().map_err(|_| "it is asked twice")?;
    bounded(&first)?;
    same_again(&first, &second)?;
    let logs: Vec<_> = first.logs.iter().map(|line| line.message.as_str()).collect();
    let said = match &first.result {
        Ok(()) => first.output_json.clone().unwrap_or_default(),
        Err(failure) => failure.to_string(),
    };
    Ok(End::new(first.outcome(), format!("{said}\n{}", logs.join("\n"))))
}

fn within(began: Instant, most: Duration, what: &str) -> Result<(), String> {
    let took = began.elapsed();
    if took <= most { Ok(()) } else { Err(format!("{what} took {took:?}, more than {most:?}")) }
}

/// What a decision keeps of any call.
fn bounded(call: &Call<()>) -> Result<(), String> {
    let bytes: usize = call.logs.iter().map(|line| line.message.len()).sum();
    // The last line may say how many were dropped.
    if call.logs.len() > limits::LOG_LINES + 1 || bytes > limits::LOG_BYTES + limits::LOG_LINE_BYTES {
        return Err(format!("it could log {} lines, {bytes} bytes", call.logs.len()));
    }
    if call.logs.iter().any(|line| line.message.contains(char::is_control)) {
        return Err("it could log a control character".to_owned());
    }
    // Escaping can make JSON longer than what was answered, and the names of its fields are added.
    match &call.output_json {
        Some(json) if json.len() > 8 * limits::OUTPUT_BYTES => Err(format!("it could answer {} bytes", json.len())),
        _ => Ok(()),
    }
}

/// The same question has the same answer, at the same price. Only the clock answers differently.
fn same_again(first: &Call<()>, second: &Call<()>) -> Result<(), String> {
    let told = |call: &Call<()>| format!("{:?} {:?} {:?}", call.result, call.logs, call.output_json);
    let by_clock = |call: &Call<()>| matches!(call.result, Err(Failure::TimedOut));
    if by_clock(first) || by_clock(second) {
        return Ok(());
    }
    if (told(first), first.fuel) != (told(second), second.fuel) {
        return Err(format!("asked again it ended otherwise: {} and {}", told(first), told(second)));
    }
    Ok(())
}

/// The most memory that this process has had, in bytes.
fn memory_peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
