//! How long many calls took.

use std::time::Duration;

/// Durations in their order.
pub struct Times(Vec<Duration>);

impl Times {
    /// At least one.
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// Of a thousand so many took no longer, in microseconds.
    pub fn at(&self, permille: usize) -> f64 {
        self.0[self.0.len() * permille / 1000].as_secs_f64() * 1e6
    }

    /// Two cells of a table: p50 and p99.
    pub fn cells(&self) -> String {
        format!("{} | {}", micros(self.at(500)), micros(self.at(990)))
    }
}

/// As many digits as mean something.
pub fn micros(value: f64) -> String {
    match value {
        few if few < 100.0 => format!("{few:.1} µs"),
        some if some < 10_000.0 => format!("{some:.0} µs"),
        many => format!("{:.0} ms", many / 1000.0),
    }
}
