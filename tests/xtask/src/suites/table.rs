//! The closing table: each suite with its time.

use std::fmt::Write as _;
use std::time::Duration;

use crate::suites::Suite;

/// How a suite ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Its own output says why.
    Failed,
    /// No test matched: as it should be only where another suite had one.
    Empty,
    /// It was not run, because the named suite had not passed.
    Skipped(Suite),
}

impl Outcome {
    /// Of something that can only go well or badly.
    pub fn of(ok: bool) -> Self {
        if ok { Outcome::Passed } else { Outcome::Failed }
    }
}

/// Whether the whole run is as it should be. A filter usually meets the tests of one suite only, but a filter that
/// meets none is a mistake, and so is a suite that is empty without one.
pub fn is_success(rows: &[Row], filtered: bool) -> bool {
    let has = |outcome: Outcome| rows.iter().any(|row| row.outcome == outcome);
    let tests_ran = rows.iter().any(|row| row.suite.takes_filter() && row.outcome == Outcome::Passed);
    let all_ran = !has(Outcome::Failed) && !rows.iter().any(|row| matches!(row.outcome, Outcome::Skipped(_)));
    all_ran && (!has(Outcome::Empty) || (filtered && tests_ran))
}

/// One line of the table.
pub struct Row {
    /// What ran.
    pub suite: Suite,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, if it ran.
    pub took: Option<Duration>,
}

/// The table, with the whole time and the names of what failed at its end.
pub fn render(rows: &[Row], filtered: bool) -> String {
    let mut text = String::from("suite         time  result\n");
    for row in rows {
        let took = row.took.map_or_else(|| "-".to_owned(), minutes);
        let result = match row.outcome {
            Outcome::Passed => "passed".to_owned(),
            Outcome::Failed => "FAILED".to_owned(),
            Outcome::Empty => "no test matched".to_owned(),
            Outcome::Skipped(need) => format!("not run: {} did not pass", need.name()),
        };
        let _ = writeln!(text, "{:<10} {took:>7}  {result}", row.suite.name());
    }
    let whole = rows.iter().filter_map(|row| row.took).sum();
    let _ = write!(text, "{:<10} {:>7}  ", "all", minutes(whole));
    let names = |outcome: Outcome| {
        let rows = rows.iter().filter(move |row| row.outcome == outcome);
        rows.map(|row| row.suite.name()).collect::<Vec<_>>()
    };
    let (passed, failed) = (names(Outcome::Passed), names(Outcome::Failed));
    if is_success(rows, filtered) {
        let _ = write!(text, "{} passed", passed.len());
    } else if failed.is_empty() {
        text.push_str("FAILED: no test matched");
    } else {
        let _ = write!(text, "FAILED: {}", failed.join(", "));
    }
    text
}

/// `3:07`, minutes and seconds.
fn minutes(time: Duration) -> String {
    let seconds = time.as_millis().div_ceil(1000);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_and_added_up() {
        let row = |suite, outcome, seconds| Row { suite, outcome, took: Some(Duration::from_secs(seconds)) };
        let rows = [row(Suite::Fmt, Outcome::Passed, 2), row(Suite::Clippy, Outcome::Passed, 125)];
        let text = render(&rows, false);
        assert!(text.contains("fmt           0:02  passed"), "{text}");
        assert!(text.ends_with("all           2:07  2 passed"), "{text}");
    }

    #[test]
    fn a_filter_has_to_meet_a_test_somewhere() {
        let row = |suite, outcome| Row { suite, outcome, took: None };
        let one = [row(Suite::Unit, Outcome::Passed), row(Suite::E2e, Outcome::Empty)];
        assert!(is_success(&one, true));
        assert!(!is_success(&one, false), "an empty suite");
        let none =
            [row(Suite::Build, Outcome::Passed), row(Suite::Unit, Outcome::Empty), row(Suite::E2e, Outcome::Empty)];
        assert!(!is_success(&none, true));
        assert!(render(&none, true).ends_with("FAILED: no test matched"));
    }

    #[test]
    fn a_failure_and_what_it_kept_from_running_are_named() {
        let rows = [
            Row { suite: Suite::Build, outcome: Outcome::Failed, took: Some(Duration::from_millis(1)) },
            Row { suite: Suite::Unit, outcome: Outcome::Skipped(Suite::Build), took: None },
        ];
        let text = render(&rows, false);
        assert!(text.contains("build         0:01  FAILED"), "{text}");
        assert!(text.contains("unit             -  not run: build did not pass"), "{text}");
        assert!(text.ends_with("FAILED: build"), "{text}");
    }
}
