//! The clock of running guests: advances the engine's epoch while there is anything to interrupt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, Thread};

use wasmtime::Engine;

use crate::limits::TICK;

/// How many ticks without any call before the thread goes to sleep. Waking it costs microseconds, which a busy host
/// never pays; ticking on costs an idle one a thousand wake-ups a second, which it stops paying after this.
const IDLE_TICKS: u32 = 200;

#[derive(Debug, Default)]
struct Shared {
    calls: AtomicUsize,
    asleep: AtomicBool,
    stop: AtomicBool,
}

/// The ticking thread. It ends when this is dropped.
#[derive(Debug)]
pub struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// While this lives, the epoch advances.
pub struct Running(Arc<Shared>);

impl Ticker {
    pub fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (engine, seen) = (engine.weak(), Arc::clone(&shared));
        let run = move || {
            let mut idle = 0;
            while !seen.stop.load(Ordering::SeqCst) {
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
                idle = if seen.calls.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
                if idle > IDLE_TICKS {
                    sleep(&seen);
                    idle = 0;
                }
                drop(engine);
                pause();
            }
        };
        let thread = thread::Builder::new().name("policy-ticker".into()).spawn(run)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Announces a call.
    pub fn run(&self) -> Running {
        // Either the ticker sees this call before it sleeps, or we see that it is asleep: both sides write first and
        // read then, in one total order.
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
        Running(Arc::clone(&self.shared))
    }

    fn wake(&self) {
        self.thread.as_ref().map(JoinHandle::thread).map(Thread::unpark);
    }
}

#[expect(clippy::disallowed_methods, reason = "the ticker has a thread of its own, on which no task runs")]
fn pause() {
    thread::sleep(TICK);
}

fn sleep(shared: &Shared) {
    shared.asleep.store(true, Ordering::SeqCst);
    while shared.calls.load(Ordering::SeqCst) == 0 && !shared.stop.load(Ordering::SeqCst) {
        thread::park();
    }
    shared.asleep.store(false, Ordering::SeqCst);
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // It cannot panic, and there is nothing to do if it did.
            let _ = thread.join();
        }
    }
}
