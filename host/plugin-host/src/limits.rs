//! Everything that a guest could take without end, with the bound and the reason for it.

use std::num::NonZeroU32;
use std::time::Duration;

/// Instructions of one call, as wasmtime counts them. The reference policies need some ten thousand for an order of
/// three lines, QuickJS a million, Python five. What is left is an endless loop, and this is how much of a core it may
/// burn: about 40 ms.
pub const FUEL: u64 = 50_000_000;

/// Further instructions for each byte of input, because a large order is more work: the reference routing takes 25 a
/// byte, an interpreted language some ten times that.
pub const FUEL_PER_INPUT_BYTE: u64 = 300;

/// Bytes of a guest that the host copies and checks for one instruction's price: about as fast as a guest's own
/// instructions are.
pub const HOST_BYTES_PER_FUEL: usize = 4;

/// The longest that a caller waits for one call, whatever the machine is busy with. Fuel is the limit that answers the
/// same everywhere; this one is for what fuel does not see, such as a machine under load.
pub const WALL: Duration = Duration::from_millis(1000);

/// How often a running guest is interrupted to give others a turn. A reference policy is over in a fortieth of it.
pub const TICK: Duration = Duration::from_millis(1);

/// Linear memory of one instance, all its memories together. A Python guest needs about 40 MiB.
pub const MEMORY_BYTES: usize = 64 << 20;

/// Linear memories of one component: its own and those of an adapter.
pub const MEMORIES: u32 = 4;

/// Elements of one table: the functions of the largest interpreter seen, four times over.
pub const TABLE_ELEMENTS: usize = 64 << 10;

/// Tables of one component. What the tool chains make has one or two per core module.
pub const TABLES: u32 = 8;

/// Core instances of one component: the guest, the shims around it, and adapters. Python's interpreter, whose libraries are
/// modules of their own, has 38.
pub const CORE_INSTANCES: u32 = 64;

/// Bytes of host structures for one instance, which grow with its functions and imports.
pub const INSTANCE_BYTES: usize = 1 << 20;

/// Calls at the same time in the whole process. Each has 4 GiB of addresses reserved (not memory), so that compiled code needs no
/// bounds checks: one of the 128 TiB that a process has.
pub const POOL: u32 = 256;

/// Calls at the same time of one merchant, so that it cannot take the whole pool. A call takes some ten microseconds:
/// more at once than the machine has cores only happens where the policy is slow.
pub const TENANT_CALLS: usize = 16;

/// Milliseconds of processor time that the slow calls of one merchant may take in a second, for each core: a tenth of the
/// machine, at a low priority. A loop without end has spent them soon and then slows its own merchant alone. A Python
/// policy of 5 ms has room for twenty calls a second and core.
pub const SLOW_MILLIS_PER_CORE: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// Instructions that all calls of one merchant may take in a second, for each core: about half of what a core executes. The
/// reference policies take some thirty thousand for an order, an interpreter some hundred thousand a call. Who has burnt
/// them waits for the next second, and nobody else does.
pub const FUEL_PER_SECOND_PER_CORE: NonZeroU32 = NonZeroU32::MIN.saturating_add(599_999_999);

/// How long a call waits for its turn before it is given up as `busy`.
pub const QUEUE_WAIT: Duration = Duration::from_millis(1000);

/// Text and structure handed to a guest. An order of 1,000 lines in 40 warehouses is about 3 MB.
pub const INPUT_BYTES: usize = 8 << 20;

/// What the host builds from an answer. Four plans of 1,000 lines, each split in two, are about 1 MB. A guest could
/// let many texts share the same bytes, so that this must be counted here and not in the guest's memory.
pub const OUTPUT_BYTES: usize = 2 << 20;

/// Lines that one call may write.
pub const LOG_LINES: usize = 100;

/// Bytes of one line; the rest is cut.
pub const LOG_LINE_BYTES: usize = 1024;

/// Bytes of all lines of one call: they are kept with the decision for years.
pub const LOG_BYTES: usize = 16 << 10;

/// The configuration of a binding, which is copied into every call and every decision.
pub const CONFIG_BYTES: usize = 64 << 10;

/// Native stack of a guest: deep recursion traps there.
pub const STACK_BYTES: usize = 512 << 10;

/// Native stack of the fibre that a guest and the host functions under it run on.
pub const FIBRE_BYTES: usize = 1 << 20;

/// A component as uploaded. Python with its interpreter has 18 MB.
pub const COMPONENT_BYTES: usize = 32 << 20;

/// Core modules within a component. What the tool chains make has 3 to 6, Python's about 30.
pub const MODULES: usize = 200;

/// Instances of core modules and components, each component's counted again wherever it is instantiated. The compiler
/// unfolds them, and a component that is twice the one before doubles with every line. What the tool chains make has one
/// for each interface that is exported, and composing multiplies no more than a few.
pub const INSTANCES: u64 = 1000;

/// How deep components may be nested in components.
pub const NESTING: usize = 8;

/// Functions of all modules together. Python's has 30 thousand.
pub const FUNCTIONS: u32 = 100_000;

/// Code of one function: the compiler's time and memory grow faster than that. The interpreter loops stay below 200 kB.
pub const FUNCTION_BYTES: usize = 1 << 20;

/// Data segments of all modules together.
pub const DATA_SEGMENTS: u32 = 100_000;

/// Imports of a component, and exports.
pub const IMPORTS: usize = 200;

/// Imports that are not offered, by name in a refusal. Who has more of them has another problem than one name.
pub const IMPORTS_NAMED: usize = 10;

/// Address space of the compiler process. An 18 MB component takes about 1.5 GB.
pub const COMPILER_ADDRESS_BYTES: u64 = 6 << 30;

/// Processor time of the compiler process. An 18 MB component takes 10 to 23 s on a busy machine.
pub const COMPILER_CPU_SECONDS: u64 = 120;

/// Wall clock of the compiler process, which runs at the lowest priority.
pub const COMPILER_WALL: Duration = Duration::from_secs(300);

/// The file that the compiler writes. What an interpreter is compiled to has two to three times its size, 36 MB for Python;
/// four times the largest component is a component that unfolds to something else.
pub const COMPILED_BYTES: u64 = 128 << 20;

/// Compiled components in memory, all together; what has not been asked for longest is loaded from the cache again when it
/// is. A policy in Rust has some 200 kB, an interpreter tens of megabytes.
pub const LOADED_BYTES: u64 = 2 << 30;

/// Compilations at the same time in the whole process: each takes a core and up to gigabytes.
pub const COMPILERS: usize = 1;

/// The limits that one host applies to a call. `Default` takes the constants; tests lower them.
#[derive(Debug, Clone)]
pub struct Limits {
    /// See [`FUEL`].
    pub fuel: u64,
    /// See [`FUEL_PER_INPUT_BYTE`].
    pub fuel_per_input_byte: u64,
    /// See [`WALL`].
    pub wall: Duration,
    /// See [`MEMORY_BYTES`].
    pub memory_bytes: usize,
    /// See [`POOL`].
    pub pool: u32,
    /// See [`TENANT_CALLS`].
    pub tenant_calls: usize,
    /// See [`SLOW_MILLIS_PER_CORE`].
    pub slow_millis_per_core: NonZeroU32,
    /// See [`FUEL_PER_SECOND_PER_CORE`].
    pub fuel_per_second_per_core: NonZeroU32,
    /// See [`QUEUE_WAIT`].
    pub queue_wait: Duration,
    /// See [`INPUT_BYTES`].
    pub input_bytes: usize,
    /// See [`OUTPUT_BYTES`].
    pub output_bytes: usize,
    /// See [`COMPILER_WALL`].
    pub compiler_wall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: FUEL,
            fuel_per_input_byte: FUEL_PER_INPUT_BYTE,
            wall: WALL,
            memory_bytes: MEMORY_BYTES,
            pool: POOL,
            tenant_calls: TENANT_CALLS,
            slow_millis_per_core: SLOW_MILLIS_PER_CORE,
            fuel_per_second_per_core: FUEL_PER_SECOND_PER_CORE,
            queue_wait: QUEUE_WAIT,
            input_bytes: INPUT_BYTES,
            output_bytes: OUTPUT_BYTES,
            compiler_wall: COMPILER_WALL,
        }
    }
}
