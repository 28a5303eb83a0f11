//! `orderwright plugin check`: what an upload would say, without a server.

use std::path::PathBuf;
use std::process::ExitCode;

use app::plugins::offline;
use serde_json::json;

use super::{local, print, progress, refused};

#[derive(clap::Args)]
pub struct Args {
    /// The component
    #[arg(default_value = super::build::COMPONENT)]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Checks a component. The exit code is a failure where it is refused.
///
/// # Errors
/// Where it cannot be read or this machine cannot check it.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let wasm = local::read(&args.file)?;
    let bar = progress(args.json, "compiling and asking");
    let (found, report) = offline::examine(&local::host()?, &wasm).await?;
    bar.finish_and_clear();
    let status = if report.reasons.is_empty() { "ready" } else { "refused" };
    let mut answer = json!({"status": status});
    if let Some(found) = &found {
        answer["hook"] = found.hook.name().into();
        answer["digest"] = found.digest.as_str().into();
    }
    let mut told = format!("{} would be taken for the hook {}\n", args.file.display(), super::text(&answer, "hook"));
    for check in &report.checks {
        told.push_str(&format!("  {check}\n"));
    }
    if let (Some(answer), serde_json::Value::Object(report)) = (answer.as_object_mut(), serde_json::to_value(&report)?)
    {
        answer.extend(report);
    }
    if !report.reasons.is_empty() {
        return Ok(refused(args.json, &answer));
    }
    print(args.json, &told, &answer);
    Ok(ExitCode::SUCCESS)
}
