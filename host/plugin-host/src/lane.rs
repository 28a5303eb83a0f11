//! Where calls go on that have become slow: threads of a low priority, apart from those that serve requests.
//!
//! On an idle machine a slow policy runs there as fast as anywhere. On a busy one it gets what quick calls and requests
//! leave over, and a small share beside them; so an endless loop takes nobody's time.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tokio::runtime::{Builder, Runtime};
use tokio_util::task::AbortOnDropHandle;

/// The nice value of the threads: about a tenth of the weight of a thread that serves requests. The lowest priority would
/// let a slow policy starve for as long as the machine is busy.
const NICE: i32 = 10;

/// The threads for slow calls.
#[derive(Debug)]
pub struct Lane(Option<Runtime>);

/// The lane was closed, or the call crashed the host's side of it.
#[derive(Debug)]
pub struct Lost;

impl Lane {
    /// # Errors
    /// Where the system gives no threads.
    pub fn start(threads: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("policy-slow")
            .enable_time()
            .on_thread_start(|| {
                // Of this thread alone, as Linux counts. Where it is not allowed, slow calls are only less polite.
                if let Err(error) = rustix::process::setpriority_process(None, NICE) {
                    tracing::warn!(%error, "the threads for slow policies keep the usual priority");
                }
            })
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a call where the caller is, until it is over or has become slow; then the rest of it in the lane. Given up
    /// with its caller.
    ///
    /// # Errors
    /// [`Lost`] where the lane did not bring the call to its end.
    pub async fn carry<T: Send + 'static>(
        &self,
        mut call: Pin<Box<dyn Future<Output = T> + Send>>,
        is_slow: &AtomicBool,
    ) -> Result<T, Lost> {
        let here = poll_fn(|context| match call.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if is_slow.load(Ordering::Relaxed) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        if let Some(answer) = here.await {
            return Ok(answer);
        }
        let runtime = self.0.as_ref().ok_or(Lost)?;
        AbortOnDropHandle::new(runtime.spawn(call)).await.map_err(|_| Lost)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // The host may be dropped within a task, where nothing may wait for threads to end.
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    fn nice() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    /// A call that is over at once, or becomes slow first; it tells the threads that it began and ended on.
    async fn call(slow: Option<Arc<AtomicBool>>) -> [(thread::ThreadId, i32); 2] {
        let here = || (thread::current().id(), nice());
        let began = here();
        if let Some(slow) = slow {
            slow.store(true, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
        [began, here()]
    }

    #[tokio::test]
    async fn only_a_slow_call_goes_on_at_a_low_priority() {
        let lane = Lane::start(1).unwrap();
        let slow = Arc::new(AtomicBool::new(false));
        let [began, ended] = lane.carry(Box::pin(call(None)), &slow).await.unwrap();
        assert_eq!(began, ended);
        assert_eq!(began, (thread::current().id(), nice()));
        let [began, ended] = lane.carry(Box::pin(call(Some(Arc::clone(&slow)))), &slow).await.unwrap();
        assert_eq!(began, (thread::current().id(), nice()));
        assert_ne!(began.0, ended.0);
        assert_eq!(ended.1, nice() + NICE);
    }

    #[tokio::test]
    async fn a_call_is_given_up_with_its_caller() {
        let lane = Lane::start(1).unwrap();
        let slow = Arc::new(AtomicBool::new(true));
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let endless = async move {
            let _held = held;
            std::future::pending::<()>().await;
        };
        assert!(
            tokio::time::timeout(std::time::Duration::from_millis(20), lane.carry(Box::pin(endless), &slow))
                .await
                .is_err()
        );
        while Arc::strong_count(&alive) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
