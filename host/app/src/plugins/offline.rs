//! The checks of an upload, and a call, without a server: for authors at their own machine.

use domain::ids::TenantId;
use plugin_host::{CallContext, Host, Inspection, Plugin, Refusal};
use uuid::Uuid;

use super::{Report, compiled, gate, report};
use crate::Error;
use crate::again::{self, Ran};

/// What an upload would find out about a component, without a server and its recorded orders: its form, whether it
/// compiles, and whether it keeps its hook's laws on generated inputs.
///
/// # Errors
/// Where the host fails. What is the component's fault is among the report's reasons.
pub async fn examine(host: &Host, wasm: &[u8]) -> Result<(Option<Inspection>, Report), Error> {
    let found = match plugin_host::inspect(wasm) {
        Ok(found) => found,
        Err(Refusal { reasons }) => return Ok((None, Report { size: wasm.len(), reasons, ..Report::default() })),
    };
    let mut report = report(found.clone());
    report.reasons = match compiled(host, None, wasm, found.hook, &mut report.checks).await? {
        Ok(plugin) => gate::pass(&plugin, nobody(), Vec::new(), &mut report.checks).await?,
        Err(reasons) => reasons,
    };
    Ok((Some(found), report))
}

/// Asks a component on this machine, for no merchant at all.
///
/// # Errors
/// Where the input is none of its hook's.
pub async fn ask(plugin: &Plugin, input: &str) -> Result<Ran, again::Refusal> {
    Ok(Ran::new(plugin.ask(CallContext::trial(nobody()), input).await?)?)
}

/// Whose component it is where there is no server.
fn nobody() -> TenantId {
    TenantId::new(Uuid::nil())
}
