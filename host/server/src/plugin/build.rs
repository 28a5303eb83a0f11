//! `orderwright plugin build`: a project's component, made by the ordinary tools of its language.

mod tools;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};
use domain::hooks::PersonalFields;
use serde::Deserialize;
use serde_json::{Value, json};

use super::language::Language;
use super::{local, print, refused};

/// Where a project's component is put unless somebody says otherwise.
pub const COMPONENT: &str = "plugin.wasm";

/// The target of components in Rust.
const WASM: &str = "wasm32-unknown-unknown";

#[derive(clap::Args)]
pub struct Args {
    /// The project
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where to put the component [default: plugin.wasm in the project]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Builds a project. The exit code is a failure where what comes out is no plugin.
///
/// # Errors
/// Where a tool is missing, with the command that installs it, or fails.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let dir = std::path::absolute(&args.dir).with_context(|| format!("{} is no path", args.dir.display()))?;
    let output = match &args.output {
        Some(file) => std::path::absolute(file).with_context(|| format!("{} is no path", file.display()))?,
        None => dir.join(COMPONENT),
    };
    let language = Language::of(&dir)?;
    let built = match language {
        Language::Rust => rust(&dir)?,
        Language::TypeScript => typescript(&dir)?,
        Language::Python => python(&dir)?,
    };
    let mut wasm = local::read(&built)?;
    if let Some(fields) = asked_fields(&dir, language)? {
        wasm = plugin_host::with_fields(&wasm, fields);
    }
    std::fs::write(&output, &wasm).with_context(|| format!("{} cannot be written", output.display()))?;
    let seconds = began.elapsed().as_secs_f32();
    match plugin_host::inspect(&wasm) {
        Ok(found) => {
            let shown = args.output.clone().unwrap_or_else(|| args.dir.join(COMPONENT));
            let told = format!(
                "{}: {} bytes for the hook {}, built in {seconds:.1} s",
                shown.display(),
                found.size,
                found.hook.name()
            );
            let answer = json!({
                "file": output, "language": language.name(), "hook": found.hook.name(), "digest": found.digest,
                "size": found.size, "took_ms": began.elapsed().as_millis(),
            });
            print(args.json, &told, &answer);
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => Ok(refused(args.json, &json!({"status": "refused", "reasons": refusal.reasons}))),
    }
}

/// The personal fields that a project's manifest asks for. In Rust the source says so, and the compiler puts it in.
fn asked_fields(dir: &Path, language: Language) -> anyhow::Result<Option<PersonalFields>> {
    let manifest = dir.join(language.manifest());
    let names = match language {
        Language::Rust => return Ok(None),
        Language::TypeScript => {
            let text = read_manifest(&manifest)?;
            let package: Value =
                serde_json::from_str(&text).with_context(|| format!("{} is not JSON", manifest.display()))?;
            package["orderwright"]["fields"].as_str().unwrap_or_default().to_owned()
        }
        Language::Python => py_settings(dir)?.fields,
    };
    let unknown = |name: String| anyhow!("{} asks for {name:?}, which is no personal field", manifest.display());
    PersonalFields::parse(&names).map_err(unknown).map(Some)
}

fn read_manifest(manifest: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(manifest).with_context(|| format!("{} cannot be read", manifest.display()))
}

/// Builds with cargo, and finds in its messages what it built.
fn rust(dir: &Path) -> anyhow::Result<PathBuf> {
    let rustc = std::env::var_os("RUSTC").filter(|rustc| !rustc.is_empty()).unwrap_or_else(|| "rustc".into());
    let advice = "https://rustup.rs installs it";
    let mut rustc = Command::new(rustc);
    let folder = tools::read(rustc.current_dir(dir).args(["--print", "target-libdir", "--target", WASM]), advice)?;
    if !tools::has_std(Path::new(folder.trim())) {
        bail!("the Rust toolchain cannot build for {WASM} yet:\n  rustup target add {WASM}");
    }
    let mut cargo = Command::new("cargo");
    cargo.current_dir(dir).args(["build", "--release", "--target", WASM]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let messages = tools::read(&mut cargo, advice)?;
    let mut files = messages.lines().filter_map(|line| artifact(&serde_json::from_str(line).ok()?));
    files.next_back().with_context(|| {
        format!(
            "cargo made no component: is there a `crate-type = [\"cdylib\"]` in {}?",
            dir.join("Cargo.toml").display()
        )
    })
}

/// The component that a message of cargo's tells of. What a project depends on comes before itself.
fn artifact(message: &Value) -> Option<PathBuf> {
    let names = message["filenames"].as_array().filter(|_| message["reason"] == "compiler-artifact")?;
    names.iter().filter_map(Value::as_str).find(|name| name.ends_with(".wasm")).map(PathBuf::from)
}

/// Runs the project's own `npm run build`, which makes the component in the project.
fn typescript(dir: &Path) -> anyhow::Result<PathBuf> {
    let advice = "On Debian `apt-get install nodejs npm` installs it, elsewhere https://nodejs.org";
    let npm = |arguments: &[&str]| {
        let mut npm = Command::new("npm");
        npm.current_dir(dir).args(arguments);
        tools::run(&mut npm, advice)
    };
    tools::once(&dir.join("package.json"), &dir.join("node_modules"), || {
        eprintln!("installing what package.json names, once");
        npm(&["install", "--no-audit", "--no-fund"])
    })?;
    npm(&["run", "build"])?;
    Ok(dir.join(COMPONENT))
}

/// The part of `pyproject.toml` that is meant for us.
#[derive(Deserialize)]
struct PyProject {
    tool: PyTool,
}

#[derive(Deserialize)]
struct PyTool {
    orderwright: PySettings,
}

#[derive(Deserialize)]
struct PySettings {
    wit: String,
    world: String,
    module: String,
    #[serde(default)]
    fields: String,
}

fn py_settings(dir: &Path) -> anyhow::Result<PySettings> {
    let manifest = dir.join(Language::Python.manifest());
    let project: PyProject = toml::from_str(&read_manifest(&manifest)?)
        .with_context(|| format!("{} has no whole [tool.orderwright]", manifest.display()))?;
    Ok(project.tool.orderwright)
}

/// Runs componentize-py out of the project's own environment.
fn python(dir: &Path) -> anyhow::Result<PathBuf> {
    let PySettings { wit, world, module, .. } = py_settings(dir)?;
    let environment = dir.join(".venv");
    let advice = "On Debian `apt-get install python3 python3-venv` installs it, elsewhere https://www.python.org";
    tools::once(&dir.join("requirements.txt"), &environment, || {
        eprintln!("installing what requirements.txt names, once");
        let mut python = Command::new("python3");
        tools::run(python.current_dir(dir).args(["-m", "venv", ".venv"]), advice).context(advice)?;
        let mut pip = Command::new(environment.join("bin/python"));
        pip.current_dir(dir).args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "-q",
            "-r",
            "requirements.txt",
        ]);
        tools::run(&mut pip, advice)
    })?;
    let mut componentize = Command::new(environment.join("bin/componentize-py"));
    componentize.current_dir(dir).env("VIRTUAL_ENV", &environment);
    componentize.args(["-q", "-d", &wit, "-w", &world, "componentize", &module, "-s", "-o", COMPONENT]);
    tools::run(&mut componentize, "requirements.txt names it as componentize-py")?;
    Ok(dir.join(COMPONENT))
}
