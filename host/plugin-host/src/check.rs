//! What an upload must be before any compiler sees it. Compiling is where a hostile component can eat a machine, so
//! its dimensions are counted first, in one pass that takes no more than the component's size.

use domain::hooks::{Hook, PersonalField, PersonalFields};
use wasm_encoder::{ComponentSection as _, CustomSection};
use wasmparser::{ComponentInstance, Encoding, Instance, Parser, Payload};

use crate::digest::digest;
use crate::wit::{EXPORTS, IMPORTS, PACKAGE, REVISIONS};
use crate::{limits, wasi};

/// What a component is, as far as can be seen without compiling it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// SHA-256 in hexadecimal.
    pub digest: String,
    /// In bytes.
    pub size: usize,
    /// The hook that it serves.
    pub hook: Hook,
    /// The revision of the WIT package that it was built against.
    pub wit_version: String,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
    /// Functions in all its modules.
    pub functions: u32,
    /// The personal fields that it asks for; none where it says nothing about them.
    pub fields: Option<PersonalFields>,
}

/// The custom section in which a component names the personal fields that it asks for.
const FIELDS_SECTION: &str = "orderwright:fields";

/// Why a file is not a component that can be run, in every respect that was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", reasons.join("; "))]
pub struct Refusal {
    /// Plain sentences, never empty.
    pub reasons: Vec<String>,
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self { reasons: vec![reason] }
    }
}

/// A component that asks for personal fields besides, for tool chains that cannot say so themselves.
#[must_use]
pub fn with_fields(component: &[u8], fields: PersonalFields) -> Vec<u8> {
    let mut asking = component.to_vec();
    if !fields.is_empty() {
        let section = CustomSection { name: FIELDS_SECTION.into(), data: fields.to_string().into_bytes().into() };
        section.append_to_component(&mut asking);
    }
    asking
}

/// Checks a component's form, dimensions, imports and exports.
///
/// # Errors
/// Every reason for which it cannot be used.
pub fn inspect(wasm: &[u8]) -> Result<Inspection, Refusal> {
    if wasm.len() > limits::COMPONENT_BYTES {
        let (size, most) = (wasm.len(), limits::COMPONENT_BYTES);
        return Err(format!("the component has {size} bytes, at most {most} are allowed").into());
    }
    if !wasm.starts_with(b"\0asm") {
        return Err("this is not WebAssembly: it does not begin with the bytes `\\0asm`".to_owned().into());
    }
    let survey = Survey::of(wasm)?;
    let mut reasons = survey.too_large();
    reasons.extend(survey.not_offered());
    reasons.extend(survey.unknown_field.iter().map(|name| {
        let known: PersonalFields = PersonalField::ALL.into_iter().collect();
        format!("it asks for the personal field `{name}`; there are {known}")
    }));
    let served = match survey.served() {
        Ok(served) => Some(served),
        Err(reason) => {
            reasons.push(reason);
            None
        }
    };
    match served {
        Some((hook, wit_version)) if reasons.is_empty() => Ok(Inspection {
            digest: digest(wasm),
            size: wasm.len(),
            hook,
            wit_version,
            imports: survey.imports,
            functions: survey.functions,
            fields: survey.fields,
        }),
        _ => Err(Refusal { reasons }),
    }
}

fn is_offered(import: &str) -> bool {
    match import.strip_prefix(PACKAGE) {
        Some(rest) => {
            rest.split_once('@').is_some_and(|(interface, version)| IMPORTS.contains(&interface) && is_spoken(version))
        }
        None => import.starts_with(wasi::PREFIX),
    }
}

fn is_spoken(version: &str) -> bool {
    REVISIONS.iter().any(|revision| revision.version == version)
}

/// The revisions in which a hook has a world.
fn spoken(hook: Hook) -> impl Iterator<Item = &'static str> {
    REVISIONS.iter().filter(move |revision| revision.hooks.contains(&hook)).map(|revision| revision.version)
}

/// What one pass over the file counts.
#[derive(Debug, Default)]
struct Survey {
    modules: usize,
    functions: u32,
    largest_function: usize,
    data_segments: u32,
    /// Unfolded.
    instances: u64,
    imports: Vec<String>,
    exports: Vec<String>,
    fields: Option<PersonalFields>,
    unknown_field: Option<String>,
}

impl Survey {
    fn of(wasm: &[u8]) -> Result<Self, Refusal> {
        let mut survey = Self::default();
        // Imports and exports count at the outermost level only; inside, components satisfy each other.
        let mut depth = 0usize;
        let mut unfolded = Unfolded { open: vec![0], heaviest: 0 };
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload.map_err(damaged)?;
            match payload {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                    return Err(
                        "this is a core module, not a component: link it with `wasm-component-ld`, or wrap it \
                                with `wasm-tools component new`"
                            .to_owned()
                            .into(),
                    );
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                    depth += 1;
                    if depth > limits::NESTING {
                        return Err(format!("its components are nested more than {} deep", limits::NESTING).into());
                    }
                    survey.modules += usize::from(matches!(payload, Payload::ModuleSection { .. }));
                    unfolded.enter();
                }
                Payload::End(_) => {
                    depth = depth.saturating_sub(1);
                    unfolded.leave();
                }
                other => survey.count(&other, depth).and_then(|()| unfolded.count(&other)).map_err(damaged)?,
            }
        }
        survey.instances = unfolded.heaviest;
        Ok(survey)
    }

    fn count(&mut self, payload: &Payload<'_>, depth: usize) -> wasmparser::Result<()> {
        match payload {
            Payload::CodeSectionStart { count, .. } => self.functions = self.functions.saturating_add(*count),
            Payload::CodeSectionEntry(body) => {
                self.largest_function = self.largest_function.max(body.range().len());
            }
            // At any depth: a tool chain that makes modules of the author's code can only put it there.
            Payload::CustomSection(section) if section.name() == FIELDS_SECTION => {
                let names = String::from_utf8_lossy(section.data());
                match PersonalFields::parse(&names) {
                    Ok(fields) => self.fields = Some(self.fields.unwrap_or_default().or(fields)),
                    Err(unknown) => self.unknown_field = Some(printable(&unknown)),
                }
            }
            Payload::DataSection(section) => self.data_segments = self.data_segments.saturating_add(section.count()),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section.clone() {
                    if self.imports.len() <= limits::IMPORTS {
                        self.imports.push(printable(import?.name.name));
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section.clone() {
                    if self.exports.len() <= limits::IMPORTS {
                        self.exports.push(printable(export?.name.name));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn too_large(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut check = |what: &str, has: u64, most: u64| {
            if has > most {
                reasons.push(format!("it has {has} {what}, at most {most} are allowed"));
            }
        };
        check("core modules", self.modules as u64, limits::MODULES as u64);
        check("instances, those of nested components unfolded", self.instances, limits::INSTANCES);
        check("functions", self.functions.into(), limits::FUNCTIONS.into());
        check("bytes in its largest function", self.largest_function as u64, limits::FUNCTION_BYTES as u64);
        check("data segments", self.data_segments.into(), limits::DATA_SEGMENTS.into());
        check("imports", self.imports.len() as u64, limits::IMPORTS as u64);
        check("exports", self.exports.len() as u64, limits::IMPORTS as u64);
        reasons
    }

    /// A reason for each import that is not offered, the first of them by name.
    fn not_offered(&self) -> Vec<String> {
        let foreign: Vec<_> = self.imports.iter().filter(|name| !is_offered(name)).collect();
        let named = foreign.iter().take(limits::IMPORTS_NAMED).map(|name| {
            format!("it imports `{name}`, which is not offered: a policy may import `{PACKAGE}log` and a closed WASI")
        });
        let more = foreign.len().saturating_sub(limits::IMPORTS_NAMED);
        named.chain((more > 0).then(|| format!("and {more} more imports are not offered"))).collect()
    }

    /// The one hook that the exports serve, and in which revision.
    fn served(&self) -> Result<(Hook, String), String> {
        let ours: Vec<_> = self.exports.iter().filter_map(|name| name.strip_prefix(PACKAGE)).collect();
        let export = match ours.as_slice() {
            [one] => *one,
            [] => return Err(format!("it exports no interface of the package `{PACKAGE}`, so it serves no hook")),
            many => {
                return Err(format!(
                    "it exports {} interfaces of the package `{PACKAGE}`, only one is allowed",
                    many.len()
                ));
            }
        };
        let (interface, version) = export.split_once('@').unwrap_or((export, ""));
        let hook = EXPORTS.iter().find(|(name, _)| *name == interface).map(|(_, hook)| *hook);
        match hook {
            None => Err(format!("it exports `{PACKAGE}{export}`, which is no hook")),
            Some(hook) if !spoken(hook).any(|spoken| spoken == version) => {
                let spoken: Vec<_> = spoken(hook).collect();
                let spoken = spoken.join(" and ");
                Err(format!("it was built against `{PACKAGE}{export}`; this host speaks version {spoken} of it"))
            }
            Some(hook) => Ok((hook, version.to_owned())),
        }
    }
}

/// How many instances a component comes to once each nested one is unfolded where it is instantiated.
#[derive(Debug, Default)]
struct Unfolded {
    /// Of each component or module that has begun and not ended.
    open: Vec<u64>,
    /// Of the heaviest component so far. Which one an index means would take a validator; a component is instantiated
    /// after it ends, so that this is never too little.
    heaviest: u64,
}

impl Unfolded {
    fn enter(&mut self) {
        self.open.push(0);
    }

    fn leave(&mut self) {
        self.heaviest = self.heaviest.max(self.open.pop().unwrap_or(0));
    }

    fn count(&mut self, payload: &Payload<'_>) -> wasmparser::Result<()> {
        let more = match payload {
            Payload::InstanceSection(section) => {
                let is_new = |instance: &_| matches!(instance, Instance::Instantiate { .. });
                section.clone().into_iter().try_fold(0u64, |sum, one| Ok(sum + u64::from(is_new(&one?))))?
            }
            Payload::ComponentInstanceSection(section) => {
                let each = self.heaviest.saturating_add(1);
                let is_new = |instance: &_| matches!(instance, ComponentInstance::Instantiate { .. });
                let new = section.clone().into_iter().try_fold(0u64, |sum, one| Ok(sum + u64::from(is_new(&one?))))?;
                new.saturating_mul(each)
            }
            _ => 0,
        };
        if let Some(open) = self.open.last_mut() {
            *open = open.saturating_add(more);
        }
        Ok(())
    }
}

fn damaged(error: impl std::fmt::Display) -> Refusal {
    sentence(&format!("the file is damaged: {error}")).into()
}

/// The longest explanation of somebody else's that is passed on.
const SENTENCE_CHARS: usize = 1000;

/// A parser's or compiler's words as one line: some of them are listings, and some quote what the file says.
pub(crate) fn sentence(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(SENTENCE_CHARS).collect()
}

/// The longest name that is quoted in an answer.
const NAME_CHARS: usize = 200;

fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect()
}
