//! Processor time, as the kernel accounts for it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Processor time of the parties of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    pub server: Duration,
    /// The server's children: the sandbox payment provider.
    pub children: Duration,
    pub client: Duration,
}

/// Reads what was used between two moments.
pub struct Meter {
    server: Option<u32>,
    before: Used,
}

impl Meter {
    /// Begins; without a server of our own only the client is measured.
    pub fn start(server: Option<u32>) -> Self {
        Self { server, before: now(server) }
    }

    /// What was used since.
    pub fn read(&self) -> Used {
        let now = now(self.server);
        Used {
            server: now.server.saturating_sub(self.before.server),
            children: now.children.saturating_sub(self.before.children),
            client: now.client.saturating_sub(self.before.client),
        }
    }
}

fn now(server: Option<u32>) -> Used {
    let own = of(std::process::id()).unwrap_or_default();
    let Some(server) = server else { return Used { client: own, ..Used::default() } };
    let children = children(server).into_iter().filter_map(of).sum();
    Used { server: of(server).unwrap_or_default(), children, client: own }
}

/// The processes that this one started.
pub fn children(parent: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| field(*pid, 1) == Some(u64::from(parent))).collect()
}

/// User and system time of all threads.
fn of(pid: u32) -> Option<Duration> {
    let ticks = field(pid, 11)? + field(pid, 12)?;
    let per_second = rustix::param::clock_ticks_per_second();
    Some(Duration::from_micros(ticks * 1_000_000 / per_second))
}

/// A field of `/proc/PID/stat`, counted from the one after the name, which may hold blanks and parentheses.
fn field(pid: u32, index: usize) -> Option<u64> {
    let stat = fs::read_to_string(PathBuf::from(format!("/proc/{pid}/stat"))).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(index)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_and_children_are_seen() {
        let meter = Meter::start(Some(std::process::id()));
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        assert!(children(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut sum = 0u64;
        while meter.read().server.is_zero() {
            sum = std::hint::black_box(sum).wrapping_add(1);
        }
        assert!(sum > 0 && meter.read().client >= meter.read().server / 2);
    }
}
