//! Locks on files.
//!
//! A lock belongs to an open file, and a process that is just being started has every file of its parent open until it
//! becomes another program: a parent that only closes the file leaves the lock to its child for that moment. So a lock
//! is given up in so many words.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a lock is waited for that may be left over. A process that was killed has given up nothing in so many words,
/// and what it was just starting keeps its locks for about a millisecond, or for as long as a busy machine makes of it.
const LEFT_OVER_MAX: Duration = Duration::from_secs(1);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// A lock on a file, held for as long as this lives.
#[derive(Debug)]
pub(super) struct FileLock(File);

impl FileLock {
    /// Locks a file, which is made if it is missing. None where somebody else has the lock.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The same, where the last owner may have been killed a moment ago.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn take_over(path: &Path) -> io::Result<Option<Self>> {
        let deadline = Instant::now() + LEFT_OVER_MAX;
        loop {
            match Self::take(path)? {
                None if Instant::now() < deadline => pause(),
                taken => return Ok(taken),
            }
        }
    }

    /// Locks a file once whoever has the lock gives it up.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn wait(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        file.lock()?;
        Ok(Self(file))
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Where this fails, closing the file still gives the lock up, if perhaps a moment later.
        self.0.unlock().ok();
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}

#[expect(clippy::disallowed_methods, reason = "everything in this crate blocks, and says so")]
fn pause() {
    std::thread::sleep(PAUSE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_given_up_is_free_whoever_has_the_file_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = FileLock::take(&path).unwrap().unwrap();
        // What a process that is being started has.
        let inherited = lock.0.try_clone().unwrap();
        assert!(FileLock::take(&path).unwrap().is_none());
        drop(lock);
        assert!(FileLock::take(&path).unwrap().is_some());
        drop(inherited);
    }

    #[test]
    fn a_lock_that_a_killed_process_left_over_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let killed = open(&path).unwrap();
        killed.lock().unwrap();
        let inherited = killed.try_clone().unwrap();
        drop(killed);
        assert!(FileLock::take(&path).unwrap().is_none());
        let becoming_another_program = std::thread::spawn(move || {
            std::thread::park_timeout(5 * PAUSE);
            drop(inherited);
        });
        assert!(FileLock::take_over(&path).unwrap().is_some());
        becoming_another_program.join().unwrap();
    }

    #[test]
    fn a_lock_that_is_held_is_not_waited_for_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = FileLock::take(&path).unwrap();
        assert!(FileLock::take_over(&path).unwrap().is_none());
        drop(held);
        drop(FileLock::wait(&path).unwrap());
    }
}
