//! What decides which hook of a merchant, and what speaks to whom: what is bound, and what ever was.
//!
//! A policy's hook has one binding; an adapter's has as many as the merchant names, such as `carrier/ups`.

mod bind;
mod install;

pub use install::Install;

use std::collections::BTreeMap;

use domain::hooks::{FailurePolicy, Hook, PersonalFields, Slot};
use domain::ids::TenantId;
use domain::time::Timestamp;

use crate::candidates::{Candidate, Mode};
use crate::plugins::Status;
use crate::policies::{failure_policy_named, slot_named};
use crate::{App, Error};

/// The name that stands for the built-in default in place of a plugin's. An adapter's hook has none: there it stands for
/// nothing at all.
pub const NATIVE: &str = "native";

/// What decides a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The hook, and which binding of an adapter's.
    pub slot: Slot,
    /// The plugin's name, or [`NATIVE`].
    pub plugin: String,
    /// Its version; empty for the built-in default.
    pub version: String,
    /// SHA-256 of the component; none for the built-in default.
    pub digest: Option<String>,
    /// A JSON object that the component understands.
    pub config: String,
    /// What happens when it fails.
    pub on_failure: FailurePolicy,
    /// The hosts that an adapter may speak to, `host:port`.
    pub hosts: Vec<String>,
    /// The secrets that an adapter may use beside those that its configuration names.
    pub secrets: Vec<String>,
    /// The personal fields that the merchant lets it have; it has those of them that it asks for.
    pub fields: PersonalFields,
    /// A version that decides beside it or in its place.
    pub candidate: Option<Candidate>,
    /// Counts the changes; 0 where nothing was ever bound.
    pub revision: u64,
    /// Who bound it.
    pub actor: String,
    /// When; none where nothing was ever bound.
    pub updated_at: Option<Timestamp>,
}

/// What a merchant wants to decide a hook.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The plugin's name or id, or [`NATIVE`].
    pub plugin: String,
    /// Its newest version that is ready where none is given.
    pub version: Option<String>,
    /// A JSON object that the component understands.
    pub config: String,
    /// The hook's usual policy where none is given.
    pub on_failure: Option<FailurePolicy>,
    /// The hosts that an adapter may speak to, `host:port`.
    pub hosts: Vec<String>,
    /// The secrets that an adapter may use beside those that its configuration names.
    pub secrets: Vec<String>,
    /// The personal fields that it may have. Where nothing is said, what the plugin may have now, and nothing it asks for
    /// may be missing from that.
    pub fields: Option<PersonalFields>,
    /// Another version of the plugin that decides beside it or in its place.
    pub candidate: Option<WantedCandidate>,
}

/// What a merchant wants to try beside what decides.
#[derive(Debug, Clone)]
pub struct WantedCandidate {
    /// The version of the bound plugin.
    pub version: String,
    /// How it decides.
    pub mode: Mode,
    /// Of a canary: the share of orders, 1 to 100.
    pub percent: Option<u8>,
    /// The share of failing calls above which a canary is taken back; [`crate::candidates::FAILURE_PERCENT`] where none is given.
    pub max_failure_percent: Option<u8>,
    /// The share of different answers above which a canary is taken back.
    pub max_drift_percent: Option<u8>,
}

/// Why a hook is not bound.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such plugin.
    #[error("there is no plugin `{0}`")]
    NoPlugin(String),
    /// There is no such version of it.
    #[error("the plugin has no version {0:?}")]
    NoVersion(String),
    /// The version cannot be bound, or not yet.
    #[error("version {version} is {}", status.name())]
    NotReady {
        /// Which.
        version: String,
        /// What it is instead.
        status: Status,
    },
    /// The plugin serves another hook.
    #[error("the plugin serves the hook `{}`", .0.name())]
    OtherHook(Hook),
    /// The hook has no built-in default.
    #[error("the hook has no built-in default")]
    NoNative,
    /// The binding has changed.
    #[error("the binding is at revision {current}")]
    Changed {
        /// The revision that counts now.
        current: u64,
    },
    /// An adapter's operations stay with the version that began them, and the built-in default has no versions.
    #[error("this hook cannot have a candidate")]
    NoCandidate,
    /// A canary without its share of the orders.
    #[error("a canary needs its percentage")]
    NoPercent,
    /// The version asks for personal fields that it was not granted, and nobody has said that it must do without.
    #[error("the version asks for personal fields that the plugin may not have: {missing}")]
    NeedsApproval {
        /// What it asks for in all.
        asked: PersonalFields,
        /// What the plugin may have now.
        granted: PersonalFields,
        /// What would have to be granted besides.
        missing: PersonalFields,
    },
    /// Nothing asks what would be bound.
    #[error("nothing asks `{0}` yet")]
    NotAsked(Slot),
    /// Nothing is bound there.
    #[error("nothing is bound to `{0}`")]
    NotBound(Slot),
    /// There is no candidate to promote.
    #[error("the hook has no candidate")]
    NothingToPromote,
    /// Nothing else was ever bound.
    #[error("nothing else was bound to this hook before")]
    NothingBefore,
    /// Something else.
    #[error(transparent)]
    Error(#[from] Error),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Error(error.into())
    }
}

impl App {
    /// What decides each hook of a merchant, the built-in default included, and every adapter that is bound.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn bound(&self, tenant: TenantId) -> Result<BTreeMap<Slot, Bound>, Error> {
        let policies = Hook::ALL.into_iter().filter(|hook| !hook.is_adapter()).map(Slot::usual);
        let mut all: BTreeMap<Slot, Bound> = policies.map(|slot| (slot.clone(), unbound(slot))).collect();
        for row in self.store().bindings(tenant).await? {
            let bound = bound(row)?;
            if !bound.is_nothing() {
                all.insert(bound.slot.clone(), bound);
            }
        }
        Ok(all)
    }

    /// What is bound at a slot: the built-in default, or nothing, where nobody has bound anything.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn bound_at(&self, tenant: TenantId, slot: &Slot) -> Result<Bound, Error> {
        let name = slot.to_string();
        let row = self.store().bindings(tenant).await?.into_iter().find(|row| row.hook == name);
        row.map_or_else(|| Ok(unbound(slot.clone())), bound)
    }

    /// What was ever bound to a slot, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn bound_before(&self, tenant: TenantId, slot: &Slot) -> Result<Vec<Bound>, Error> {
        self.store().binding_history(tenant, &slot.to_string()).await?.into_iter().map(bound).collect()
    }

    /// How the decisions of a hook's candidate compare with what is bound, none where it has no candidate.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn compared(&self, tenant: TenantId, bound: &Bound) -> Result<Option<store::Compared>, Error> {
        let Some(candidate) = &bound.candidate else { return Ok(None) };
        Ok(Some(self.store().compared_decisions(tenant, bound.hook(), &candidate.digest, candidate.since).await?))
    }
}

impl Bound {
    /// The hook.
    #[must_use]
    pub const fn hook(&self) -> Hook {
        self.slot.hook()
    }

    /// Whether nothing is bound: an adapter's hook has no built-in default.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.digest.is_none() && self.slot.hook().is_adapter()
    }
}

/// What rolling back binds again, of what was ever bound to a slot, newest first: the last that decided otherwise.
#[must_use]
pub fn way_back(history: &[Bound]) -> Option<&Bound> {
    type What<'b> = (&'b Option<String>, &'b str, FailurePolicy, &'b [String], &'b [String], PersonalFields);
    const fn what(bound: &Bound) -> What<'_> {
        let Bound { digest, config, on_failure, hosts, secrets, fields, .. } = bound;
        (digest, config.as_str(), *on_failure, hosts.as_slice(), secrets.as_slice(), *fields)
    }
    let now = what(history.first()?);
    history.iter().find(|bound| what(bound) != now && !bound.is_nothing())
}

/// What happens when a policy fails, where nobody says otherwise: a wrong route or rate costs postage, a message that is
/// not sent little; a wrong tax, a promised discount or an unseen fraud more than a delay.
const fn usual_policy(hook: Hook) -> FailurePolicy {
    match hook {
        Hook::Routing | Hook::Shipping | Hook::Notification => FailurePolicy::Fallback,
        Hook::Pricing | Hook::Tax | Hook::Risk | Hook::Payment | Hook::Carrier | Hook::Channel => FailurePolicy::Hold,
    }
}

/// A slot that was never bound.
fn unbound(slot: Slot) -> Bound {
    Bound {
        on_failure: usual_policy(slot.hook()),
        slot,
        plugin: NATIVE.to_owned(),
        version: String::new(),
        digest: None,
        config: "{}".to_owned(),
        hosts: Vec::new(),
        secrets: Vec::new(),
        fields: PersonalFields::default(),
        candidate: None,
        revision: 0,
        actor: "system".to_owned(),
        updated_at: None,
    }
}

fn bound(row: store::Binding) -> Result<Bound, Error> {
    Ok(Bound {
        slot: slot_named(&row.hook)?,
        on_failure: failure_policy_named(&row.on_failure)?,
        plugin: row.plugin,
        version: row.version,
        digest: row.digest,
        config: row.config,
        hosts: row.hosts,
        secrets: row.secrets,
        fields: row.fields,
        candidate: row.candidate.as_deref().map(serde_json::from_str).transpose()?,
        revision: row.revision,
        actor: row.actor,
        updated_at: Some(row.updated_at),
    })
}
