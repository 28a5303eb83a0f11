//! Telling what has happened: each event of a merchant who has a notification policy is asked about once, and the messages
//! that come of it are kept.
//!
//! Two steps, so that no policy holds up the log. A consumer of the log notes which events are to be asked about, with its
//! cursor in the same commit. Then each merchant's events are asked about in their order, one at a time, beside the other
//! merchants'; the messages, the decision and the removal of the note are one commit. A policy that fails says nothing: its
//! decision tells so, and the next event is asked about.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::event::Event;
use domain::hooks::notification::{self, Input, Recipient};
use domain::hooks::{Context, Hook};
use domain::ids::{MessageId, TenantId};
use domain::order::Order;
use domain::time::Timestamp;
use domain::transition;
use plugin_host::{CallContext, Failure};
use store::{Announced, Announcement, Changeset, DeadLetter, EventRecord, Message, MessageStatus, Noted, Touched};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use crate::index::StoreLog;
use crate::policies::{Binding, record};
use crate::{App, Error, clock};

/// The consumer's name, and that of what it commits.
const CONSUMER: &str = "notification";
/// Events are noted after at most this and the time of a commit.
const COMMIT_INTERVAL: Duration = Duration::from_millis(100);
/// How often the cursor is kept where nothing is to be asked about: what lies between is looked through again after a
/// restart, and nothing found in it again.
const CURSOR_INTERVAL: Duration = Duration::from_secs(5);
/// How many merchants are asked at once.
const CONCURRENCY: usize = 8;
/// How many of a merchant's events are asked about before the next merchant has its turn.
const TURN: u32 = 20;
/// The pause after which what could not be asked about is tried again, and the longest without a look.
const PAUSE: Duration = Duration::from_secs(1);
/// Room for the ids of the messages of an event: a power of two above [`notification::MESSAGES_MAX`].
const IDS_PER_EVENT: u64 = 16;

/// Who is being asked.
pub(crate) struct Desk {
    busy: Mutex<HashSet<TenantId>>,
    slots: Arc<Semaphore>,
    /// Something is to be asked about.
    wake: Notify,
}

impl Desk {
    pub fn new() -> Self {
        Self { busy: Mutex::default(), slots: Arc::new(Semaphore::new(CONCURRENCY)), wake: Notify::new() }
    }

    /// Whether the merchant's turn begins: not while one is under way.
    fn begin(&self, tenant: TenantId) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant)
    }

    fn end(&self, tenant: TenantId) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
    }
}

/// How a turn ended.
enum Turn {
    /// All its events have been asked about.
    Over,
    /// It has more.
    More,
    /// The merchant's share is taken, or the store is not there: later.
    Later,
}

/// Notes which events are to be asked about.
struct Noting {
    app: App,
    found: Vec<Announcement>,
    position: u64,
    kept_at: Instant,
}

impl bus::Consumer for Noting {
    type Event = Touched;
    type Error = Error;

    fn name(&self) -> &'static str {
        CONSUMER
    }

    async fn resume(&mut self) -> Result<u64, Error> {
        self.found.clear();
        Ok(self.app.store().cursor(CONSUMER).await?)
    }

    async fn take(&mut self, events: Vec<Touched>, position: u64) -> Result<(), Error> {
        // Asked for each time: what happens after a binding is acknowledged is asked about.
        let since: HashMap<TenantId, Timestamp> = self.app.store().announcers().await?.into_iter().collect();
        let is_asked = |event: &&Touched| since.get(&event.tenant).is_some_and(|since| event.at >= *since);
        let announcement = |event: &Touched| Announcement {
            tenant: event.tenant,
            position: event.position,
            order_id: event.order_id,
            version: event.version,
        };
        self.found.extend(events.iter().filter(is_asked).map(announcement));
        self.position = position;
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), Error> {
        if self.found.is_empty() && self.kept_at.elapsed() < CURSOR_INTERVAL {
            return Ok(());
        }
        let announcements = std::mem::take(&mut self.found);
        let is_any = !announcements.is_empty();
        // Of all merchants: the queue knows it as nobody's.
        let mut changeset = Changeset::new(TenantId::new(Uuid::nil()), CONSUMER);
        changeset.noted = Some(Noted { consumer: CONSUMER.into(), position: self.position, announcements });
        fail::fail_point!("announce.before_note");
        self.app.commit(changeset).await?;
        fail::fail_point!("announce.after_note");
        self.kept_at = Instant::now();
        if is_any {
            self.app.desk().wake.notify_one();
        }
        Ok(())
    }
}

impl App {
    /// Notes what is to be asked about until told to stop.
    pub(crate) async fn note_events(&self) {
        let mut consumer = Noting { app: self.clone(), found: Vec::new(), position: 0, kept_at: Instant::now() };
        bus::follow(&StoreLog(self.clone()), &mut consumer, COMMIT_INTERVAL, self.runner().stop()).await;
    }

    /// Asks about what was noted until told to stop.
    pub(crate) async fn announce(&self) {
        let stop = self.runner().stop().clone();
        while !stop.is_cancelled() {
            match self.store().announcing_tenants().await {
                Ok(tenants) => tenants.into_iter().for_each(|tenant| self.begin_turn(tenant)),
                Err(error) => tracing::warn!(%error, "what is to be told could not be read"),
            }
            tokio::select! {
                () = self.desk().wake.notified() => {}
                () = tokio::time::sleep(PAUSE) => {}
                () = stop.cancelled() => {}
            }
        }
        // Whoever is being asked comes to an end; what it would have said is asked for again at the next start.
        let _ = tokio::time::timeout(PAUSE, self.desk().slots.acquire_many(CONCURRENCY as u32)).await;
    }

    fn begin_turn(&self, tenant: TenantId) {
        if !self.desk().begin(tenant) {
            return;
        }
        let app = self.clone();
        tokio::spawn(async move {
            let slot = Arc::clone(&app.desk().slots).acquire_owned().await;
            let turn = app.turn(tenant).await.unwrap_or_else(|error| {
                tracing::warn!(%tenant, %error, "a merchant's messages could not be decided; they are later");
                Turn::Later
            });
            if matches!(turn, Turn::Later) {
                // The merchant stays away from its turn for so long, without a slot.
                drop(slot);
                tokio::time::sleep(PAUSE).await;
            }
            app.desk().end(tenant);
            if !matches!(turn, Turn::Over) {
                app.desk().wake.notify_one();
            }
        });
    }

    async fn turn(&self, tenant: TenantId) -> Result<Turn, Error> {
        let lease = self.runner().lease();
        let announcements = self.store().take_announcements(tenant, &lease, clock::now(), TURN).await?;
        for announcement in &announcements {
            if self.runner().stop().is_cancelled() {
                return Ok(Turn::Over);
            }
            if !self.ask_about(announcement).await? {
                return Ok(Turn::Later);
            }
        }
        Ok(if announcements.len() < TURN as usize { Turn::Over } else { Turn::More })
    }

    /// Asks about an event and keeps what comes of it; false where the merchant's share of the pool is taken.
    async fn ask_about(&self, announcement: &Announcement) -> Result<bool, Error> {
        let Announcement { tenant, position, order_id, version } = *announcement;
        let mut changeset = Changeset::new(tenant, CONSUMER);
        let mut announced = Announced { position, messages: Vec::new() };
        // What is not bound any more has nothing to say.
        if let Some(binding) = self.bindings(tenant).await?.policy(Hook::Notification) {
            let events = self.store().order_events_to(tenant, order_id, version).await?;
            let Some(question) = self.question(announcement, &events, binding).await? else {
                return Ok(true);
            };
            let call = binding.plugin.call(CallContext::message(tenant), &question).await;
            if call.result == Err(Failure::Busy) {
                return Ok(false);
            }
            let at = question.context.now;
            changeset.decisions.push(record(order_id, Hook::Notification, binding, &question, &call, at));
            match call.result {
                Ok(answer) => {
                    let message = |(number, message)| kept(announcement, &question.event, number, message, at);
                    announced.messages = (0..).zip(answer.messages).map(message).collect();
                }
                Err(failure) => {
                    let (hook, code) = (Hook::Notification.name(), failure.code());
                    metrics::counter!("orderwright_policy_failures_total", "hook" => hook, "code" => code).increment(1);
                    tracing::warn!(%tenant, %order_id, hook, plugin = binding.name, code, %failure, "policy failed");
                }
            }
        }
        changeset.announced = Some(announced);
        fail::fail_point!("announce.before_commit");
        self.commit(changeset).await?;
        fail::fail_point!("announce.after_commit");
        Ok(true)
    }

    /// What the policy is asked; none where nothing can be made of the event, which goes to the dead letters.
    async fn question(
        &self,
        announcement: &Announcement,
        events: &[EventRecord],
        binding: &Binding,
    ) -> Result<Option<Input>, Error> {
        let now = clock::now();
        let error = match question(events, binding, now) {
            Ok(question) => return Ok(Some(question)),
            Err(error) => error.to_string(),
        };
        let Announcement { tenant, position, order_id, .. } = *announcement;
        tracing::error!(%tenant, %order_id, position, error, "an event cannot be told of");
        if let Some(last) = events.last() {
            let (consumer, payload) = (CONSUMER.to_owned(), last.payload.clone());
            let letter = DeadLetter { consumer, position, event_id: last.event_id, payload, error, at: now };
            self.store().put_dead_letter(&letter).await?;
        }
        let mut changeset = Changeset::new(tenant, CONSUMER);
        changeset.announced = Some(Announced { position, messages: Vec::new() });
        self.commit(changeset).await?;
        Ok(None)
    }
}

/// What a policy is asked about the last of an order's events: the order as it was then.
fn question(records: &[EventRecord], binding: &Binding, now: Timestamp) -> Result<Input, Error> {
    let read = |record: &EventRecord| Ok((record.event().map_err(Error::internal)?, record.at));
    let events: Vec<(Event, Timestamp)> = records.iter().map(read).collect::<Result<_, Error>>()?;
    let order = transition::replay(events.iter().map(|(event, at)| (event, *at)));
    let (Some(order), Some(last)) = (order, records.last()) else {
        return Err(Error::Internal("an event that is to be told of has no order".into()));
    };
    Ok(Input {
        context: Context { now, config: binding.config.clone() },
        event: notification::Event {
            name: last.kind.clone(),
            at: last.at,
            version: last.version,
            reason: last.reason.clone(),
        },
        order: shown(&order),
    })
}

/// An order as a notification policy sees it: without anything that names a person.
fn shown(order: &Order) -> notification::Order {
    let line = |line: &domain::order::Line| notification::Line {
        line_id: line.line_id,
        sku: line.sku.clone(),
        title: line.title.clone(),
        quantity: line.quantity,
    };
    let shipment = |shipment: &domain::order::Shipment| notification::Shipment {
        shipment_id: shipment.shipment_id,
        status: shipment.status.name().to_owned(),
        tracking_number: shipment.tracking.as_ref().and_then(|tracking| tracking.news.tracking_number.clone()),
    };
    notification::Order {
        order_id: order.order_id,
        external_id: order.external_id.clone(),
        status: order.status.name().to_owned(),
        currency: order.currency,
        total: order.amounts.total,
        country: order.destination.country.clone(),
        estimated_delivery: order.estimated_delivery,
        lines: order.lines.iter().map(line).collect(),
        shipments: order.shipments.iter().map(shipment).collect(),
    }
}

/// A message as it is kept. Its id is derived, so that it is the same however often it is decided.
fn kept(
    announcement: &Announcement,
    event: &notification::Event,
    number: u64,
    message: notification::Message,
    at: Timestamp,
) -> Message {
    let n = announcement.version.saturating_mul(IDS_PER_EVENT).saturating_add(number);
    Message {
        message_id: MessageId::derived(announcement.order_id, u32::try_from(n).unwrap_or(u32::MAX)),
        order_id: announcement.order_id,
        version: announcement.version,
        event: event.name.clone(),
        channel: message.channel,
        recipient: match message.to {
            Recipient::Customer => None,
            Recipient::Address(address) => Some(address),
        },
        subject: message.subject,
        text: message.text,
        html: message.html,
        status: MessageStatus::Queued,
        attempts: 0,
        reference: None,
        last_error: None,
        created_at: at,
        updated_at: at,
    }
}
