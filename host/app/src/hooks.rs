//! What decides which hook of a merchant: binding a version of a plugin, and going back.

use std::collections::BTreeMap;

use domain::hooks::{FailurePolicy, Hook, PersonalFields};
use domain::ids::{PluginId, TenantId};
use domain::time::Timestamp;
use uuid::Uuid;

use crate::candidates::{self, Candidate, Mode};
use crate::merchant::Caller;
use crate::plugins::{Status, Version};
use crate::policies::{failure_policy_named, hook_named};
use crate::{App, Error, clock};

/// The name that stands for the built-in default in place of a plugin's.
pub const NATIVE: &str = "native";

/// What decides a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The hook.
    pub hook: Hook,
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
    /// The share of failing calls above which a canary is taken back; [`candidates::FAILURE_PERCENT`] where none is given.
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
    /// Nothing asks this hook yet.
    #[error("nothing asks the hook `{}` yet", .0.name())]
    NotAsked(Hook),
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
    /// What decides each hook of a merchant, the built-in default included.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn bound(&self, tenant: TenantId) -> Result<BTreeMap<Hook, Bound>, Error> {
        let mut all: BTreeMap<Hook, Bound> = Hook::ALL.into_iter().map(|hook| (hook, unbound(hook))).collect();
        for row in self.store().bindings(tenant).await? {
            let bound = bound(row)?;
            all.insert(bound.hook, bound);
        }
        Ok(all)
    }

    /// What was ever bound to a hook, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn bound_before(&self, tenant: TenantId, hook: Hook) -> Result<Vec<Bound>, Error> {
        self.store().binding_history(tenant, hook.name()).await?.into_iter().map(bound).collect()
    }

    /// Binds a hook. The component is loaded before, so that what is bound can decide at once; the change is everywhere
    /// within [`crate::CACHE_SECONDS`]. `revision` is the one that it replaces, where that matters.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn bind(
        &self,
        caller: &Caller,
        hook: Hook,
        wanted: Wanted,
        revision: Option<u64>,
    ) -> Result<Bound, Refusal> {
        let tenant = caller.tenant();
        // What it would be bound for is not there: a binding that does nothing would only look like one.
        if matches!(hook, Hook::Notification | Hook::Carrier | Hook::Channel) {
            return Err(Refusal::NotAsked(hook));
        }
        let version = match wanted.plugin.as_str() {
            NATIVE if hook.is_adapter() => return Err(Refusal::NoNative),
            NATIVE => None,
            plugin => Some(self.version_to_bind(tenant, hook, plugin, wanted.version.as_deref()).await?),
        };
        let (plugin, number, digest) = match version {
            Some(version) => (version.plugin, version.version, Some(version.digest)),
            None => (NATIVE.to_owned(), String::new(), None),
        };
        let on_failure = wanted.on_failure.unwrap_or(usual_policy(hook));
        let now = self.bound(tenant).await?.remove(&hook).unwrap_or_else(|| unbound(hook));
        let is_same_plugin = now.plugin == plugin;
        let granted = if is_same_plugin { now.fields } else { PersonalFields::default() };
        let candidate = match wanted.candidate {
            None => None,
            Some(_) if digest.is_none() || hook.is_adapter() => return Err(Refusal::NoCandidate),
            Some(candidate) => Some(self.candidate(tenant, hook, &plugin, candidate).await?),
        };
        if wanted.fields.is_none() {
            let mut asked = PersonalFields::default();
            // What decides or is tried already has been looked at, and may have been granted less than it asks for.
            let at_work = [now.digest.as_ref(), now.candidate.as_ref().map(|candidate| &candidate.digest)];
            let named = digest.iter().chain(candidate.as_ref().map(|candidate| &candidate.digest));
            for digest in named.filter(|digest| !is_same_plugin || !at_work.contains(&Some(*digest))) {
                asked = asked.or(self.plugin(tenant, hook, digest).await?.fields());
            }
            let missing = asked.without(granted);
            if !missing.is_empty() {
                return Err(Refusal::NeedsApproval { asked, granted, missing });
            }
        }
        let to_bind = Bound {
            hook,
            plugin,
            version: number,
            digest,
            config: wanted.config,
            on_failure,
            hosts: wanted.hosts,
            fields: wanted.fields.unwrap_or(granted),
            candidate,
            revision: 0,
            actor: caller.actor().to_string(),
            updated_at: None,
        };
        // What is taken over from the present binding must not undo what somebody else has changed meanwhile.
        let takes_over = wanted.fields.is_none() || to_bind.candidate.is_some();
        let revision = if takes_over { revision.or(Some(now.revision)) } else { revision };
        self.put_bound(tenant, to_bind, revision).await
    }

    /// Binds again what was bound before the present binding.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn roll_back(&self, caller: &Caller, hook: Hook, revision: Option<u64>) -> Result<Bound, Refusal> {
        let tenant = caller.tenant();
        let history = self.bound_before(tenant, hook).await?;
        let (Some(now), Some(before)) = (history.first(), way_back(&history)) else {
            return Err(Refusal::NothingBefore);
        };
        let again = Bound { actor: caller.actor().to_string(), candidate: None, ..before.clone() };
        self.put_bound(tenant, again, Some(revision.unwrap_or(now.revision))).await
    }

    /// Lets the candidate decide everything.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn promote(&self, caller: &Caller, hook: Hook, revision: Option<u64>) -> Result<Bound, Refusal> {
        let tenant = caller.tenant();
        let now = self.bound(tenant).await?.remove(&hook).ok_or(Refusal::NothingToPromote)?;
        let Some(candidate) = now.candidate else { return Err(Refusal::NothingToPromote) };
        let promoted = Bound {
            version: candidate.version,
            digest: Some(candidate.digest),
            candidate: None,
            actor: caller.actor().to_string(),
            ..now
        };
        self.put_bound(tenant, promoted, Some(revision.unwrap_or(now.revision))).await
    }

    /// How the decisions of a hook's candidate compare with what is bound, none where it has no candidate.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn compared(&self, tenant: TenantId, bound: &Bound) -> Result<Option<store::Compared>, Error> {
        let Some(candidate) = &bound.candidate else { return Ok(None) };
        Ok(Some(self.store().compared_decisions(tenant, bound.hook, &candidate.digest, candidate.since).await?))
    }

    /// Takes a candidate out of a hook's binding; false where it is no longer there.
    pub(crate) async fn drop_candidate(
        &self,
        tenant: TenantId,
        hook: Hook,
        salt: &str,
        actor: String,
    ) -> Result<bool, Refusal> {
        let Some(now) = self.bound(tenant).await?.remove(&hook) else { return Ok(false) };
        if now.candidate.as_ref().is_none_or(|candidate| candidate.salt != salt) {
            return Ok(false);
        }
        let revision = now.revision;
        match self.put_bound(tenant, Bound { candidate: None, actor, ..now }, Some(revision)).await {
            Ok(_) => Ok(true),
            // Somebody has bound something else meanwhile.
            Err(Refusal::Changed { .. }) => Ok(false),
            Err(refusal) => Err(refusal),
        }
    }

    /// The candidate as it is kept. As long as the same version decides in the same way it keeps its salt and its beginning:
    /// its orders stay its own, and what it has shown counts.
    async fn candidate(
        &self,
        tenant: TenantId,
        hook: Hook,
        plugin: &str,
        wanted: WantedCandidate,
    ) -> Result<Candidate, Refusal> {
        let version = self.version_to_bind(tenant, hook, plugin, Some(&wanted.version)).await?;
        let percent = match wanted.mode {
            Mode::Canary => wanted.percent.ok_or(Refusal::NoPercent)?,
            Mode::Shadow => 0,
        };
        let now = self.bound(tenant).await?.remove(&hook).and_then(|bound| bound.candidate);
        let (salt, since) = match now.filter(|now| (&now.digest, now.mode) == (&version.digest, wanted.mode)) {
            Some(now) => (now.salt, now.since),
            None => (Uuid::now_v7().simple().to_string(), clock::now()),
        };
        self.plugin(tenant, hook, &version.digest).await?;
        Ok(Candidate {
            version: version.version,
            digest: version.digest,
            mode: wanted.mode,
            percent,
            max_failure_percent: wanted.max_failure_percent.unwrap_or(candidates::FAILURE_PERCENT),
            max_drift_percent: wanted.max_drift_percent,
            salt,
            since,
        })
    }

    async fn put_bound(&self, tenant: TenantId, mut bound: Bound, revision: Option<u64>) -> Result<Bound, Refusal> {
        if let Some(digest) = &bound.digest {
            self.plugin(tenant, bound.hook, digest).await?;
        }
        let at = clock::now();
        let row = store::Binding {
            hook: bound.hook.name().to_owned(),
            plugin: bound.plugin.clone(),
            version: bound.version.clone(),
            digest: bound.digest.clone(),
            config: bound.config.clone(),
            on_failure: bound.on_failure.name().to_owned(),
            hosts: bound.hosts.clone(),
            fields: bound.fields,
            candidate: bound.candidate.as_ref().map(serde_json::to_string).transpose().map_err(Error::from)?,
            revision: 0,
            actor: bound.actor.clone(),
            updated_at: at,
        };
        let Some(new) = self.store().put_binding(tenant, &row, revision).await? else {
            let now = self.bound(tenant).await?;
            return Err(Refusal::Changed { current: now.get(&bound.hook).map_or(0, |bound| bound.revision) });
        };
        self.caches().bindings.invalidate(&tenant).await;
        self.watch().keep_only(tenant, bound.hook, bound.candidate.as_ref());
        (bound.revision, bound.updated_at) = (new, Some(at));
        Ok(bound)
    }

    async fn version_to_bind(
        &self,
        tenant: TenantId,
        hook: Hook,
        plugin: &str,
        version: Option<&str>,
    ) -> Result<Version, Refusal> {
        let id: Option<PluginId> = plugin.parse().ok();
        let mut versions = self.versions(tenant).await?;
        versions.retain(|version| version.plugin == plugin || Some(version.plugin_id) == id);
        let Some(newest) = versions.last() else { return Err(Refusal::NoPlugin(plugin.to_owned())) };
        if newest.hook != hook {
            return Err(Refusal::OtherHook(newest.hook));
        }
        let found = match version {
            Some(number) => versions.iter().find(|version| version.version == number),
            None => versions.iter().rev().find(|version| version.status == Status::Ready).or(Some(newest)),
        };
        let found = found.ok_or_else(|| Refusal::NoVersion(version.unwrap_or_default().to_owned()))?;
        match found.status {
            Status::Ready => Ok(found.clone()),
            status => Err(Refusal::NotReady { version: found.version.clone(), status }),
        }
    }

    /// Keeps a component and binds it, without trying it out: what an operator does to a data directory.
    ///
    /// # Errors
    /// Where it is refused (the text says why) or the store cannot be written.
    pub async fn install(&self, tenant: TenantId, install: Install) -> Result<(), Error> {
        let plugin =
            self.plugin_host().load(Some(tenant), &install.wasm, install.hook).await.map_err(Error::internal)?;
        let digest = plugin.digest().to_owned();
        self.store().put_component(&digest, &install.wasm).await?;
        let known = self.versions(tenant).await?;
        let known = known.into_iter().find(|version| version.plugin == install.name && version.digest == digest);
        let version = match known {
            Some(version) => version.version,
            None => {
                let row = store::PluginVersion {
                    plugin_id: PluginId::new(Uuid::now_v7()),
                    plugin: install.name.clone(),
                    version: String::new(),
                    digest: digest.clone(),
                    hook: install.hook.name().to_owned(),
                    status: Status::Ready.name().to_owned(),
                    report: "{}".to_owned(),
                    created_at: clock::now(),
                };
                let added = self.store().add_plugin_version(tenant, &row).await?;
                added.ok_or_else(|| Error::Internal("a version came in twice".to_owned()))?.version
            }
        };
        let wanted = Bound {
            hook: install.hook,
            plugin: install.name,
            version,
            digest: Some(digest),
            config: install.config,
            on_failure: install.on_failure,
            hosts: install.hosts,
            fields: plugin.fields(),
            candidate: None,
            revision: 0,
            actor: "system".to_owned(),
            updated_at: None,
        };
        let now = self.bound(tenant).await?.remove(&install.hook);
        let same =
            |now: &Bound| Bound { revision: 0, updated_at: None, actor: wanted.actor.clone(), ..now.clone() } == wanted;
        if now.as_ref().is_some_and(same) {
            return Ok(());
        }
        match self.put_bound(tenant, wanted, None).await {
            Ok(_) => Ok(()),
            Err(Refusal::Error(error)) => Err(error),
            Err(refusal) => Err(Error::internal(refusal)),
        }
    }
}

/// What rolling back binds again, of what was ever bound to a hook, newest first: the last that decided otherwise.
#[must_use]
pub fn way_back(history: &[Bound]) -> Option<&Bound> {
    let what = |bound: &Bound| {
        (bound.digest.clone(), bound.config.clone(), bound.on_failure, bound.hosts.clone(), bound.fields)
    };
    let now = what(history.first()?);
    history.iter().find(|bound| what(bound) != now)
}

/// What an operator installs.
pub struct Install {
    /// For which hook.
    pub hook: Hook,
    /// The plugin's name.
    pub name: String,
    /// The component.
    pub wasm: Vec<u8>,
    /// A JSON object.
    pub config: String,
    /// What happens when it fails.
    pub on_failure: FailurePolicy,
    /// The hosts that an adapter may speak to, `host:port`.
    pub hosts: Vec<String>,
}

/// What happens when a policy fails, where nobody says otherwise: a wrong route or rate costs postage, a message that is
/// not sent little; a wrong tax, a promised discount or an unseen fraud more than a delay.
const fn usual_policy(hook: Hook) -> FailurePolicy {
    match hook {
        Hook::Routing | Hook::Shipping | Hook::Notification => FailurePolicy::Fallback,
        Hook::Pricing | Hook::Tax | Hook::Risk | Hook::Payment | Hook::Carrier | Hook::Channel => FailurePolicy::Hold,
    }
}

/// A hook that was never bound.
fn unbound(hook: Hook) -> Bound {
    Bound {
        hook,
        plugin: NATIVE.to_owned(),
        version: String::new(),
        digest: None,
        config: "{}".to_owned(),
        on_failure: usual_policy(hook),
        hosts: Vec::new(),
        fields: PersonalFields::default(),
        candidate: None,
        revision: 0,
        actor: "system".to_owned(),
        updated_at: None,
    }
}

fn bound(row: store::Binding) -> Result<Bound, Error> {
    Ok(Bound {
        hook: hook_named(&row.hook)?,
        on_failure: failure_policy_named(&row.on_failure)?,
        plugin: row.plugin,
        version: row.version,
        digest: row.digest,
        config: row.config,
        hosts: row.hosts,
        fields: row.fields,
        candidate: row.candidate.as_deref().map(serde_json::from_str).transpose()?,
        revision: row.revision,
        actor: row.actor,
        updated_at: Some(row.updated_at),
    })
}
