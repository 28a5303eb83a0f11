//! Telling those who wait for an order that it has changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::OrderId;
use tokio::sync::Notify;

/// Who waits for which order, in this process.
#[derive(Default)]
pub(crate) struct Changes {
    waiting: Mutex<HashMap<OrderId, Arc<Notify>>>,
}

impl Changes {
    /// Ends when the order changes after this call.
    pub fn subscribe(self: &Arc<Self>, order_id: OrderId) -> impl Future<Output = ()> + use<> {
        let notify = Arc::clone(self.lock().entry(order_id).or_default());
        let mut notified = Box::pin(notify.notified_owned());
        // Registers now, not at the first poll: a change between the two must not be missed.
        notified.as_mut().enable();
        let changes = Arc::clone(self);
        async move {
            let _forget = Forget { changes, order_id };
            notified.await;
        }
    }

    /// Wakes everybody who waits for the order.
    pub fn announce(&self, order_id: OrderId) {
        if let Some(notify) = self.lock().remove(&order_id) {
            notify.notify_waiters();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<OrderId, Arc<Notify>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the entry when nobody else waits, so that orders that never change do not pile up.
struct Forget {
    changes: Arc<Changes>,
    order_id: OrderId,
}

impl Drop for Forget {
    fn drop(&mut self) {
        let mut waiting = self.changes.lock();
        if waiting.get(&self.order_id).is_some_and(|notify| Arc::strong_count(notify) <= 2) {
            waiting.remove(&self.order_id);
        }
    }
}
