//! Named points at which the fault tests kill this process, as a power cut would: without a word.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;

/// `point` or `point:n`: the n-th passage of the point is the last thing that this process does.
const VARIABLE: &str = "ORDERWRIGHT_KILL_AT";

/// Arms the point that the environment names.
///
/// # Errors
/// Where the value is malformed.
pub fn arm() -> anyhow::Result<()> {
    let Ok(value) = std::env::var(VARIABLE) else { return Ok(()) };
    let (point, nth) = value.split_once(':').unwrap_or((&value, "1"));
    let nth: u64 = nth.parse().with_context(|| format!("{VARIABLE} must be `point` or `point:n`"))?;
    let passed = AtomicU64::new(0);
    let kill = move || {
        if passed.fetch_add(1, Ordering::SeqCst) + 1 == nth {
            let killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            killed.expect("a process may kill itself");
            // The signal takes effect on the way back from the system; nothing must be done meanwhile.
            loop {
                std::hint::spin_loop();
            }
        }
    };
    fail::cfg_callback(point, kill).map_err(|error| anyhow::anyhow!("{VARIABLE}: {error}"))?;
    tracing::warn!(point, nth, "this process kills itself at a named point");
    Ok(())
}
