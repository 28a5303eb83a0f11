//! `cargo xtask bench costs`: what plugins cost, in a section of its own of the results.

use anyhow::{Context as _, Result};

use crate::command;
use crate::policies;
use crate::workspace::Workspace;

/// Where the results stand; `load bench` keeps what begins with our heading.
const RESULTS: &str = "tests/load/RESULTS.md";
const HEADING: &str = "# Results of `cargo xtask bench costs`\n";

/// Builds the benchmark, runs it, and puts what it prints in the place of what it printed before.
pub fn bench(workspace: &Workspace, args: &[String]) -> Result<()> {
    policies::build(workspace, false)?.place(&workspace.policies_dir("release"))?;
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--package", "plugin-host", "--example", "costs", "--bin", "compile-policy"]);
    command::run(&mut cargo, "building the benchmark")?;
    let mut costs = std::process::Command::new(workspace.target.join("release/examples/costs"));
    eprintln!("measuring: some minutes, in which the machine should have nothing else to do");
    let printed = command::read(costs.args(args), "the benchmark")?;
    eprintln!("{printed}");
    let path = workspace.root.join(RESULTS);
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    std::fs::write(&path, with_section(&before, &printed)).with_context(|| format!("writing {}", path.display()))?;
    eprintln!("results are in {RESULTS}");
    Ok(())
}

fn with_section(results: &str, printed: &str) -> String {
    let others = results.find(HEADING).map_or(results, |at| &results[..at]).trim_end();
    let gap = if others.is_empty() { "" } else { "\n\n" };
    format!("{others}{gap}{HEADING}\n{}\n", printed.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_replaced_and_the_rest_is_kept() {
        let first = with_section("# Results of `load bench`\n\n5 s\n", "| a |\n\n");
        assert_eq!(first, format!("# Results of `load bench`\n\n5 s\n\n{HEADING}\n| a |\n"));
        assert_eq!(with_section(&first, "| b |"), first.replace("| a |", "| b |"));
        assert_eq!(with_section("", "| c |"), format!("{HEADING}\n| c |\n"));
    }
}
