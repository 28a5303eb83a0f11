//! How guests are compiled and run. What is said here about the compiled code holds for the compiler process and for
//! the host alike: a `.cwasm` made by one is only good for the other while both agree.

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy,
    WasmBacktraceDetails, WasmFeatures,
};

use crate::limits::{self, Limits};

/// Room after a linear memory, so that an access with a constant offset needs no check.
const GUARD_BYTES: u64 = 32 << 20;
/// Addresses (not memory) for each linear memory: all that 32 bits can reach, so that no access needs a check.
const RESERVED_BYTES: u64 = 4 << 30;
/// How long the image of a memory may be of which less than half is data. Longer ones are written at each instantiation
/// instead: two bytes sixteen mebibytes apart would otherwise become sixteen mebibytes of compiled file, in each of two
/// hundred modules.
const SPARSE_IMAGE_BYTES: u64 = 1 << 20;
/// What stays mapped of a slot's memory between two calls, where the kernel can say which pages were touched (Linux
/// 6.7): putting those back as they were is cheaper than giving all back and faulting them in again. Without that
/// knowledge the whole range would be written each time, which is dearer.
const MEMORY_KEPT_BYTES: usize = 1 << 20;
/// The same for a table.
const TABLE_KEPT_BYTES: usize = 8 << 10;
/// The engine that runs guests.
pub fn runner(limits: &Limits) -> wasmtime::Result<Engine> {
    let mut config = base();
    let pool = limits.pool;
    let mut pooling = PoolingAllocationConfig::default();
    pooling
        .total_component_instances(pool)
        .total_core_instances(pool.saturating_mul(8).max(limits::CORE_INSTANCES))
        .total_memories(pool)
        .total_tables(pool.saturating_mul(4).max(limits::TABLES))
        .total_stacks(pool)
        .max_core_instances_per_component(limits::CORE_INSTANCES)
        .max_memories_per_component(limits::MEMORIES)
        .max_tables_per_component(limits::TABLES)
        .max_component_instance_size(limits::INSTANCE_BYTES)
        .max_core_instance_size(limits::INSTANCE_BYTES)
        .max_memory_size(limits.memory_bytes)
        .table_elements(limits::TABLE_ELEMENTS)
        .max_unused_warm_slots(pool);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pooling
            .pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(MEMORY_KEPT_BYTES)
            .table_keep_resident(TABLE_KEPT_BYTES);
    }
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling));
    Engine::new(&config)
}

/// The engine of the compiler process: the same code, but nothing reserved to run it, and one thread.
pub fn compiler() -> wasmtime::Result<Engine> {
    let mut config = base();
    config.parallel_compilation(false);
    Engine::new(&config)
}

fn base() -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .consume_fuel(true)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .memory_guaranteed_dense_image_size(SPARSE_IMAGE_BYTES)
        .memory_reservation(RESERVED_BYTES)
        .memory_guard_size(GUARD_BYTES)
        .max_wasm_stack(limits::STACK_BYTES)
        .async_stack_size(limits::FIBRE_BYTES)
        // A trap's message is what the merchant sees; a stack of numbers adds nothing but time.
        .wasm_backtrace_max_frames(None)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .native_unwind_info(false)
        .generate_address_map(false);
    for (feature, on) in FEATURES {
        config.wasm_features(feature, on);
    }
    config
}

/// What guests may use of WebAssembly beyond the first version: what the tool chains for policies need. Everything that
/// only adds surface, or could make two machines answer differently, is off.
const FEATURES: [(WasmFeatures, bool); 15] = [
    (WasmFeatures::COMPONENT_MODEL, true),
    (WasmFeatures::SIMD, true),
    (WasmFeatures::BULK_MEMORY, true),
    (WasmFeatures::MULTI_VALUE, true),
    (WasmFeatures::REFERENCE_TYPES, true),
    (WasmFeatures::TAIL_CALL, true),
    (WasmFeatures::EXTENDED_CONST, true),
    // Not used by guests, but by the adapters that the runtime puts between the components of a composition.
    (WasmFeatures::MULTI_MEMORY, true),
    (WasmFeatures::RELAXED_SIMD, false),
    (WasmFeatures::MEMORY64, false),
    (WasmFeatures::THREADS, false),
    (WasmFeatures::FUNCTION_REFERENCES, false),
    (WasmFeatures::GC, false),
    (WasmFeatures::EXCEPTIONS, false),
    (WasmFeatures::CM_ASYNC, false),
];
