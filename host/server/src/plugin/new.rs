//! `orderwright plugin new`: a complete project out of the templates that this program carries.

mod types;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use domain::hooks::Hook;
use include_dir::{Dir, include_dir};
use serde_json::json;

use super::language::Language;
use super::print;

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugins/templates");
static SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugins/sdk");
static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit");

/// Where the SDK finds `wit/` by the same relative path as in its own repository.
const SDK_PLACE: &str = "vendor/orderwright-sdk";

#[derive(clap::Args)]
pub struct Args {
    /// What to write it in
    #[arg(long, value_enum)]
    lang: Language,
    /// The hook that it is to decide, such as routing, tax or risk
    #[arg(long)]
    hook: String,
    /// A new folder, or an empty one; its name becomes the plugin's
    dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Writes a project.
///
/// # Errors
/// Where there is no such template, or the folder is not empty.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Args { lang, dir, .. } = args;
    let hook = hook(&args.hook)?;
    let name = name_of(dir)?;
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file() {
        bail!("{} is not empty: name a new folder, or an empty one", dir.display());
    }
    let project = Project { dir, hook, name, wit: wit_version(hook)? };
    project.write(*lang)?;
    let shown = dir.display();
    let told = format!(
        "{shown} is a plugin for the hook {} now. What it decides is in {}.\n\n  cd {shown}\n  orderwright plugin build\n  \
         orderwright plugin test",
        hook.name(),
        lang.source()
    );
    let made = json!({"dir": dir, "name": project.name, "hook": hook.name(), "language": lang.name()});
    print(args.json, &told, &made);
    Ok(ExitCode::SUCCESS)
}

/// The hook of this name. Every language has a template for every hook.
fn hook(name: &str) -> anyhow::Result<Hook> {
    match Hook::ALL.into_iter().find(|hook| hook.name() == name) {
        Some(hook) => Ok(hook),
        None => bail!("there is no hook {name}; there are {}", Hook::ALL.map(Hook::name).join(", ")),
    }
}

fn template(language: Language, hook: Hook) -> String {
    format!("{}/src/{}.{}", language.name(), hook.name(), language.extension())
}

/// The personal fields that the template of a hook asks for. In Rust its source says so itself.
const fn asks(hook: Hook) -> &'static str {
    match hook {
        Hook::Risk => "email_domain",
        Hook::Carrier => "name street city zip",
        Hook::Channel => "name email",
        _ => "",
    }
}

/// A name that every package manager takes: letters, digits and dashes, and a letter first.
fn name_of(dir: &Path) -> anyhow::Result<String> {
    let whole = std::path::absolute(dir).with_context(|| format!("{} is no path", dir.display()))?;
    let folder = whole.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let words = folder.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-");
    Ok(if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { format!("plugin-{name}") })
}

/// The revision of the contract that the templates of a hook are written against: the newest that has it, unless they
/// have not been taken there yet.
fn wit_version(hook: Hook) -> anyhow::Result<String> {
    if hook == Hook::Payment {
        return Ok("0.1.0".to_owned());
    }
    let has = |dir: &&Dir<'_>| dir.get_file(dir.path().join(format!("{}.wit", hook.name()))).is_some();
    let number =
        |dir: &Dir<'_>| -> Option<Vec<u32>> { dir.path().to_str()?.split('.').map(|part| part.parse().ok()).collect() };
    let newest = WIT.dirs().filter(has).max_by_key(|dir| number(dir)).context("this program carries no contract")?;
    Ok(newest.path().display().to_string())
}

struct Project<'p> {
    dir: &'p Path,
    hook: Hook,
    name: String,
    /// The revision of the contract that it is written against.
    wit: String,
}

impl Project<'_> {
    fn write(&self, language: Language) -> anyhow::Result<()> {
        self.unpack(&WIT, Path::new("wit"))?;
        let parts = TEMPLATES.get_dir(language.name()).context("this program carries no template")?;
        let sources = parts.path().join("src");
        for file in files(parts).into_iter().filter(|file| !file.path().starts_with(&sources)) {
            self.put(file.path().strip_prefix(parts.path())?, file.contents())?;
        }
        let source = TEMPLATES.get_file(template(language, self.hook)).context("this program carries no source")?;
        self.put(Path::new(language.source()), source.contents())?;
        if let Some(cases) = TEMPLATES.get_dir(format!("tests/{}", self.hook.name())) {
            self.unpack(cases, Path::new("tests"))?;
        }
        match language {
            Language::Rust => self.unpack(&SDK, Path::new(SDK_PLACE)),
            Language::TypeScript => {
                let wit = self.dir.join("wit").join(&self.wit);
                self.put(&Path::new("wit").join(format!("{}.d.ts", self.wit)), types::of(&wit)?.as_bytes())
            }
            Language::Python => Ok(()),
        }
    }

    /// Writes a whole folder of this program's to a place in the project.
    fn unpack(&self, from: &Dir<'_>, place: &Path) -> anyhow::Result<()> {
        for file in files(from) {
            self.put(&place.join(file.path().strip_prefix(from.path())?), file.contents())?;
        }
        Ok(())
    }

    fn put(&self, place: &Path, contents: &[u8]) -> anyhow::Result<()> {
        let path = self.dir.join(place);
        let text = std::str::from_utf8(contents).context("templates are texts")?;
        let text = [
            ("%%name%%", self.name.as_str()),
            ("%%hook%%", self.hook.name()),
            ("%%wit%%", &self.wit),
            ("%%fields%%", asks(self.hook)),
        ]
        .iter()
        .fold(text.to_owned(), |text, (mark, value)| text.replace(mark, value));
        let folder = path.parent().unwrap_or(self.dir);
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// Every file of a folder, however deep.
fn files<'d>(dir: &'d Dir<'d>) -> Vec<&'d include_dir::File<'d>> {
    dir.files().chain(dir.dirs().flat_map(files)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_the_plugin_its_name() {
        for (folder, name) in
            [("/x/My Routing_2", "my-routing-2"), ("/x/a", "a"), ("/x/7up", "plugin-7up"), ("/", "plugin-")]
        {
            assert_eq!(name_of(Path::new(folder)).unwrap(), name);
        }
    }

    #[test]
    fn every_hook_has_a_template_in_every_language_and_cases() {
        for language in Language::ALL {
            let sources = TEMPLATES.get_dir(format!("{}/src", language.name())).expect("sources");
            assert_eq!(sources.files().count(), Hook::ALL.len(), "{language:?} has a source of no hook");
            for hook in Hook::ALL {
                assert!(TEMPLATES.contains(template(language, hook)), "{language:?} has none for {}", hook.name());
            }
        }
        for hook in Hook::ALL {
            let cases = TEMPLATES.get_dir(format!("tests/{}", hook.name())).expect("cases");
            assert!(cases.dirs().count() >= 2, "{}", hook.name());
            let files = ["input.json", "expected.json"];
            let whole = |case: &Dir<'_>| files.iter().all(|file| case.contains(case.path().join(file)));
            assert!(cases.dirs().all(whole), "{}", hook.name());
        }
    }

    #[test]
    fn an_unknown_hook_is_refused_with_those_that_are_known() {
        let error = hook("routes").unwrap_err().to_string();
        assert!(error.contains("no hook routes"), "{error}");
        assert!(Hook::ALL.iter().all(|hook| error.contains(hook.name())), "{error}");
    }

    #[test]
    fn no_mark_is_left_in_a_project() {
        let folder = tempfile::tempdir().unwrap();
        for language in Language::ALL {
            for hook in Hook::ALL {
                let dir = folder.path().join(format!("{}-{}", language.name(), hook.name()));
                let args = Args { lang: language, hook: hook.name().to_owned(), dir: dir.clone(), json: true };
                run(&args).unwrap();
                let mut left = vec![dir.clone()];
                while let Some(path) = left.pop() {
                    match std::fs::read_dir(&path) {
                        Ok(entries) => left.extend(entries.map(|entry| entry.unwrap().path())),
                        Err(_) => {
                            let text = std::fs::read_to_string(&path).unwrap();
                            assert!(!text.contains("%%hook%%") && !text.contains("%%fields%%"), "{}", path.display());
                        }
                    }
                }
                assert_eq!(Language::of(&dir).unwrap(), language);
                assert!(run(&args).unwrap_err().to_string().contains("is not empty"));
            }
        }
    }
}
