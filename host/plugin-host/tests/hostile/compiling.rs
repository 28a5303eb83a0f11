//! What is dear to compile for its size.

use plugin_host::limits::{FUNCTION_BYTES, FUNCTIONS};
use wasm_encoder::{BlockType, Function, ValType};

use crate::generated::{around, beside, module_of};

/// What the harmless policy has itself, with some room.
const OWN_FUNCTIONS: u32 = 100;

pub fn one_function_too_many() -> Vec<u8> {
    beside(&around(&module_of((0..=FUNCTIONS).map(|_| empty()))))
}

/// As many as may be, each as small as can be.
pub fn hundred_thousand_functions() -> Vec<u8> {
    beside(&around(&module_of((0..FUNCTIONS - OWN_FUNCTIONS).map(|_| empty()))))
}

pub fn function_too_large() -> Vec<u8> {
    beside(&around(&module_of([straight(FUNCTION_BYTES + 1024)])))
}

/// As large as may be, and each value needs the one before.
pub fn large_functions() -> Vec<u8> {
    beside(&around(&module_of((0..8).map(|_| straight(FUNCTION_BYTES - 1024)))))
}

/// Each block of each nest can be left by each entry of its table.
pub fn branch_tables() -> Vec<u8> {
    beside(&around(&module_of(std::iter::repeat_n(nest_of(500), 20))))
}

fn nest_of(nest: u32) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    for _ in 0..nest {
        code.block(BlockType::Empty);
    }
    for depth in 0..nest {
        let left = nest - depth;
        let targets: Vec<u32> = (0..left).map(|target| (target + depth) % left).collect();
        code.i32_const(0).br_table(targets, 0).end();
    }
    code.end();
    function
}

/// Fifty thousand locals are a few bytes in the file, and each must be zero in the beginning.
pub fn many_locals() -> Vec<u8> {
    let function = || {
        let mut function = Function::new([(50_000, ValType::V128)]);
        function.instructions().end();
        function
    };
    beside(&around(&module_of((0..2_000).map(|_| function()))))
}

/// The compiler's time grows with the square of the depth: a sixteenth of what a function has room for takes it seconds.
pub fn deep_blocks() -> Vec<u8> {
    let depth = FUNCTION_BYTES / 32;
    let mut function = Function::new([]);
    let mut code = function.instructions();
    for _ in 0..depth {
        code.block(BlockType::Empty);
    }
    for _ in 0..depth {
        code.end();
    }
    code.end();
    beside(&around(&module_of([function])))
}

/// A few lines of types make adapters of a hundred thousand fields between two components.
pub fn wide_adapters() -> Vec<u8> {
    const DOUBLINGS: u32 = 16;
    let mut types = "(type $t0 (tuple u64 u64))".to_owned();
    for n in 1..DOUBLINGS {
        types += &format!("(type $t{n} (tuple $t{0} $t{0}))", n - 1);
    }
    let last = DOUBLINGS - 1;
    let bomb = format!(
        r#"(component
            {types}
            (component $callee
              (core module $m
                (memory (export "memory") 100)
                (func (export "f") (param i32))
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 8))
              (core instance $i (instantiate $m))
              (func (export "f") (param "x" $t{last})
                (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")))))
            (component $caller
              (import "f" (func $f (param "x" $t{last})))
              (core module $memory (memory (export "memory") 100))
              (core instance $memory (instantiate $memory))
              (core func $lowered (canon lower (func $f) (memory $memory "memory")))
              (core module $user (import "" "f" (func (param i32))))
              (core instance (instantiate $user (with "" (instance (export "f" (func $lowered)))))))
            (instance $callee (instantiate $callee))
            (instance (instantiate $caller (with "f" (func $callee "f")))))"#
    );
    beside(&wat::parse_str(bomb).unwrap())
}

fn empty() -> Function {
    let mut function = Function::new([]);
    function.instructions().end();
    function
}

/// Straight code of about so many bytes.
fn straight(bytes: usize) -> Function {
    const TURN_BYTES: usize = 10;
    let mut function = Function::new([(1, ValType::I64)]);
    let mut code = function.instructions();
    for _ in 0..bytes / TURN_BYTES {
        code.local_get(0).i64_const(7).i64_mul().local_get(0).i64_xor().local_set(0);
    }
    code.end();
    function
}
