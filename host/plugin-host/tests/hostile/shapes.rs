//! What is too much, too deep, or unfolds.

use plugin_host::limits::{CORE_INSTANCES, DATA_SEGMENTS, IMPORTS, MODULES, NESTING};
use wasm_encoder::{
    Component, ComponentSection, ConstExpr, DataSection, InstanceSection, MemorySection, MemoryType, Module, ModuleArg,
    ModuleSection, NestedComponentSection,
};

use crate::generated::{beside, harmless, section};

/// Half of a component.
pub fn cut() -> Vec<u8> {
    let mut wasm = harmless();
    wasm.truncate(wasm.len() / 2);
    wasm
}

/// A component whose first section says that it is longer than the file.
pub fn flipped() -> Vec<u8> {
    let mut wasm = harmless();
    wasm[10] ^= 0x70;
    wasm
}

pub fn too_many_modules() -> Vec<u8> {
    let mut component = Component::new();
    for _ in 0..=MODULES {
        component.section(&ModuleSection(&Module::new()));
    }
    beside(&component.finish())
}

pub fn nested_too_deep() -> Vec<u8> {
    let mut inner = Component::new();
    for _ in 0..NESTING {
        let mut outer = Component::new();
        outer.section(&NestedComponentSection(&inner));
        inner = outer;
    }
    beside(&inner.finish())
}

/// Each of forty components is the one before twice: a few hundred bytes, and a million million instances.
pub fn doubling_instances() -> Vec<u8> {
    let mut text = "(component (component $c0 (core module $m) (core instance (instantiate $m)))".to_owned();
    for n in 1..40 {
        text += &format!("(component $c{n} (instance (instantiate $c{0})) (instance (instantiate $c{0})))", n - 1);
    }
    text += "(instance (instantiate $c39)))";
    beside(&wat::parse_str(text).unwrap())
}

/// Forty types of two fields: a million million fields.
pub fn doubling_tuples() -> Vec<u8> {
    let mut text = "(component (type $t0 (tuple u64 u64))".to_owned();
    for n in 1..40 {
        text += &format!("(type $t{n} (tuple $t{0} $t{0}))", n - 1);
    }
    text += ")";
    beside(&wat::parse_str(text).unwrap())
}

/// Lists of lists of lists, which whoever follows them by recursion does not survive.
pub fn deep_lists() -> Vec<u8> {
    let depth = 50_000;
    let mut text = "(component (type $t0 (list u8))".to_owned();
    for n in 1..depth {
        text += &format!("(type $t{n} (list $t{}))", n - 1);
    }
    text += &format!("(type (func (param \"x\" $t{}))))", depth - 1);
    beside(&wat::parse_str(text).unwrap())
}

/// As many instances of a module as the compiler takes, and more than a call may have.
pub fn many_instances() -> Vec<u8> {
    let instances = "(core instance (instantiate $m))".repeat(CORE_INSTANCES as usize + 1);
    beside(&wat::parse_str(format!("(component (core module $m) {instances})")).unwrap())
}

pub fn many_imports() -> Vec<u8> {
    let imports: String = (0..=IMPORTS).map(|n| format!("(import \"secret:store/part{n}\" (instance))")).collect();
    wat::parse_str(format!("(component {imports})")).unwrap()
}

pub fn many_exports() -> Vec<u8> {
    let exports: String = (0..=IMPORTS).map(|n| format!("(export \"part{n}\" (instance $i))")).collect();
    wat::parse_str(format!("(component (component $c) (instance $i (instantiate $c)) {exports})")).unwrap()
}

pub fn too_many_segments() -> Vec<u8> {
    let segments = (0..=DATA_SEGMENTS).map(|_| (0, vec![]));
    beside(&images(1, 1, segments.collect()))
}

/// Twenty mebibytes into a memory of 64 KiB.
pub fn data_beyond_memory() -> Vec<u8> {
    beside(&images(1, 1, vec![(0, vec![1; 20 << 20])]))
}

/// A hundred modules of two bytes each, which lie as far apart as an image of a memory may be long.
pub fn sparse_images() -> Vec<u8> {
    beside(&images(100, 256, vec![(0, vec![1]), ((16 << 20) - 70_000, vec![1])]))
}

/// Modules with memories of so many pages, each with these bytes at these places. The first is instantiated.
fn images(modules: usize, pages: u64, segments: Vec<(i32, Vec<u8>)>) -> Vec<u8> {
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: pages, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut data = DataSection::new();
    for (at, bytes) in segments {
        data.active(0, &ConstExpr::i32_const(at), bytes);
    }
    let mut module = Module::new();
    module.section(&memories).section(&data);
    let module = module.finish();
    let mut component = Component::new().finish();
    for _ in 0..modules {
        component.extend(section(1, &module));
    }
    let mut instances = InstanceSection::new();
    instances.instantiate(0, std::iter::empty::<(&str, ModuleArg)>());
    instances.append_to_component(&mut component);
    component
}
