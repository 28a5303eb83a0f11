use sqlx::{Connection as _, SqliteConnection};

use super::*;

/// The schema of the store itself.
const SCHEMA: &str = include_str!("../../../../migrations/sqlite/0001_init.sql");

/// A run of two orders: one paid by the saga, one that was only just placed.
const RUN: &str = r#"
insert into tenants values (zeroblob(16), 'demo', 'USD', '{}', 0);
insert into warehouses values (zeroblob(16), 'W', '{}');
insert into inventory values (zeroblob(16), 'A', 'W', 100, 5), (zeroblob(16), 'B', 'W', 100, 0);
insert into orders values
  (zeroblob(16), x'01', 3, 'payment_confirmed', 'c-1', 'run-0', 10, 500, 'USD', null, null, null, x'0303030303030303030303030303030303030303030303030303030303030303', '{"v":3}'),
  (zeroblob(16), x'02', 1, 'payment_pending', 'c-1', 'run-1', 20, 500, 'USD', 20, 'n', 30, x'0404040404040404040404040404040404040404040404040404040404040404', '{"v":1}'),
  (zeroblob(16), x'03', 1, 'payment_pending', 'c-1', 'other-1', 20, 500, 'USD', 20, 'n', 30, x'0404040404040404040404040404040404040404040404040404040404040404', '{"v":1}');
insert into reservations values (zeroblob(16), x'01', 'A', 'W', 2), (zeroblob(16), x'02', 'A', 'W', 3);
insert into order_events values
  (1, zeroblob(16), x'01', 1, x'11', 'order.placed', null, 'payment_pending', 'k', null, 10, '{"type":"order.placed","data":{"v":1}}', zeroblob(32)),
  (2, zeroblob(16), x'02', 1, x'12', 'order.placed', null, 'payment_pending', 'k', null, 20, '{"type":"order.placed","data":{"v":1}}', zeroblob(32)),
  (3, zeroblob(16), x'01', 2, x'13', 'payment.authorized', 'payment_pending', 'payment_pending', 'k', null, 15, '{}', zeroblob(32)),
  (4, zeroblob(16), x'01', 3, x'14', 'payment.captured', 'payment_pending', 'payment_confirmed', 'k', null, 16, '{}', zeroblob(32));
insert into idempotency_keys values
  (zeroblob(16), 'run-0', zeroblob(32), x'01', 1, 201, null, 10), (zeroblob(16), 'run-1', zeroblob(32), x'02', 1, 201, null, 20);
insert into seal_keys values (zeroblob(16), x'77', 'c-1', null, x'88');
insert into decisions values
  (zeroblob(16), x'01', x'21', 'routing', 'p', '1', null, 'ok', 1, 1, '{}', '{}', '', null, 10),
  (zeroblob(16), x'01', x'22', 'payment', 'p', '1', null, 'ok', 1, 1, '{}', '{}', '', null, 15);
insert into operations values (zeroblob(16), x'01', 1, 'p', null, 'i', '{}', 1, null, 'done', null, 12);
insert into journal values (zeroblob(16), x'01', 1, 1, 12, 'request', '{}'), (zeroblob(16), x'01', 1, 2, 13, 'result', '{}');
update log_head set position = 4;
"#;

async fn source(directory: &Path) -> std::path::PathBuf {
    let file = directory.join("run.db");
    let mut connection = copy::open(&file).await.unwrap();
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await.unwrap();
    sqlx::raw_sql(RUN).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    file
}

async fn count(connection: &mut SqliteConnection, what: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("select count(*) from {what}"));
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

/// Writes the run's rows again, into a database in this directory.
async fn written(directory: &Path, rows: Rows) -> (Captured, SqliteConnection) {
    let source = source(directory).await;
    let captured = capture(&source, "run", 100).await.unwrap();
    let file = directory.join("raw.db");
    copy::empty(&source, &file).await.unwrap();
    write::write(&captured, rows, &file, 2).await.unwrap();
    (captured, copy::open(&file).await.unwrap())
}

#[tokio::test]
async fn everything_that_the_run_wrote_is_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let (captured, mut raw) = written(directory.path(), Rows::Everything).await;
    let expected = [
        ("orders", 2),
        ("orders where status = 'payment_confirmed' and version = 3 and document = '{\"v\":3}'", 1),
        ("reservations", 2),
        ("order_events", 4),
        ("idempotency_keys", 2),
        ("seal_keys", 1),
        ("decisions", 2),
        ("operations", 1),
        ("journal", 2),
        ("inventory where sku = 'A' and reserved = 5", 1),
        ("log_head where position = 8", 1),
    ];
    for (what, rows) in expected {
        assert_eq!(count(&mut raw, what).await, rows, "{what}");
    }
    // Sixteen rows and the update of the paid order.
    assert_eq!(captured.size(Rows::Everything).0, 17);
}

#[tokio::test]
async fn the_placement_alone_leaves_the_orders_as_they_were_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let (_, mut raw) = written(directory.path(), Rows::Placement).await;
    let expected = [
        ("orders where status = 'payment_pending' and version = 1 and document = '{\"v\":1}'", 2),
        ("order_events", 2),
        ("decisions", 1),
        ("operations", 0),
        ("journal", 0),
    ];
    for (what, rows) in expected {
        assert_eq!(count(&mut raw, what).await, rows, "{what}");
    }
}

#[tokio::test]
async fn a_sample_is_spread_over_the_run_and_lost_orders_are_seen() {
    let directory = tempfile::tempdir().unwrap();
    let source = source(directory.path()).await;
    assert_eq!(capture(&source, "run", 1).await.unwrap().orders.len(), 1);
    assert!(capture(&source, "nothing", 1).await.is_err());
    let ids = ["run-0", "run-1", "run-2"].map(str::to_owned);
    assert_eq!(acknowledged(&source, ids.into_iter()).await.unwrap(), (3, 2));
}
