//! Reading what a run wrote, order by order, parted into what the placement wrote and what the payment saga added.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::cells::{self, Cell};
use super::{Rows, copy};

/// The tables of which whole rows are kept, in the order in which the store writes them.
pub const TABLES: [&str; 8] =
    ["seal_keys", "orders", "reservations", "idempotency_keys", "decisions", "operations", "journal", "order_events"];
pub const ORDERS: usize = 1;
pub const RESERVATIONS: usize = 2;
const DECISIONS: usize = 4;
const OPERATIONS: usize = 5;
const JOURNAL: usize = 6;
pub const EVENTS: usize = 7;

/// What a run wrote for a sample of its orders.
pub struct Captured {
    /// The database that it was read from.
    pub source: PathBuf,
    /// The columns of each of [`TABLES`].
    pub columns: [Vec<String>; TABLES.len()],
    pub orders: Vec<OrderRows>,
    /// How much of each stock row there is on hand.
    pub on_hand: HashMap<StockKey, i64>,
}

/// Merchant, SKU and warehouse.
pub type StockKey = (Vec<u8>, std::sync::Arc<str>, std::sync::Arc<str>);

/// One order's rows.
#[derive(Default)]
pub struct OrderRows {
    /// Written by the commit that the 201 waited for; the order as it was then.
    pub placement: [Vec<Vec<Cell>>; TABLES.len()],
    /// Written later; the order as it was at the end, if it changed.
    pub saga: [Vec<Vec<Cell>>; TABLES.len()],
}

impl Captured {
    /// Rows and bytes; an update of the order's row counts as one, the stock rows are not in it.
    pub fn size(&self, rows: Rows) -> (usize, usize) {
        let parts = self.orders.iter().flat_map(|order| {
            let saga = (rows == Rows::Everything).then_some(&order.saga);
            std::iter::once(&order.placement).chain(saga)
        });
        let all = parts.flatten().flatten();
        all.fold((0, 0), |(count, bytes), row| (count + 1, bytes + row.iter().map(Cell::bytes).sum::<usize>()))
    }

    /// The place of a column.
    pub fn column(&self, table: usize, name: &str) -> usize {
        self.columns[table].iter().position(|column| column == name).expect("the schema has the column")
    }
}

/// How many of these external ids are in the database.
pub async fn acknowledged(
    database: &Path,
    external_ids: impl Iterator<Item = String>,
) -> anyhow::Result<(usize, usize)> {
    let mut connection = copy::open(database).await?;
    let there: HashSet<String> = sqlx::query_scalar("select external_id from orders where external_id is not null")
        .fetch_all(&mut connection)
        .await?
        .into_iter()
        .collect();
    connection.close().await?;
    let (mut asked, mut found) = (0, 0);
    for id in external_ids {
        asked += 1;
        found += usize::from(there.contains(&id));
    }
    Ok((asked, found))
}

pub async fn capture(database: &Path, name: &str, orders_max: usize) -> anyhow::Result<Captured> {
    let mut connection = copy::open(database).await?;
    let count = choose(&mut connection, name, orders_max).await?;
    if count == 0 {
        bail!("there is no order of this run in {}", database.display());
    }
    let mut captured = Captured {
        source: database.to_owned(),
        columns: Default::default(),
        orders: std::iter::repeat_with(OrderRows::default).take(count).collect(),
        on_hand: HashMap::new(),
    };
    for (table, name) in TABLES.iter().enumerate() {
        captured.columns[table] = sqlx::query_scalar("select name from pragma_table_info(?) order by cid")
            .bind(*name)
            .fetch_all(&mut connection)
            .await?;
        for row in rows(&mut connection, table).await? {
            let Some(order) = row.first().and_then(Cell::integer).and_then(|n| usize::try_from(n).ok()) else {
                continue;
            };
            captured.orders[order].placement[table].push(row[1..].to_vec());
        }
    }
    stock(&mut connection, &mut captured).await?;
    connection.close().await?;
    part(&mut captured)?;
    Ok(captured)
}

/// Numbers every k-th order of the run, so that the sample is spread evenly over its time.
async fn choose(connection: &mut SqliteConnection, name: &str, orders_max: usize) -> anyhow::Result<usize> {
    let like = format!("{name}-*");
    let all: i64 = sqlx::query_scalar("select count(*) from orders where external_id glob ?")
        .bind(&like)
        .fetch_one(&mut *connection)
        .await?;
    let step = usize::try_from(all)?.div_ceil(orders_max.max(1)).max(1);
    sqlx::query(
        "create temp table chosen (n integer primary key, tenant_id blob, order_id blob, external_id text, \
         customer_id text, unique (tenant_id, order_id))",
    )
    .execute(&mut *connection)
    .await?;
    let chosen = sqlx::query(
        "insert into chosen select (number - 1) / ?2, tenant_id, order_id, external_id, customer_id from \
         (select row_number() over (order by rowid) as number, tenant_id, order_id, external_id, customer_id \
          from orders where external_id glob ?1) where (number - 1) % ?2 = 0",
    )
    .bind(&like)
    .bind(i64::try_from(step)?)
    .execute(&mut *connection)
    .await?;
    Ok(usize::try_from(chosen.rows_affected())?)
}

/// A table's rows of the chosen orders, each behind the order's number.
async fn rows(connection: &mut SqliteConnection, table: usize) -> Result<Vec<Vec<Cell>>, sqlx::Error> {
    let of_order = "t.tenant_id = c.tenant_id and t.order_id = c.order_id";
    let sql = match TABLES[table] {
        // A customer's key was written with the customer's first order.
        "seal_keys" => format!(
            "select c.n, t.* from chosen as c cross join seal_keys as t \
             on t.tenant_id = c.tenant_id and t.customer_id = c.customer_id \
             where c.order_id = (select f.order_id from orders as f where f.tenant_id = c.tenant_id \
             and f.customer_id = c.customer_id order by f.placed_at, f.order_id limit 1) \
             union all select c.n, t.* from seal_keys as t cross join chosen as c on {of_order} \
             where t.order_id is not null and t.customer_id is null"
        ),
        // The tool gives an order the same text as key and as external id.
        "idempotency_keys" => "select c.n, t.* from chosen as c cross join idempotency_keys as t \
                               on t.tenant_id = c.tenant_id and t.key = c.external_id"
            .to_owned(),
        "order_events" => {
            format!(
                "select c.n, t.* from chosen as c cross join order_events as t on {of_order} order by c.n, t.version"
            )
        }
        name => format!("select c.n, t.* from chosen as c cross join {name} as t on {of_order}"),
    };
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(connection).await?;
    rows.iter().map(|row| cells::read(row, 0)).collect()
}

async fn stock(connection: &mut SqliteConnection, captured: &mut Captured) -> anyhow::Result<()> {
    let rows = sqlx::query(
        "select distinct i.tenant_id, i.sku, i.warehouse_id, i.on_hand from chosen as c \
         cross join reservations as r on r.tenant_id = c.tenant_id and r.order_id = c.order_id \
         cross join inventory as i on i.tenant_id = r.tenant_id and i.sku = r.sku and i.warehouse_id = r.warehouse_id",
    )
    .fetch_all(connection)
    .await?;
    for row in &rows {
        if let [Cell::Blob(tenant), Cell::Text(sku), Cell::Text(warehouse), Cell::Integer(on_hand)] =
            cells::read(row, 0)?.as_slice()
        {
            captured.on_hand.insert((tenant.clone(), sku.clone(), warehouse.clone()), *on_hand);
        }
    }
    Ok(())
}

/// Moves what came after the placement's commit to the saga, and winds the order's row back.
fn part(captured: &mut Captured) -> anyhow::Result<()> {
    let hook = captured.column(DECISIONS, "hook");
    let placed_at = captured.column(ORDERS, "placed_at");
    let at = captured.column(EVENTS, "at");
    let place = Place::of(captured);
    for order in &mut captured.orders {
        let Some(row) = order.placement[ORDERS].first().cloned() else { bail!("an order has no row") };
        let moment = row[placed_at].clone();
        let OrderRows { placement, saga } = order;
        for table in [OPERATIONS, JOURNAL] {
            saga[table] = std::mem::take(&mut placement[table]);
        }
        let is_payment = |row: &mut Vec<Cell>| row[hook].text().is_some_and(|hook| &**hook == "payment");
        saga[DECISIONS] = placement[DECISIONS].extract_if(.., is_payment).collect();
        saga[EVENTS] = placement[EVENTS].extract_if(.., |row| row[at] != moment).collect();
        if !saga[EVENTS].is_empty() {
            let events = &placement[EVENTS];
            let (Some(first), Some(last)) = (events.first(), events.last()) else {
                bail!("an order has no first event")
            };
            placement[ORDERS] = vec![place.wind_back(row.clone(), first, last)?];
            saga[ORDERS] = vec![row];
        }
    }
    Ok(())
}

/// Where the columns are that a change of an order changes.
struct Place {
    version: usize,
    status: usize,
    head_hash: usize,
    document: usize,
    event_version: usize,
    event_to: usize,
    event_hash: usize,
    event_payload: usize,
}

impl Place {
    fn of(captured: &Captured) -> Self {
        Self {
            version: captured.column(ORDERS, "version"),
            status: captured.column(ORDERS, "status"),
            head_hash: captured.column(ORDERS, "head_hash"),
            document: captured.column(ORDERS, "document"),
            event_version: captured.column(EVENTS, "version"),
            event_to: captured.column(EVENTS, "to_status"),
            event_hash: captured.column(EVENTS, "hash"),
            event_payload: captured.column(EVENTS, "payload"),
        }
    }

    /// The row as the placement wrote it: the first event carries the document of that moment.
    fn wind_back(&self, mut row: Vec<Cell>, first: &[Cell], last: &[Cell]) -> anyhow::Result<Vec<Cell>> {
        let payload = first[self.event_payload].text().context("an event has no payload")?;
        let document = payload
            .strip_prefix(r#"{"type":"order.placed","data":"#)
            .and_then(|rest| rest.strip_suffix('}'))
            .context("the first event does not carry the order's document")?;
        row[self.document] = Cell::Text(document.into());
        row[self.version] = last[self.event_version].clone();
        row[self.status] = last[self.event_to].clone();
        row[self.head_hash] = last[self.event_hash].clone();
        Ok(row)
    }
}
