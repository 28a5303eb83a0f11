//! The state of one call, which is also what wasmtime asks before memory grows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::time::timeout_at;
use wasmtime::{ResourceLimiter, StoreContextMut, UpdateDeadline};

use crate::limits::{CORE_INSTANCES, HOST_BYTES_PER_FUEL, MEMORIES, TABLE_ELEMENTS, TABLES, TICK};
use crate::log::Log;
use crate::turns::Tenant;
use crate::wasi::World;

/// Why the host stopped a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The wall clock ran out.
    #[error("the wall clock ran out")]
    TimedOut,
    /// It asked for more memory or table space than it may have.
    #[error("the memory limit was reached")]
    Memory,
}

/// What belongs to one call and is thrown away with it.
pub struct State {
    /// What the guest wrote.
    pub log: Log,
    /// What it sees of the world, if its tool chain makes it look.
    pub world: World,
    memory_bytes_left: usize,
    deadline: Instant,
    tenant: Arc<Tenant>,
    /// Whether it has run for more than a tick, and has to go on in the slow lane.
    is_slow: Arc<AtomicBool>,
    slice: Arc<Mutex<Slice>>,
}

/// The time from one tick to the next, begun by the future that a yield waits on: what the thread had spent when the
/// guest began to run on it. None in a call's first slice: almost every call is over within it, and the clock of a thread
/// is dear to read.
type Slice = Option<Duration>;

impl State {
    pub fn new(world: World, memory_bytes: usize, wall: Duration, tenant: Arc<Tenant>) -> Self {
        Self {
            log: Log::default(),
            world,
            memory_bytes_left: memory_bytes,
            deadline: Instant::now() + wall,
            tenant,
            is_slow: Arc::default(),
            slice: Arc::default(),
        }
    }

    /// Turns true where the call has to go on in the slow lane.
    pub fn is_slow(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_slow)
    }
}

/// Called at a tick while the guest runs: ends it, or lets others have a turn.
///
/// A guest that has run for more than a tick goes on only in the slow lane, so that endless loops cannot keep quick calls
/// and requests waiting. It gives its thread up at every tick: all that are slow get on equally. And what it has run comes
/// out of the processor time that its merchant's slow calls have in a second: who has spent it waits, and nobody else
/// does. The time is measured, because on a busy machine a tick is late.
pub fn tick(mut store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
    let state = store.data_mut();
    if Instant::now() >= state.deadline {
        return Err(Stop::TimedOut.into());
    }
    state.is_slow.store(true, Ordering::Relaxed);
    let (tenant, deadline, slice) = (Arc::clone(&state.tenant), state.deadline, Arc::clone(&state.slice));
    // The guest has run on this thread since the slice began; before the first tick it may run for two.
    let ran = lock(&slice).map_or(2 * TICK, |since| thread_time().saturating_sub(since));
    let wait = async move {
        tokio::task::yield_now().await;
        // Whose time is up while it waits is ended by the next tick.
        let _paid = timeout_at(deadline.into(), tenant.spend(ran)).await;
        *lock(&slice) = Some(thread_time());
    };
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(wait)))
}

/// Takes the instructions that the host's own work on so many of the guest's bytes is worth. Without it a guest could have
/// the host read megabytes for the price of a call, for as long as the clock lets it.
///
/// # Errors
/// Where they are used up.
pub fn charge(store: &mut StoreContextMut<'_, State>, bytes: usize) -> wasmtime::Result<()> {
    let left = store.get_fuel()?.checked_sub((bytes / HOST_BYTES_PER_FUEL) as u64);
    store.set_fuel(left.unwrap_or(0))?;
    left.map(drop).ok_or_else(|| wasmtime::Trap::OutOfFuel.into())
}

fn lock(slice: &Mutex<Slice>) -> std::sync::MutexGuard<'_, Slice> {
    slice.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The processor time that this thread has spent.
fn thread_time() -> Duration {
    cpu_time::ThreadTime::now().as_duration()
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // An error ends the call and says why. Refusing instead would let each language's allocator die its own way.
        let more = desired.saturating_sub(current);
        self.memory_bytes_left = self.memory_bytes_left.checked_sub(more).ok_or(Stop::Memory)?;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired > TABLE_ELEMENTS {
            return Err(Stop::Memory.into());
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }
}
