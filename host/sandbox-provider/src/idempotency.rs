//! Idempotency keys. Whether a request was executed before is decided inside the transaction that executes it, so
//! that neither a crash nor a client that goes away can make it happen twice.

use crate::command::{Command, Context, Error, after};
use crate::problem::Problem;
use crate::records::{KeyRecord, Saved};
use crate::store::{self, Book};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// What became of a request.
#[derive(Debug)]
pub enum Verdict {
    /// Executed now.
    Executed {
        /// The answer.
        answer: Saved,
        /// Whether this request is left without it.
        is_silent: bool,
    },
    /// Executed before: the answer of then.
    Replayed(Saved),
    /// Not executed.
    Refused(Problem),
}

/// Executes a command unless its key was used before.
pub fn execute(book: &mut Book<'_>, key: &str, command: Command, context: &Context) -> Result<Verdict, store::Error> {
    let fingerprint = command.fingerprint();
    let mut record = match book.key(key)? {
        Some(record) if record.fingerprint != fingerprint => {
            return Ok(Verdict::Refused(Problem::idempotency_mismatch()));
        }
        Some(KeyRecord { answer: Some(answer), .. }) => return Ok(Verdict::Replayed(answer)),
        Some(record) => record,
        None => {
            KeyRecord { fingerprint, expires_at: after(book.now(), context.idempotency), failures: 0, answer: None }
        }
    };
    let method = command.method(book)?;
    if method.is_some_and(|method| record.failures < method.failures(command.operation())) {
        record.failures += 1;
        book.put_key(key, &record)?;
        return Ok(Verdict::Refused(Problem::flaky()));
    }
    match command.execute(book, context) {
        Ok(executed) => {
            record.answer = Some(executed.answer.clone());
            book.put_key(key, &record)?;
            Ok(Verdict::Executed { answer: executed.answer, is_silent: executed.is_silent })
        }
        Err(Error::Refused(problem)) => Ok(Verdict::Refused(problem)),
        Err(Error::Store(error)) => Err(error),
    }
}

/// The keys whose requests are being executed.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<Mutex<HashSet<String>>>);

/// Holds a key until it is dropped.
#[derive(Debug)]
pub struct InFlightGuard {
    keys: InFlight,
    key: String,
}

impl InFlight {
    /// Claims a key. `None` while another request holds it.
    pub fn claim(&self, key: &str) -> Option<InFlightGuard> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key.to_owned()).then(|| InFlightGuard { keys: self.clone(), key: key.to_owned() })
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let mut keys = self.keys.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_free_again_when_its_request_ends() {
        let keys = InFlight::default();
        let first = keys.claim("a");
        assert!(first.is_some());
        assert!(keys.claim("a").is_none());
        assert!(keys.claim("b").is_some());
        drop(first);
        assert!(keys.claim("a").is_some());
    }
}
