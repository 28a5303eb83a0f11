//! What the figures were taken on.

use std::fs;

use serde::Serialize;

/// The machine and the moment.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub memory_mb: u64,
    pub kernel: String,
    /// UTC.
    pub date: String,
}

impl Machine {
    /// This machine, now.
    pub fn look() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let cpu = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let meminfo = read("/proc/meminfo");
        let kilobytes = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next());
        let date = jiff::Timestamp::now().to_string();
        Self {
            cpu: cpu.map_or("unknown", |(_, name)| name.trim()).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            memory_mb: kilobytes.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            date: format!("{} UTC", date.get(..16).unwrap_or(&date).replace('T', " ")),
        }
    }
}

/// How much of the machine's time another tenant of its host took, and how busy it was before we began.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}
