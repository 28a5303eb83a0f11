//! CloudEvents 1.0 (JSON format): <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>.

use domain::ids::{EventId, OrderId, TenantId};
use domain::time::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

/// An event on its way out of the platform.
#[derive(Debug, Clone, Serialize)]
pub struct Envelope {
    specversion: &'static str,
    /// Stable over redelivery: what consumers deduplicate by.
    pub id: EventId,
    /// `/tenants/<tenant>`.
    pub source: String,
    /// `order.placed` and the like.
    #[serde(rename = "type")]
    pub kind: String,
    /// The order.
    pub subject: OrderId,
    /// When it happened.
    pub time: Timestamp,
    datacontenttype: &'static str,
    /// The order's version after it: consumers apply what is newer than what they have.
    pub version: u64,
    /// What changed.
    pub data: Box<RawValue>,
}

impl Envelope {
    /// Wraps what happened to an order.
    #[must_use]
    pub fn new(
        (tenant, order): (TenantId, OrderId),
        id: EventId,
        kind: &str,
        version: u64,
        time: Timestamp,
        data: Box<RawValue>,
    ) -> Self {
        Self {
            specversion: "1.0",
            id,
            source: format!("/tenants/{tenant}"),
            kind: kind.to_owned(),
            subject: order,
            time,
            datacontenttype: "application/json",
            version,
            data,
        }
    }
}
