//! What a guest writes, bounded.

use serde::{Deserialize, Serialize};

use crate::limits::{LOG_BYTES, LOG_LINE_BYTES, LOG_LINES};

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For the author.
    Debug,
    /// Explains a decision.
    Info,
    /// Something odd.
    Warn,
    /// Something wrong.
    Error,
}

impl Level {
    /// Every level, the gravest last.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The name in records and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line that a guest wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// The text, without control characters, cut where it was too long.
    pub message: String,
}

/// Collects the lines of one call.
#[derive(Debug, Default)]
pub struct Log {
    lines: Vec<LogLine>,
    bytes: usize,
    dropped: u64,
}

impl Log {
    /// Keeps the line as far as there is room.
    pub fn write(&mut self, level: Level, message: &str) {
        let room = LOG_BYTES - self.bytes;
        if self.lines.len() == LOG_LINES || room == 0 {
            self.dropped += 1;
            return;
        }
        let message = clean(cut(message, LOG_LINE_BYTES.min(room)));
        self.bytes += message.len();
        self.lines.push(LogLine { level, message });
    }

    /// The lines, and a last one that says how many were dropped.
    pub fn finish(mut self) -> Vec<LogLine> {
        if self.dropped > 0 {
            let message = format!(
                "{} more lines were dropped: a call may write {LOG_LINES} lines and {LOG_BYTES} bytes",
                self.dropped
            );
            self.lines.push(LogLine { level: Level::Warn, message });
        }
        self.lines
    }
}

fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// Lines end up in consoles and terminals: a guest must not move their cursor or forge a second line.
fn clean(text: &str) -> String {
    // A replacement must not be longer than what it replaces, or the cut line would grow beyond its bound.
    text.chars().map(|c| if c.is_ascii_control() { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_bytes_and_control_characters_are_bounded() {
        let mut log = Log::default();
        log.write(Level::Info, "a\nb\u{1b}[2J\u{85}");
        for _ in 0..LOG_LINES * 3 {
            log.write(Level::Debug, &"ä".repeat(LOG_LINE_BYTES));
        }
        let lines = log.finish();
        assert_eq!(lines[0].message, "a b [2J");
        assert!(lines.iter().all(|l| l.message.len() <= LOG_LINE_BYTES));
        assert!(lines.iter().take(lines.len() - 1).map(|l| l.message.len()).sum::<usize>() <= LOG_BYTES);
        assert!(lines.last().unwrap().message.contains("dropped"));
    }
}
