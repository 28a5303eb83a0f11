//! Recomputing everything, in one consistent view of the database.

use std::collections::BTreeMap;

use domain::ids::{OrderId, Sku, TenantId, WarehouseId};

use super::order::{ORDER_COLUMNS, OrderRow, check_chain};
use super::seal::{DAILY_ROOTS, daily_root};
use super::{Fault, Report};
use crate::backend::View;
use crate::chain::{GENESIS, Root, signed_message};
use crate::reads::{EVENT_COLUMNS, event, own};
use crate::records::{DailyRoot, EventRecord};
use crate::sql::{self, Columns, id};
use crate::{Error, Store};

/// Orders checked at a time.
const ORDERS_AT_ONCE: usize = 200;

impl Store {
    /// Recomputes every chain, document, reservation and daily root, of one merchant or of all, and with all the log's
    /// positions. `signature_is_right` is given a message of [`crate::chain`] and its signature.
    ///
    /// Commits go on meanwhile; what is checked is the state at the beginning.
    ///
    /// # Errors
    /// What the database said. What is wrong with the data is not an error but in the report.
    pub async fn verify(
        &self,
        tenant: Option<TenantId>,
        signature_is_right: impl Fn(&[u8], &[u8]) -> bool + Send + Sync,
    ) -> Result<Report, Error> {
        let mut view = self.view().await?;
        let mut report = Report::default();
        let tenants = match tenant {
            Some(tenant) => vec![tenant],
            None => {
                check_log(&mut view, &mut report).await?;
                all_tenants(&mut view).await?
            }
        };
        for tenant in tenants {
            let roots = daily_roots(&mut view, tenant, &mut report).await?;
            let mut audit = Audit { tenant, roots, open: BTreeMap::new(), report: &mut report };
            audit.orders(&mut view).await?;
            audit.stock(&mut view).await?;
            audit.finish_roots(&signature_is_right);
        }
        Ok(report)
    }
}

async fn check_log(view: &mut View, report: &mut Report) -> Result<(), Error> {
    let sql = "select position, (select count(*) from order_events), \
               (select coalesce(min(position), 1) from order_events), \
               (select coalesce(max(position), 0) from order_events) from log_head";
    let row = sql::query(sql).fetch_optional(view.handle()).await?;
    let row = row.ok_or_else(|| Error::Damaged("the log has no head".into()))?;
    let mut columns = Columns::new(&row);
    let (head, events, first, last) = (columns.count()?, columns.count()?, columns.count()?, columns.count()?);
    if first != 1 || events != last || last != head {
        report.add(Fault::LogBroken { head, events, last });
    }
    Ok(())
}

/// Also those whose row is gone while their orders or events are not.
async fn all_tenants(view: &mut View) -> Result<Vec<TenantId>, Error> {
    let sql = "select tenant_id from tenants union select distinct tenant_id from orders \
               union select distinct tenant_id from order_events order by 1";
    let rows = sql::query(sql).fetch_all(view.handle()).await?;
    rows.iter().map(|row| Columns::new(row).id(TenantId::new)).collect()
}

async fn daily_roots(
    view: &mut View,
    tenant: TenantId,
    report: &mut Report,
) -> Result<Vec<(DailyRoot, Root, u64)>, Error> {
    let rows = sql::query(DAILY_ROOTS).bind(own(tenant)).fetch_all(view.handle()).await?;
    let mut roots = Vec::new();
    for row in &rows {
        match daily_root(row) {
            Ok(root) => roots.push((root, Root::default(), 0)),
            Err(e) => report.add(Fault::Damaged { tenant, what: format!("a daily root: {e}") }),
        }
    }
    Ok(roots)
}

type Reserved = BTreeMap<OrderId, Vec<(Sku, WarehouseId, i64)>>;

struct Audit<'r> {
    tenant: TenantId,
    /// The stored roots, each with what is recomputed for it: the root, and how many orders.
    roots: Vec<(DailyRoot, Root, u64)>,
    /// The sums of all reservations.
    open: BTreeMap<(Sku, WarehouseId), i64>,
    report: &'r mut Report,
}

impl Audit<'_> {
    /// Walks through orders and events side by side, by id.
    async fn orders(&mut self, view: &mut View) -> Result<(), Error> {
        let mut after: Vec<u8> = Vec::new();
        loop {
            let orders = self.order_rows(view, &after).await?;
            // The last chunk has no end, so that events and reservations without an order are seen too.
            let last = (orders.len() == ORDERS_AT_ONCE)
                .then(|| orders.last().map(|(order_id, _)| id(order_id.uuid())))
                .flatten();
            let mut events = self.events(view, &after, last.as_deref()).await?;
            let mut reserved = self.reservations(view, &after, last.as_deref()).await?;
            for (order_id, order) in orders {
                let events = events.remove(&order_id).unwrap_or_default();
                self.chain(&events);
                let reserved = reserved.remove(&order_id).unwrap_or_default();
                if let Some(order) = order {
                    order.check(self.tenant, &events, &reserved, self.report);
                }
            }
            for (order_id, events) in events {
                self.chain(&events);
                self.report.add(Fault::OrderMissing { order_id });
            }
            for order_id in reserved.into_keys() {
                self.report.add(Fault::ReservationsDiffer { order_id });
            }
            match last {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }

    fn chain(&mut self, events: &[EventRecord]) {
        self.report.events += events.len() as u64;
        check_chain(events, self.report);
        for (stored, root, orders) in &mut self.roots {
            if let Some(last) = events.iter().rev().find(|event| event.position <= stored.position) {
                root.add(last.order_id, last.version, &last.hash);
                *orders += 1;
            }
        }
    }

    /// The next orders; none in place of a row that cannot be understood.
    async fn order_rows(&mut self, view: &mut View, after: &[u8]) -> Result<Vec<(OrderId, Option<OrderRow>)>, Error> {
        let sql = format!(
            "select {ORDER_COLUMNS} from orders where tenant_id = $1 and order_id > $2 order by order_id limit $3"
        );
        let query = sql::query(sql).bind(own(self.tenant)).bind(after.to_vec()).bind(ORDERS_AT_ONCE as i64);
        let rows = query.fetch_all(view.handle()).await?;
        self.report.orders += rows.len() as u64;
        let mut orders = Vec::new();
        for row in &rows {
            let order_id = Columns::new(row).id(OrderId::new)?;
            let order = OrderRow::read(row).map_err(|e| self.damaged(&format!("order {order_id}"), &e)).ok();
            orders.push((order_id, order));
        }
        Ok(orders)
    }

    async fn events(
        &mut self,
        view: &mut View,
        after: &[u8],
        last: Option<&[u8]>,
    ) -> Result<BTreeMap<OrderId, Vec<EventRecord>>, Error> {
        let sql = format!(
            "select {EVENT_COLUMNS} from order_events where tenant_id = $1 and order_id > $2 \
             and ($3 is null or order_id <= $3) order by order_id, version"
        );
        let query = sql::query(sql).bind(own(self.tenant)).bind(after.to_vec()).bind(last.map(<[u8]>::to_vec));
        let rows = query.fetch_all(view.handle()).await?;
        let mut events: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in &rows {
            match event(row) {
                Ok(record) => events.entry(record.order_id).or_default().push(record),
                Err(e) => self.damaged("an event", &e),
            }
        }
        Ok(events)
    }

    async fn reservations(&mut self, view: &mut View, after: &[u8], last: Option<&[u8]>) -> Result<Reserved, Error> {
        let sql = "select order_id, sku, warehouse_id, quantity from reservations where tenant_id = $1 and order_id > $2 \
                   and ($3 is null or order_id <= $3) order by order_id, sku, warehouse_id";
        let query = sql::query(sql).bind(own(self.tenant)).bind(after.to_vec()).bind(last.map(<[u8]>::to_vec));
        let rows = query.fetch_all(view.handle()).await?;
        let mut reserved: Reserved = BTreeMap::new();
        for row in &rows {
            let mut columns = Columns::new(row);
            let order_id = columns.id(OrderId::new)?;
            let (sku, warehouse) = (columns.name(Sku::parse)?, columns.name(WarehouseId::parse)?);
            let units: i64 = columns.get()?;
            *self.open.entry((sku.clone(), warehouse.clone())).or_default() += units;
            reserved.entry(order_id).or_default().push((sku, warehouse, units));
        }
        Ok(reserved)
    }

    async fn stock(&mut self, view: &mut View) -> Result<(), Error> {
        let sql = "select sku, warehouse_id, reserved from inventory where tenant_id = $1";
        let rows = sql::query(sql).bind(own(self.tenant)).fetch_all(view.handle()).await?;
        let mut open = std::mem::take(&mut self.open);
        let mut differ = |sku, warehouse, reserved, open| {
            if reserved != open {
                self.report.add(Fault::StockDiffers { tenant: self.tenant, sku, warehouse, reserved, open });
            }
        };
        for row in &rows {
            let mut columns = Columns::new(row);
            let key = (columns.name(Sku::parse)?, columns.name(WarehouseId::parse)?);
            let open = open.remove(&key).unwrap_or(0);
            differ(key.0, key.1, columns.get()?, open);
        }
        for ((sku, warehouse), open) in open {
            differ(sku, warehouse, 0, open);
        }
        Ok(())
    }

    fn finish_roots(&mut self, signature_is_right: &(impl Fn(&[u8], &[u8]) -> bool + Send + Sync)) {
        let mut previous = GENESIS;
        for (stored, root, orders) in std::mem::take(&mut self.roots) {
            self.report.roots += 1;
            let (tenant, day) = (self.tenant, stored.day.clone());
            if root.finish() != stored.root || orders != stored.orders {
                self.report.add(Fault::RootDiffers { tenant, day: day.clone() });
            }
            if !signature_is_right(&signed_message(&stored, &previous), &stored.signature) {
                self.report.add(Fault::SignatureWrong { tenant, day });
            }
            previous = stored.root;
        }
    }

    fn damaged(&mut self, what: &str, error: &Error) {
        self.report.add(Fault::Damaged { tenant: self.tenant, what: format!("{what}: {error}") });
    }
}
