//! Everything that `cargo xtask test` runs, in which order, and how it is summed up.
//!
//! Dependencies are compiled twice at most: once checked (clippy and doc share that), once built. Build, unit, doctest
//! and e2e therefore select the same packages with the same features; the tests to run are chosen afterwards.

mod runner;
mod table;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::ValueEnum;

use crate::packages;
use crate::policies;
use crate::suites::runner::{Runner, Tests};
use crate::suites::table::{Outcome, Row};
use crate::workspace::Workspace;

/// A part of the whole test run. The order here is the order of running: what fails soonest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Suite {
    /// Formatting of host and policies
    Fmt,
    /// The policies, built as components
    Policies,
    /// Lints of the host, warnings refused
    Clippy,
    /// Documentation of the host, warnings refused
    Doc,
    /// Unit tests and lints of the policies, on the host's own target
    Plugins,
    /// Everything that the suites below run
    Build,
    /// Tests of all crates but the end-to-end one
    Unit,
    /// Examples in the documentation
    Doctest,
    /// A real server, real processes, a real browser
    E2e,
}

impl Suite {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether names of tests mean something to it.
    fn takes_filter(self) -> bool {
        matches!(self, Suite::Unit | Suite::E2e)
    }

    /// What has to have passed before.
    fn needs(self) -> &'static [Suite] {
        match self {
            Suite::Unit | Suite::E2e => &[Suite::Policies, Suite::Build],
            Suite::Doctest => &[Suite::Build],
            _ => &[],
        }
    }
}

/// What the command line asks for.
pub struct Options {
    /// Multiplies fuzz cases and kill rounds.
    pub scale: u32,
    /// Nothing means everything.
    pub only: Vec<Suite>,
    /// A part of the names of the tests to run.
    pub filter: Option<String>,
}

/// Runs the suites; one that fails does not keep the others from running, unless they need it.
pub fn test(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let plan = plan(&options.only, options.filter.is_some());
    let runner = Runner::new(workspace, options.scale);
    run(workspace, &runner, &plan, options.filter.as_deref(), Tests::EndToEnd)
}

/// Runs the crash and fault suites of e2e for long.
pub fn soak(workspace: &Workspace, scale: u32, filter: Option<String>) -> Result<ExitCode> {
    let runner = Runner::new(workspace, scale).for_long();
    run(workspace, &runner, &plan(&[Suite::E2e], false), filter.as_deref(), Tests::Faults)
}

fn run(
    workspace: &Workspace,
    runner: &Runner<'_>,
    plan: &[Suite],
    filter: Option<&str>,
    end_to_end: Tests,
) -> Result<ExitCode> {
    if plan.contains(&Suite::E2e) || plan.contains(&Suite::Unit) {
        packages::install_for_tests(plan.contains(&Suite::E2e))?;
    }
    let mut rows: Vec<Row> = Vec::new();
    for &suite in plan {
        let unmet = suite.needs().iter().find(|need| !passed(&rows, **need));
        if let Some(unmet) = unmet {
            rows.push(Row { suite, outcome: Outcome::Skipped(*unmet), took: None });
            continue;
        }
        eprintln!("\n=== {} ===", suite.name());
        let start = Instant::now();
        let outcome = match suite {
            Suite::Fmt => runner.fmt().map(Outcome::of),
            Suite::Policies => build_policies(workspace),
            Suite::Clippy => runner.clippy().map(Outcome::of),
            Suite::Doc => runner.doc().map(Outcome::of),
            Suite::Plugins => runner.plugins().map(Outcome::of),
            Suite::Build => runner.build().map(Outcome::of),
            Suite::Unit => runner.tests(Tests::Unit, filter),
            Suite::Doctest => runner.doctest().map(Outcome::of),
            Suite::E2e => runner.tests(end_to_end, filter),
        };
        let outcome = outcome.unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Outcome::Failed
        });
        rows.push(Row { suite, outcome, took: Some(start.elapsed()) });
    }
    let filtered = filter.is_some();
    eprintln!("\n{}", table::render(&rows, filtered));
    Ok(if table::is_success(&rows, filtered) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn passed(rows: &[Row], suite: Suite) -> bool {
    rows.iter().any(|row| row.suite == suite && row.outcome == Outcome::Passed)
}

fn build_policies(workspace: &Workspace) -> Result<Outcome> {
    policies::build(workspace, false)?.place(&workspace.policies_dir("debug"))?;
    Ok(Outcome::Passed)
}

/// The suites to run with what they need, in order.
fn plan(only: &[Suite], filtered: bool) -> Vec<Suite> {
    let asked = match (only, filtered) {
        ([], false) => Suite::value_variants(),
        ([], true) => &[Suite::Unit, Suite::E2e],
        (only, _) => only,
    };
    let mut plan: Vec<Suite> = asked.iter().flat_map(|suite| suite.needs().iter().chain([suite])).copied().collect();
    plan.sort();
    plan.dedup();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_wish_everything_runs_in_order() {
        assert_eq!(plan(&[], false), Suite::value_variants());
    }

    #[test]
    fn a_suite_brings_what_it_needs() {
        assert_eq!(plan(&[Suite::E2e], false), [Suite::Policies, Suite::Build, Suite::E2e]);
        assert_eq!(plan(&[Suite::Doc, Suite::Fmt], false), [Suite::Fmt, Suite::Doc]);
    }

    #[test]
    fn the_name_of_a_test_is_looked_for_where_tests_are() {
        assert_eq!(plan(&[], true), [Suite::Policies, Suite::Build, Suite::Unit, Suite::E2e]);
        assert_eq!(plan(&[Suite::Unit], true), [Suite::Policies, Suite::Build, Suite::Unit]);
    }

    #[test]
    fn every_need_runs_before_what_needs_it() {
        for suite in Suite::value_variants() {
            assert!(suite.needs().iter().all(|need| need < suite), "{suite:?}");
        }
    }
}
