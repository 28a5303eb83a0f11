//! What merchants upload: plugins in numbered versions, each checked, compiled and tried before it can be bound.

mod gate;
pub mod offline;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::hooks::{Hook, PersonalFields};
use domain::ids::{PluginId, TenantId};
use domain::time::Timestamp;
use plugin_host::{Host, Inspection, Plugin};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::policies::hook_named;
use crate::{App, Error, clock};

/// How long an upload waits for its checks before it is answered without them.
const CHECKS_WAITED_FOR: Duration = Duration::from_secs(2);

/// The largest component, in bytes.
pub const COMPONENT_BYTES_MAX: usize = plugin_host::limits::COMPONENT_BYTES;
/// The largest configuration of a binding, in bytes.
pub const CONFIG_BYTES_MAX: usize = plugin_host::limits::CONFIG_BYTES;

/// A version of a plugin.
#[derive(Debug, Clone)]
pub struct Version {
    /// The plugin's id.
    pub plugin_id: PluginId,
    /// The plugin's name.
    pub plugin: String,
    /// From 1 in the order of uploads.
    pub version: String,
    /// SHA-256 of the component, in hexadecimal.
    pub digest: String,
    /// Which hook it serves.
    pub hook: Hook,
    /// Whether it can be bound.
    pub status: Status,
    /// What its checks found.
    pub report: Report,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// How far the checks of a version have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// They are under way.
    Compiling,
    /// It can be bound.
    Ready,
    /// It cannot, and its report says why.
    Refused,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Compiling, Self::Ready, Self::Refused];

    /// The name in answers and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compiling => "compiling",
            Self::Ready => "ready",
            Self::Refused => "refused",
        }
    }
}

/// What the checks of a version found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// The revision of the WIT package that it was built against.
    pub wit_version: String,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
    /// The personal fields that it asks for.
    pub fields: PersonalFields,
    /// In bytes.
    pub size: usize,
    /// Functions in all its modules.
    pub functions: u32,
    /// What was tried, one sentence a check.
    pub checks: Vec<String>,
    /// Why it is refused; empty where it is not.
    pub reasons: Vec<String>,
}

/// Why an upload is not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadRefusal {
    /// It is no component that can be run, or it breaks a law of its hook: every reason.
    #[error("the component is refused: {}", reasons.join("; "))]
    Component {
        /// Plain sentences, never empty.
        reasons: Vec<String>,
    },
    /// The plugin of this name serves another hook.
    #[error("the plugin `{plugin}` serves the hook `{}`, and this component the hook `{}`", serves.name(), offered.name())]
    OtherHook {
        /// The plugin's name.
        plugin: String,
        /// The hook of its versions.
        serves: Hook,
        /// The component's.
        offered: Hook,
    },
    /// Something else.
    #[error(transparent)]
    Error(#[from] Error),
}

impl From<store::Error> for UploadRefusal {
    fn from(error: store::Error) -> Self {
        Self::Error(error.into())
    }
}

impl App {
    /// Takes a component in as the next version of a plugin: looks at its form at once, then compiles it and tries it on
    /// generated and recorded inputs. Answers after at most two seconds; what is still `compiling` then goes on, and
    /// survives a restart. The same component again is the version that it was.
    ///
    /// # Errors
    /// [`UploadRefusal`]
    pub async fn upload(&self, tenant: TenantId, name: &str, wasm: Arc<[u8]>) -> Result<Version, UploadRefusal> {
        let looked_at = Arc::clone(&wasm);
        let inspected = tokio::task::spawn_blocking(move || plugin_host::inspect(&looked_at)).await;
        let found =
            inspected.map_err(Error::from)?.map_err(|refusal| UploadRefusal::Component { reasons: refusal.reasons })?;
        let versions = self.versions(tenant).await?;
        let mut own = versions.into_iter().filter(|version| version.plugin == name);
        if let Some(other) = own.clone().find(|version| version.hook != found.hook) {
            return Err(UploadRefusal::OtherHook { plugin: name.to_owned(), serves: other.hook, offered: found.hook });
        }
        if let Some(known) = own.find(|version| version.digest == found.digest) {
            return judged(known);
        }
        self.store().put_component(&found.digest, &wasm).await?;
        let (digest, report) = (found.digest.clone(), report(found.clone()));
        let row = store::PluginVersion {
            plugin_id: PluginId::new(Uuid::now_v7()),
            plugin: name.to_owned(),
            version: String::new(),
            digest: digest.clone(),
            hook: found.hook.name().to_owned(),
            status: Status::Compiling.name().to_owned(),
            report: serde_json::to_string(&report).map_err(Error::from)?,
            created_at: clock::now(),
        };
        let Some(row) = self.store().add_plugin_version(tenant, &row).await? else {
            // The same component came in twice at once.
            let versions = self.versions(tenant).await?;
            let known = versions.into_iter().find(|version| version.plugin == name && version.digest == digest);
            return judged(known.ok_or_else(|| Error::Internal("a version that exists is not there".to_owned()))?);
        };
        let version = version(row)?;
        let (app, checked) = (self.clone(), version.clone());
        let checking = tokio::spawn(async move { app.check(tenant, checked, Some(wasm)).await });
        match tokio::time::timeout(CHECKS_WAITED_FOR, checking).await {
            Ok(checked) => judged(checked.map_err(Error::from)??),
            Err(_still_compiling) => Ok(version),
        }
    }

    /// Compiles and tries a version, and keeps what came of it.
    async fn check(&self, tenant: TenantId, mut version: Version, wasm: Option<Arc<[u8]>>) -> Result<Version, Error> {
        let wasm = match wasm {
            Some(wasm) => wasm,
            None => self.stored_component(&version.digest).await?,
        };
        version.report.reasons = self.try_out(tenant, &wasm, version.hook, &mut version.report.checks).await?;
        version.status = if version.report.reasons.is_empty() { Status::Ready } else { Status::Refused };
        let report = serde_json::to_string(&version.report)?;
        let status = version.status.name();
        self.store().judge_plugin_version(tenant, &version.plugin, &version.version, status, &report).await?;
        Ok(version)
    }

    /// Compiles a component and asks it everything. Answers the reasons to refuse it.
    async fn try_out(
        &self,
        tenant: TenantId,
        wasm: &[u8],
        hook: Hook,
        checks: &mut Vec<String>,
    ) -> Result<Vec<String>, Error> {
        let plugin = match compiled(self.plugin_host(), Some(tenant), wasm, hook, checks).await? {
            Ok(plugin) => plugin,
            Err(reasons) => return Ok(reasons),
        };
        gate::pass(&plugin, tenant, self.recorded_samples(tenant, hook).await?, checks).await
    }

    /// The component of a digest. What is stored under another one's digest, by a damaged disk or by hand, is not run.
    ///
    /// # Errors
    /// Where it is not there, or is another.
    pub(crate) async fn stored_component(&self, digest: &str) -> Result<Arc<[u8]>, Error> {
        let kept = self.store().component(digest).await?;
        let wasm: Arc<[u8]> = kept.ok_or_else(|| Error::Internal(format!("component {digest} is not stored")))?.into();
        let bytes = Arc::clone(&wasm);
        let is = tokio::task::spawn_blocking(move || plugin_host::digest(&bytes)).await?;
        if is != digest {
            return Err(Error::Internal(format!("what is stored as component {digest} has the digest {is}")));
        }
        Ok(wasm)
    }

    /// Takes up the checks that the last process did not end.
    pub(crate) async fn finish_checks(&self) {
        let unjudged = match self.store().unjudged_plugin_versions().await {
            Ok(unjudged) => unjudged,
            Err(error) => return tracing::warn!(%error, "the plugins that are still to be checked cannot be read"),
        };
        for (tenant, row) in unjudged {
            let checked = async { self.check(tenant, version(row)?, None).await };
            if let Err(error) = checked.await {
                tracing::warn!(%tenant, %error, "a plugin could not be checked; the next start tries again");
            }
        }
    }

    /// All versions of a merchant's plugins, by plugin, oldest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn versions(&self, tenant: TenantId) -> Result<Vec<Version>, Error> {
        self.store().plugin_versions(tenant).await?.into_iter().map(version).collect()
    }

    /// The versions of one plugin, oldest first; none where there is no such plugin.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn versions_of(&self, tenant: TenantId, plugin: PluginId) -> Result<Vec<Version>, Error> {
        let mut versions = self.versions(tenant).await?;
        versions.retain(|version| version.plugin_id == plugin);
        Ok(versions)
    }

    /// The newest version of each plugin, by name.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn plugins(&self, tenant: TenantId) -> Result<Vec<Version>, Error> {
        let newest: BTreeMap<String, Version> =
            self.versions(tenant).await?.into_iter().map(|version| (version.plugin.clone(), version)).collect();
        Ok(newest.into_values().collect())
    }
}

/// A component that is ready to be asked, or the reasons why it never will be.
async fn compiled(
    host: &Host,
    owner: Option<TenantId>,
    wasm: &[u8],
    hook: Hook,
    checks: &mut Vec<String>,
) -> Result<Result<Plugin, Vec<String>>, Error> {
    let began = Instant::now();
    match host.load(owner, wasm, hook).await {
        Ok(plugin) => {
            checks.push(format!("compiled in {} ms", began.elapsed().as_millis()));
            Ok(Ok(plugin))
        }
        Err(plugin_host::Error::Refused(refusal)) => Ok(Err(refusal.reasons)),
        Err(error @ (plugin_host::Error::Invalid(_) | plugin_host::Error::TooCostly(_))) => {
            Ok(Err(vec![error.to_string()]))
        }
        Err(error) => Err(Error::internal(error)),
    }
}

/// A version that is answered with; a refused one is a refusal.
fn judged(version: Version) -> Result<Version, UploadRefusal> {
    match version.status {
        Status::Refused => Err(UploadRefusal::Component { reasons: version.report.reasons }),
        Status::Compiling | Status::Ready => Ok(version),
    }
}

fn report(found: Inspection) -> Report {
    let Inspection { size, wit_version, imports, functions, fields, .. } = found;
    let shape =
        format!("a component of {size} bytes with {functions} functions for `orderwright:policy@{wit_version}`");
    Report {
        wit_version,
        imports,
        fields: fields.unwrap_or_default(),
        size,
        functions,
        checks: vec![shape],
        reasons: Vec::new(),
    }
}

fn version(row: store::PluginVersion) -> Result<Version, Error> {
    let status = Status::ALL.into_iter().find(|status| status.name() == row.status);
    Ok(Version {
        plugin_id: row.plugin_id,
        version: row.version,
        digest: row.digest,
        hook: hook_named(&row.hook)?,
        status: status.ok_or_else(|| Error::Internal(format!("a plugin has the unknown status {:?}", row.status)))?,
        report: serde_json::from_str(&row.report)?,
        created_at: row.created_at,
        plugin: row.plugin,
    })
}
