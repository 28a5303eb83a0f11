//! The stock levels that the writer has seen, so that neither it nor a placement reads them again.
//!
//! The directory's lock keeps other processes out, and stock changes through the writer alone: what it last read or wrote
//! of a SKU is what the database holds. Only the writer puts levels in. PostgreSQL, which others write to as well, has no
//! such memory: nothing is ever put in.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::ids::{Sku, TenantId};

use crate::resolve::Level;

/// Beyond so many SKUs everything is forgotten: they are some tens of megabytes, and read again in no time.
const SKUS_MAX: usize = 200_000;

/// A SKU of a merchant.
type Key = (TenantId, Sku);

/// What is known, by SKU: the rows of all its warehouses, sorted by warehouse.
#[derive(Debug, Default)]
pub(crate) struct Levels(Mutex<HashMap<Key, Vec<Level>>>);

impl Levels {
    /// The rows of the SKUs that are known, and the SKUs that have to be read.
    pub fn split<'w>(&self, wanted: impl IntoIterator<Item = &'w Key>) -> (Vec<Level>, Vec<&'w Key>) {
        let known = self.lock();
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        for key in wanted {
            match known.get(key) {
                Some(levels) => found.extend_from_slice(levels),
                None => unknown.push(key),
            }
        }
        (found, unknown)
    }

    /// Keeps what the writer has read of these SKUs; those without a row are known to have none.
    pub fn learn(&self, read: &[&Key], rows: &[Level]) {
        let mut known = self.lock();
        if known.len() + read.len() > SKUS_MAX {
            known.clear();
        }
        known.extend(read.iter().map(|key| ((*key).clone(), Vec::new())));
        write(&mut known, rows);
    }

    /// Keeps what the writer has committed.
    pub fn write(&self, rows: &[Level]) {
        write(&mut self.lock(), rows);
    }

    /// Nothing is known any more: a commit failed, and what the database holds has to be read.
    pub fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Vec<Level>>> {
        // A panic under the lock leaves a map that is whole, and the writer's death closes the store.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(known: &mut HashMap<Key, Vec<Level>>, rows: &[Level]) {
    for row in rows {
        // A SKU that is not known is read when it is next wanted.
        let Some(levels) = known.get_mut(&(row.tenant, row.sku.clone())) else { continue };
        match levels.binary_search_by(|level| level.warehouse.cmp(&row.warehouse)) {
            Ok(place) => levels[place].clone_from(row),
            Err(place) => levels.insert(place, row.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::WarehouseId;
    use uuid::Uuid;

    use super::*;

    fn key(sku: &str) -> Key {
        (TenantId::new(Uuid::from_u128(1)), Sku::parse(sku).unwrap())
    }

    fn row(sku: &str, warehouse: &str, on_hand: i64) -> Level {
        let (tenant, sku) = key(sku);
        Level { tenant, sku, warehouse: WarehouseId::parse(warehouse).unwrap(), on_hand, reserved: 0 }
    }

    #[test]
    fn what_was_read_and_written_since_is_known() {
        let levels = Levels::default();
        let (mug, tea, hat) = (key("MUG"), key("TEA"), key("HAT"));
        assert_eq!(levels.split([&mug, &tea]), (vec![], vec![&mug, &tea]));
        levels.learn(&[&mug, &tea], &[row("MUG", "NYC", 5)]);
        levels.write(&[row("MUG", "NYC", 4), row("TEA", "LAX", 9), row("HAT", "NYC", 1)]);
        // Nobody has read how much of the hat the other warehouses have.
        assert_eq!(levels.split([&mug, &tea, &hat]), (vec![row("MUG", "NYC", 4), row("TEA", "LAX", 9)], vec![&hat]));
        levels.forget();
        assert_eq!(levels.split([&mug]), (vec![], vec![&mug]));
    }

    #[test]
    fn memory_is_bounded() {
        let levels = Levels::default();
        let many: Vec<Key> = (0..SKUS_MAX).map(|n| key(&format!("SKU-{n}"))).collect();
        levels.learn(&many.iter().collect::<Vec<_>>(), &[]);
        let mug = key("MUG");
        levels.learn(&[&mug], &[]);
        assert_eq!(levels.split(&many).1.len(), SKUS_MAX);
        assert!(levels.split([&mug]).1.is_empty());
    }
}
