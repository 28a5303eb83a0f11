//! Addresses at which providers call: one in force for each binding of an adapter, beyond guessing, and replaceable.

use domain::hooks::Slot;
use domain::ids::TenantId;
use domain::time::Timestamp;
use ring::digest;
use store::CallbackAddress;

use crate::hooks::Refusal;
use crate::merchant::Caller;
use crate::{App, Error, clock};

/// How long an address that was replaced is good, where nobody says: long enough to tell a provider of the new one.
pub const GRACE_SECONDS: u32 = 86_400;
/// The longest that it may be good.
pub const GRACE_SECONDS_MAX: u32 = 30 * 86_400;

/// 160 random bits in base 32: beyond guessing.
const TOKEN_CHARS: usize = 32;
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Where a provider calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The last segment of its path.
    pub token: String,
    /// Until when the address before it is good; none where there is none.
    pub earlier_until: Option<Timestamp>,
}

impl App {
    /// The address of an adapter's binding. A binding that has none gets one.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn callback_address(&self, tenant: TenantId, slot: &Slot) -> Result<Address, Error> {
        if let Some(address) = self.address_in_force(tenant, slot).await? {
            return Ok(address);
        }
        let now = clock::now();
        self.store().put_callback_address(&self.fresh_address(tenant, slot, now), now, true).await?;
        let address = self.address_in_force(tenant, slot).await?;
        address.ok_or_else(|| Error::Internal("an address that was just made is not there".to_owned()))
    }

    /// Gives an adapter's binding another address. The one before is good for so many seconds more.
    ///
    /// # Errors
    /// [`Refusal::NotBound`]
    pub async fn rotate_callback_address(
        &self,
        caller: &Caller,
        slot: &Slot,
        grace_seconds: u32,
    ) -> Result<Address, Refusal> {
        let (tenant, now) = (caller.tenant(), clock::now());
        if self.bound_at(tenant, slot).await?.is_nothing() {
            return Err(Refusal::NotBound(slot.clone()));
        }
        let earlier_until = now.plus_seconds(i64::from(grace_seconds.min(GRACE_SECONDS_MAX)));
        let address = self.fresh_address(tenant, slot, now);
        self.store().put_callback_address(&address, earlier_until, false).await?;
        tracing::info!(%tenant, %slot, actor = caller.actor(), "a callback address was replaced");
        let address = self.address_in_force(tenant, slot).await?;
        Ok(address.ok_or_else(|| Error::Internal("an address that was just made is not there".to_owned()))?)
    }

    /// What was told at an adapter's binding, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn callback_events(
        &self,
        tenant: TenantId,
        slot: &Slot,
        limit: u32,
    ) -> Result<Vec<store::CallbackEvent>, Error> {
        Ok(self.store().callback_events(tenant, &slot.to_string(), limit).await?)
    }

    /// Whose address this is.
    pub(super) async fn called_at(&self, token: &str) -> Result<Option<(TenantId, Slot)>, Error> {
        if !is_well_formed(token) {
            return Ok(None);
        }
        let Some(address) = self.store().callback_address(&hash(token), clock::now()).await? else { return Ok(None) };
        Ok(Some((address.tenant, crate::policies::slot_named(&address.hook)?)))
    }

    async fn address_in_force(&self, tenant: TenantId, slot: &Slot) -> Result<Option<Address>, Error> {
        let addresses = self.store().callback_addresses(tenant, &slot.to_string(), clock::now()).await?;
        let Some(newest) = addresses.first() else { return Ok(None) };
        let token = self.keyring().open_sealed(&newest.sealed_token);
        let token = token.ok_or_else(|| Error::Internal("an address was sealed by another instance".to_owned()))?;
        Ok(Some(Address { token, earlier_until: addresses.get(1).and_then(|earlier| earlier.ends_at) }))
    }

    fn fresh_address(&self, tenant: TenantId, slot: &Slot, now: Timestamp) -> CallbackAddress {
        let mut bytes = [0u8; TOKEN_CHARS];
        self.keyring().fill(&mut bytes);
        let token: String = bytes.iter().map(|b| char::from(BASE32[usize::from(b & 31)])).collect();
        CallbackAddress {
            token_hash: hash(&token),
            tenant,
            hook: slot.to_string(),
            sealed_token: self.keyring().seal(&token),
            created_at: now,
            ends_at: None,
        }
    }
}

fn is_well_formed(token: &str) -> bool {
    token.len() == TOKEN_CHARS && token.bytes().all(|b| BASE32.contains(&b))
}

fn hash(token: &str) -> [u8; 32] {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}
