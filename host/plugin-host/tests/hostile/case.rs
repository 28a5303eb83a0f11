//! What stands in a case's folder, and the component that it makes.

use std::fs;
use std::path::{Path, PathBuf};

use domain::hooks::Hook;
use serde::Deserialize;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::forged::Forgery;
use crate::{generated, harness};

/// `expect.toml`.
///
/// The component is the `fixture` of the plugins' workspace, or what a function of `generated.rs` makes, or the text
/// beside it: `component.wat` is a component as it is, and `guest.wat` a core module that is made one for the world of its
/// `hook`. A `world.wit` names further imports, as its world `guest`; a `package.wit` stands in place of all of `wit/`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it does, and why that must not hurt.
    #[expect(dead_code, reason = "it is for people, and required")]
    about: String,
    /// Which hook it is loaded and asked for.
    pub hook: Hook,
    /// The configuration that it is asked with.
    #[serde(default)]
    pub config: String,
    /// A hostile guest in Rust, without `fixture_`.
    pub fixture: Option<String>,
    /// A generator.
    pub generated: Option<String>,
    /// What is done to the compiled code before it is loaded again.
    pub forged: Option<Forgery>,
    /// How it may end: `refused` by the inspection, `invalid` or `too_costly` for the compiler, or how a call ended. More
    /// than one where it depends on the machine.
    pub ends: Vec<String>,
    /// What must be found in the refusal, the failure, or the answer with its log.
    #[serde(default)]
    pub says: Vec<String>,
    /// The folder.
    #[serde(skip)]
    folder: PathBuf,
}

impl Case {
    pub fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join("expect.toml");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let case: Self = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        if case.ends.is_empty() {
            return Err(format!("{}: it says no end", path.display()));
        }
        Ok(Self { folder: folder.to_owned(), ..case })
    }

    /// The component's bytes.
    pub fn component(&self) -> Result<Vec<u8>, String> {
        let text = |name: &str| fs::read_to_string(self.folder.join(name)).ok();
        match (&self.fixture, &self.generated, text("component.wat"), text("guest.wat")) {
            (Some(fixture), None, None, None) => Ok(harness::component(&format!("fixture_{fixture}"))),
            (None, Some(name), None, None) => {
                let generator = generated::ALL.iter().find(|(known, _)| known == name);
                Ok(generator.ok_or_else(|| format!("there is no generator `{name}`"))?.1())
            }
            (None, None, Some(component), None) => wat::parse_str(component).map_err(|error| error.to_string()),
            (None, None, None, Some(guest)) => {
                let world = text("world.wit");
                guest_component(self.hook, &guest, world.as_deref(), text("package.wit").as_deref())
                    .map_err(|error| format!("{error:#}"))
            }
            _ => Err("a case has one of `fixture`, `generated`, component.wat and guest.wat".to_owned()),
        }
    }
}

/// A core module as a component of its hook's world.
pub fn guest_component(
    hook: Hook,
    guest: &str,
    world: Option<&str>,
    package: Option<&str>,
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut resolve = Resolve::default();
    let ours = match package {
        Some(package) => resolve.push_source("package.wit", package)?,
        None => resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/0.1.0"))?.0,
    };
    let world = match world {
        Some(text) => {
            let own = resolve.push_source("world.wit", text)?;
            resolve.select_world(&[own], Some("guest"))?
        }
        None => resolve.select_world(&[ours], Some(hook.name()))?,
    };
    let mut module = wat::parse_str(guest)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    // What is not valid must get as far as the host.
    Ok(ComponentEncoder::default().validate(false).module(&module)?.encode()?)
}
