//! Sealing and opening of personal data.
//!
//! Each customer's data is encrypted under keys that belong to the customer; destroying them makes every copy unreadable,
//! in documents, events and backups, while the hash chains stay whole.

use std::collections::{BTreeSet, HashMap};

use domain::ids::{CustomerId, OrderId, SealKeyId, TenantId};
use domain::order::{Order, Personal, Sealed};
use uuid::Uuid;

use crate::keyring::{Key, Keyring};
use crate::{App, Error};

impl App {
    /// Seals personal data, with the key row to be committed beside it (none where the key is stored already).
    ///
    /// A returning customer's last key is used again while it is in memory; a customer may have several.
    pub(crate) fn seal_personal(
        &self,
        tenant: TenantId,
        order_id: OrderId,
        customer: Option<&CustomerId>,
        personal: &Personal,
    ) -> Result<(Option<Sealed>, Option<store::SealKey>), Error> {
        if *personal == Personal::default() {
            return Ok((None, None));
        }
        let plain = serde_json::to_vec(personal)?;
        let cached = customer.and_then(|c| self.caches().customer_keys.get(&(tenant, c.clone())));
        if let Some((key_id, key)) = cached {
            return Ok((Some(Sealed { key_id, data: self.keyring().seal_with(&key, &plain) }), None));
        }
        let key = self.keyring().fresh_key();
        let seal_key_id = SealKeyId::new(Uuid::now_v7());
        self.caches().recent_keys.insert((tenant, seal_key_id), key);
        let row = store::SealKey {
            seal_key_id,
            customer_id: customer.cloned(),
            order_id: customer.is_none().then_some(order_id),
            wrapped_key: self.keyring().wrap(&key),
        };
        Ok((Some(Sealed { key_id: seal_key_id, data: self.keyring().seal_with(&key, &plain) }), Some(row)))
    }

    /// Remembers a customer's key once it is committed.
    pub(crate) fn remember_seal_key(&self, tenant: TenantId, row: &store::SealKey) {
        if let (Some(customer), Some(key)) = (&row.customer_id, self.keyring().unwrap(&row.wrapped_key)) {
            self.caches().customer_keys.insert((tenant, customer.clone()), (row.seal_key_id, key));
        }
    }

    /// Opens the personal data of orders of one merchant, in their order. None where there is none or it was erased.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn personal(&self, orders: &[&Order]) -> Result<Vec<Option<Personal>>, Error> {
        let mut wanted: HashMap<TenantId, BTreeSet<SealKeyId>> = HashMap::new();
        let mut keys: HashMap<(TenantId, SealKeyId), Key> = HashMap::new();
        for order in orders {
            let Some(sealed) = &order.personal else { continue };
            let id = (order.tenant_id, sealed.key_id);
            if let Some(key) = self.caches().recent_keys.get(&id) {
                keys.insert(id, key);
            } else {
                wanted.entry(order.tenant_id).or_default().insert(sealed.key_id);
            }
        }
        for (tenant, ids) in wanted {
            let ids: Vec<_> = ids.into_iter().collect();
            for row in self.store().seal_keys(tenant, &ids).await? {
                if let Some(key) = self.keyring().unwrap(&row.wrapped_key) {
                    keys.insert((tenant, row.seal_key_id), key);
                }
            }
        }
        let open = |order: &&Order| {
            let sealed = order.personal.as_ref()?;
            let key = keys.get(&(order.tenant_id, sealed.key_id))?;
            serde_json::from_slice(&Keyring::open_with(key, &sealed.data)?).ok()
        };
        Ok(orders.iter().map(open).collect())
    }
}
