//! Messages, and the events that a notification policy is still to be asked about.

use domain::ids::{MessageId, OrderId, TenantId};
use domain::time::Timestamp;

use crate::backend::Scope;
use crate::reads::{EVENT_COLUMNS, event, own};
use crate::records::EventRecord;
use crate::sql::{self, Columns, Row, count, id, text};
use crate::{Error, Lease, Store};

/// An event that a notification policy is still to be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement {
    /// Whose.
    pub tenant: TenantId,
    /// The event's place in the log.
    pub position: u64,
    /// Of which order.
    pub order_id: OrderId,
    /// The order's version after the event.
    pub version: u64,
}

/// What a consumer of the log has found that is to be asked about, with how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// Its name.
    pub consumer: String,
    /// The last position of the log that it has seen.
    pub position: u64,
    /// Of any merchants.
    pub announcements: Vec<Announcement>,
}

/// An event that was asked about, with what came of it. Kept if and only if it was still to be asked about, so that of two
/// that have asked one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// The event's place in the log.
    pub position: u64,
    /// What is to be sent.
    pub messages: Vec<Message>,
}

/// A message. Nothing in it names a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub message_id: MessageId,
    /// The order that it is about.
    pub order_id: OrderId,
    /// The order's version after the event that led to it.
    pub version: u64,
    /// The event's kind, such as `order.placed`.
    pub event: String,
    /// The binding that sends it, such as `email`.
    pub channel: String,
    /// An address of the merchant's own; none for the customer, whose address is filled in when it is sent.
    pub recipient: Option<String>,
    /// One line.
    pub subject: Option<String>,
    /// With places for what names a person.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
    /// How far it has come.
    pub status: MessageStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// The deliverer's name for it.
    pub reference: Option<String>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When it came this far.
    pub updated_at: Timestamp,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageStatus {
    /// It is to be sent.
    Queued,
    /// The deliverer has it.
    Sent,
    /// The deliverer will not have it.
    Failed,
    /// Nobody knows whether it was sent: a person must look.
    Parked,
}

impl MessageStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Sent, Self::Failed, Self::Parked];

    /// The name in SQL and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Parked => "parked",
        }
    }
}

const MESSAGE_COLUMNS: &str = "message_id, order_id, version, event, channel, recipient, subject, text, html, status, \
                               attempts, reference, last_error, created_at, updated_at";

impl Store {
    /// The merchants whose events a component is asked about, each with the moment since when one is.
    ///
    /// # Errors
    /// What the database said.
    pub async fn announcers(&self) -> Result<Vec<(TenantId, Timestamp)>, Error> {
        // Since the first binding after the last one without a component.
        let sql = "select b.tenant_id, coalesce((select min(h.updated_at) from hook_binding_history as h \
                   where h.tenant_id = b.tenant_id and h.hook = b.hook and h.revision > coalesce( \
                   (select max(n.revision) from hook_binding_history as n where n.tenant_id = b.tenant_id \
                   and n.hook = b.hook and n.digest is null), 0)), b.updated_at) \
                   from hook_bindings as b where b.hook = 'notification' and b.digest is not null";
        let rows = self.fetch_all(Scope::Log, sql::query(sql)).await?;
        let announcer = |row: &Row| {
            let mut columns = Columns::new(row);
            Ok((columns.id(TenantId::new)?, columns.time()?))
        };
        rows.iter().map(announcer).collect()
    }

    /// The merchants with events that are still to be asked about.
    ///
    /// # Errors
    /// What the database said.
    pub async fn announcing_tenants(&self) -> Result<Vec<TenantId>, Error> {
        // From merchant to merchant, however many events each of them has.
        let sql = "with recursive t (tenant_id) as \
                   (select (select tenant_id from announcements order by tenant_id limit 1) union all \
                   select (select a.tenant_id from announcements as a where a.tenant_id > t.tenant_id \
                   order by a.tenant_id limit 1) from t where t.tenant_id is not null) select tenant_id from t where tenant_id is not null";
        let rows = self.fetch_all(Scope::All, sql::query(sql)).await?;
        rows.iter().map(|row| Columns::new(row).id(TenantId::new)).collect()
    }

    /// Takes the oldest of a merchant's events that are still to be asked about, in their order, until the lease ends. None
    /// where another node has taken them.
    ///
    /// # Errors
    /// What the database said.
    pub async fn take_announcements(
        &self,
        tenant: TenantId,
        lease: &Lease,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Announcement>, Error> {
        let sql = "update announcements set owner = $1, until = $2 where tenant_id = $3 and position in \
                   (select position from announcements where tenant_id = $3 order by position limit $4) \
                   and (owner is null or owner = $1 or until <= $5) returning position, order_id, version";
        let query = sql::query(sql)
            .bind(text(&lease.owner))
            .bind(lease.until.micros())
            .bind(own(tenant))
            .bind(i64::from(limit))
            .bind(now.micros());
        let rows = self.execute_returning(tenant, query).await?;
        let announcement = |row: &Row| {
            let mut columns = Columns::new(row);
            let (position, order_id) = (columns.count()?, columns.id(OrderId::new)?);
            Ok(Announcement { tenant, position, order_id, version: columns.count()? })
        };
        let mut taken = rows.iter().map(announcement).collect::<Result<Vec<_>, Error>>()?;
        taken.sort_by_key(|announcement| announcement.position);
        Ok(taken)
    }

    /// An order's events up to a version, oldest first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn order_events_to(
        &self,
        tenant: TenantId,
        order_id: OrderId,
        version: u64,
    ) -> Result<Vec<EventRecord>, Error> {
        let sql = format!(
            "select {EVENT_COLUMNS} from order_events where tenant_id = $1 and order_id = $2 and version <= $3 \
             order by version"
        );
        let query = sql::query(sql).bind(own(tenant)).bind(id(order_id.uuid())).bind(count(version));
        self.fetch_all(tenant, query).await?.iter().map(event).collect()
    }

    /// The messages about an order, in the order of the events that led to them.
    ///
    /// # Errors
    /// What the database said.
    pub async fn messages(&self, tenant: TenantId, order_id: OrderId) -> Result<Vec<Message>, Error> {
        let sql = format!(
            "select {MESSAGE_COLUMNS} from messages where tenant_id = $1 and order_id = $2 order by position, message_id"
        );
        let query = sql::query(sql).bind(own(tenant)).bind(id(order_id.uuid()));
        self.fetch_all(tenant, query).await?.iter().map(message).collect()
    }
}

fn message(row: &Row) -> Result<Message, Error> {
    let mut columns = Columns::new(row);
    Ok(Message {
        message_id: columns.id(MessageId::new)?,
        order_id: columns.id(OrderId::new)?,
        version: columns.count()?,
        event: columns.get()?,
        channel: columns.get()?,
        recipient: columns.get()?,
        subject: columns.get()?,
        text: columns.get()?,
        html: columns.get()?,
        status: status(&columns.get::<String>()?)?,
        attempts: columns.small()?,
        reference: columns.get()?,
        last_error: columns.get()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

fn status(name: &str) -> Result<MessageStatus, Error> {
    let known = MessageStatus::ALL.into_iter().find(|status| status.name() == name);
    known.ok_or_else(|| Error::Damaged(format!("a message is {name:?}")))
}
