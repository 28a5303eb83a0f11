//! A task that serves everybody else runs on a thread of its own.
//!
//! The writer waits for the driver a dozen times a batch. As a task among hundreds of others it would wait each time until
//! a worker has come to it in its queue; a thread that wakes up is scheduled at once.

use std::io;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Resolves when the task has ended; to an error where it panicked.
pub(crate) type Finished = oneshot::Receiver<()>;

/// Starts a task on a thread of its own. It may use the runtime of the caller.
///
/// # Errors
/// Where the system gives no thread.
pub(crate) fn spawn(name: &str, task: impl Future<Output = ()> + Send + 'static) -> io::Result<Finished> {
    let (ended, finished) = oneshot::channel();
    let runtime = Handle::current();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        runtime.block_on(task);
        let _nobody_waits = ended.send(());
    })?;
    Ok(finished)
}
