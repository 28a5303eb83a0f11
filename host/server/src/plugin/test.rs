//! `orderwright plugin test`: a component's answers beside those that its author expects.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use plugin_host::Plugin;
use serde_json::{Value, json};
use similar::TextDiff;

use super::language::Language;
use super::{build, local, print};

#[derive(clap::Args)]
pub struct Args {
    /// The project, or a component
    #[arg(default_value = ".")]
    path: PathBuf,
    /// The folder of the cases [default: tests, beside the component]
    #[arg(long, value_name = "DIR")]
    tests: Option<PathBuf>,
    /// Write what comes out as what is expected, to be looked through
    #[arg(long)]
    bless: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A case: one folder.
struct Case {
    name: String,
    folder: PathBuf,
}

/// Runs every case. The exit code is a failure where one has another answer.
///
/// # Errors
/// Where there are no cases, or one is not whole.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let component = if args.path.is_dir() { args.path.join(build::COMPONENT) } else { args.path.clone() };
    if !component.is_file() {
        bail!("there is no {}: `orderwright plugin build` makes it", component.display());
    }
    if let Some(source) = newer_source(&args.path, &component) {
        eprintln!("{} has changed since {} was built", source.display(), component.display());
    }
    let folder = args.tests.clone().unwrap_or_else(|| component.with_file_name("tests"));
    let cases = cases(&folder)?;
    let plugin = local::load(&local::host()?, &component, args.json).await?;
    let (mut told, mut results, mut failed) = (String::new(), Vec::new(), 0);
    for case in &cases {
        let result = case.run(&plugin, args.bless).await.with_context(|| format!("the case {}", case.name))?;
        let is_passed = result["passed"] == true;
        failed += usize::from(!is_passed);
        let verdict = if is_passed { "ok  " } else { "FAIL" };
        let _ = writeln!(told, "{verdict} {} ({} instructions)", case.name, result["fuel"]);
        if !is_passed {
            told.push_str(&difference(&result["expected"], &result["answer"]));
            for line in result["logs"].as_array().into_iter().flatten() {
                let _ = writeln!(told, "     [{}] {}", super::text(line, "level"), super::text(line, "message"));
            }
        }
        results.push(result);
    }
    let passed = cases.len() - failed;
    let _ = writeln!(told, "{passed} passed, {failed} failed");
    print(args.json, &told, &json!({"passed": passed, "failed": failed, "cases": results}));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The source of a project, where it is not what the component was built from.
fn newer_source(project: &Path, component: &Path) -> Option<PathBuf> {
    let source = project.join(Language::of(project).ok()?.source());
    let changed = |path: &Path| path.metadata().ok()?.modified().ok();
    (changed(&source)? > changed(component)?).then_some(source)
}

fn cases(folder: &Path) -> anyhow::Result<Vec<Case>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut cases = Vec::new();
    for entry in entries {
        let folder = entry?.path();
        if folder.is_dir() {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            cases.push(Case { name, folder });
        }
    }
    if cases.is_empty() {
        bail!("there is no case in {}: each is a folder with an input.json and an expected.json", folder.display());
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(cases)
}

impl Case {
    async fn run(&self, plugin: &Plugin, is_blessed: bool) -> anyhow::Result<Value> {
        let mut input = self.read("input.json")?.context("there is no input.json")?;
        // In an input the configuration is a text: beside it, it can be read.
        if let Some(config) = self.read("config.json")? {
            input["context"]["config"] = config.to_string().into();
        }
        let mut result = local::ask(plugin, &input.to_string()).await?;
        let answer = if result["outcome"] == "ok" {
            result["output"].clone()
        } else {
            json!({"outcome": result["outcome"], "error": result["error"]})
        };
        let expected = if is_blessed { None } else { self.read("expected.json")? };
        let expected = match expected {
            Some(expected) => expected,
            None if is_blessed => {
                let file = self.folder.join("expected.json");
                std::fs::write(&file, format!("{answer:#}\n"))
                    .with_context(|| format!("{} cannot be written", file.display()))?;
                answer.clone()
            }
            None => bail!("there is no expected.json: --bless writes it"),
        };
        result["name"] = self.name.as_str().into();
        result["passed"] = (answer == expected).into();
        result["expected"] = expected;
        result["answer"] = answer;
        Ok(result)
    }

    fn read(&self, name: &str) -> anyhow::Result<Option<Value>> {
        let file = self.folder.join(name);
        match std::fs::read_to_string(&file) {
            Ok(text) => Ok(Some(serde_json::from_str(&text).with_context(|| format!("{name} is not JSON"))?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
        }
    }
}

/// Line by line, what was expected and what came.
fn difference(expected: &Value, answer: &Value) -> String {
    let (expected, answer) = (format!("{expected:#}\n"), format!("{answer:#}\n"));
    let diff = TextDiff::from_lines(&expected, &answer);
    let shown = diff.unified_diff().context_radius(3).header("expected", "answered").to_string();
    shown.lines().map(|line| format!("     {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_both_sides() {
        let shown = difference(&json!({"score": 1, "same": true}), &json!({"score": 2, "same": true}));
        assert!(shown.contains("-  \"score\": 1") && shown.contains("+  \"score\": 2"), "{shown}");
    }
}
