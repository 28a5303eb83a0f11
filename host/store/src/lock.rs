//! The lock on a directory: one process at a time.
//!
//! It belongs to an open file, and a process that is just being started has every file of its parent open until it
//! becomes another program. So it is given up in so many words, and waited for where the last owner was killed.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::Error;

/// The file that is locked.
const FILE: &str = "orderwright.lock";
/// How long it is waited for. A killed process ends once what it had asked of the disk is done; what it was just starting
/// keeps its lock for about a millisecond, or for as long as a busy machine makes of it.
const LEFT_OVER_MAX: Duration = Duration::from_secs(2);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// The lock, held for as long as this lives.
pub(crate) struct Lock(File);

impl Lock {
    /// Locks a directory.
    ///
    /// # Errors
    /// [`Error::Locked`] where another process has it, [`Error::Directory`] where it cannot be used.
    pub async fn take(directory: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Directory { directory: directory.to_owned(), source: Arc::new(source) };
        let open = || OpenOptions::new().create(true).truncate(false).write(true).open(directory.join(FILE));
        let file = open().map_err(failed)?;
        let deadline = Instant::now() + LEFT_OVER_MAX;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
                Err(TryLockError::WouldBlock) => return Err(Error::Locked(directory.to_owned())),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Where this fails, closing the file still gives the lock up, if perhaps a moment later.
        let _closed_soon = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_that_is_given_up_is_free_whoever_has_the_file_open() {
        let directory = tempfile::tempdir().unwrap();
        let lock = Lock::take(directory.path()).await.unwrap();
        // What a process that is being started has.
        let inherited = lock.0.try_clone().unwrap();
        assert!(matches!(Lock::take(directory.path()).await, Err(Error::Locked(_))));
        drop(lock);
        let other = File::open(directory.path().join(FILE)).unwrap();
        other.try_lock().unwrap();
        drop(inherited);
    }

    #[tokio::test]
    async fn a_lock_that_a_killed_process_left_over_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let killed = File::create(directory.path().join(FILE)).unwrap();
        killed.lock().unwrap();
        let inherited = killed.try_clone().unwrap();
        drop(killed);
        let becoming_another_program = tokio::spawn(async move {
            tokio::time::sleep(5 * PAUSE).await;
            drop(inherited);
        });
        assert!(Lock::take(directory.path()).await.is_ok());
        becoming_another_program.await.unwrap();
    }
}
