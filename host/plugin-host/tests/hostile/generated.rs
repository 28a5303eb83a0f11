//! Components that are too large or too regular to be written down.
//!
//! Most of them are a harmless risk policy with something beside it: a component that the policy does not need, and that
//! must be parsed, compiled and instantiated all the same.

use domain::hooks::Hook;
use wasm_encoder::{
    CodeSection, Component, ComponentInstanceSection, ComponentSection, Function, FunctionSection, InstanceSection,
    Module, ModuleArg, ModuleSection, TypeSection,
};
use wasmparser::{Parser, Payload};

use crate::case::guest_component;
use crate::{compiling, shapes};

/// Makes a component.
pub type Generator = fn() -> Vec<u8>;

/// Every generator by the name that a case gives it.
pub const ALL: &[(&str, Generator)] = &[
    ("branch_tables", compiling::branch_tables),
    ("cut", shapes::cut),
    ("data_beyond_memory", shapes::data_beyond_memory),
    ("deep_blocks", compiling::deep_blocks),
    ("deep_lists", shapes::deep_lists),
    ("doubling_instances", shapes::doubling_instances),
    ("doubling_tuples", shapes::doubling_tuples),
    ("flipped", shapes::flipped),
    ("function_too_large", compiling::function_too_large),
    ("hundred_thousand_functions", compiling::hundred_thousand_functions),
    ("large_functions", compiling::large_functions),
    ("many_exports", shapes::many_exports),
    ("many_imports", shapes::many_imports),
    ("many_instances", shapes::many_instances),
    ("many_locals", compiling::many_locals),
    ("nested_too_deep", shapes::nested_too_deep),
    ("one_function_too_many", compiling::one_function_too_many),
    ("sparse_images", shapes::sparse_images),
    ("too_many_modules", shapes::too_many_modules),
    ("too_many_segments", shapes::too_many_segments),
    ("wide_adapters", compiling::wide_adapters),
];

/// A risk policy that accepts, as small as one can be.
pub fn harmless() -> Vec<u8> {
    guest_component(Hook::Risk, include_str!("harmless.wat"), None, None).unwrap()
}

/// The harmless policy with another component in it, which is instantiated with it.
pub fn beside(bomb: &[u8]) -> Vec<u8> {
    let mut wasm = harmless();
    let mut depth = 0u32;
    let mut components = 0;
    for payload in Parser::new(0).parse_all(&wasm) {
        match payload.unwrap() {
            Payload::ComponentSection { .. } => {
                components += u32::from(depth == 0);
                depth += 1;
            }
            Payload::ModuleSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    wasm.extend(section(4, bomb));
    let mut instances = ComponentInstanceSection::new();
    instances.instantiate(components, std::iter::empty::<(&str, _, _)>());
    instances.append_to_component(&mut wasm);
    wasm
}

/// A section by its number.
pub fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![id];
    out.extend(number(content.len()));
    out.extend_from_slice(content);
    out
}

/// LEB128, here always of five bytes.
fn number(value: usize) -> Vec<u8> {
    (0..5).map(|n| (value >> (7 * n)) as u8 & 0x7f | if n < 4 { 0x80 } else { 0 }).collect()
}

/// A component of nothing but an instance of a module.
pub fn around(module: &Module) -> Vec<u8> {
    let mut component = Component::new();
    component.section(&ModuleSection(module));
    let mut instances = InstanceSection::new();
    instances.instantiate(0, std::iter::empty::<(&str, ModuleArg)>());
    component.section(&instances);
    component.finish()
}

/// A module of functions without parameters and results.
pub fn module_of(functions: impl IntoIterator<Item = Function>) -> Module {
    let (mut types, mut declared, mut code) = (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([], []);
    for function in functions {
        declared.function(0);
        code.function(&function);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    module
}
