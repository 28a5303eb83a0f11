//! `orderwright import orders` and `orderwright export`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use e2e::{Options, Server, Shop, admin, basket, process, unique};
use serde_json::{Value, json};

fn run(server: &Server, arguments: &[&str], file: &Path) -> Output {
    let mut command = Command::new(process::orderwright());
    command.args(arguments).arg("--data").arg(server.folder().data()).arg(file);
    command.output().expect("the command runs")
}

fn report(output: &Output) -> Value {
    let told = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_put_right_and_imported_again_doubles_nothing() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(100).await);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("orders.csv");
    let header = "external_id,sku_id,quantity,price,customer_name,shipping_country,shipping_region,payment_method_id,shipping_cost\n";
    let good = format!("W-1,{sku},2,29.90,\"Lee, Ann\",US,TX,pm_ok,0\nW-1,{sku},1,7.5,,,,,\n,{sku},1,1,,DE,,pm_ok,\n");
    let written = |last: &str| std::fs::write(&file, format!("{header}{good}{last}")).expect("it is written");
    written(&format!("W-2,{sku},many,1,,US,,pm_ok,\nW-3,{sku},1000,1,,US,,pm_ok,\n"));

    let dry = run(&server, &["import", "orders", "--json", "--dry-run"], &file);
    assert_eq!((dry.status.code(), report(&dry)["orders"].as_u64()), (Some(1), Some(4)), "a cell cannot be read");
    assert_eq!(client.all("/orders").await.len(), 0);
    let first = run(&server, &["import", "orders", "--json"], &file);
    let told = report(&first);
    assert_eq!((first.status.code(), &told["placed"], &told["complete"]), (Some(1), &json!(2), &json!(false)));
    assert_eq!(
        told["refused"][0],
        json!({"line": 5, "reason": "line 5: quantity must be a whole number, not \"many\""})
    );
    assert!(told["refused"][1]["reason"].to_string().contains("out_of_stock"), "{told}");

    written(&format!("W-2,{sku},3,1,,US,,pm_ok,\nW-3,{sku},1,1,,US,,pm_ok,\n"));
    for (placed, there) in [(2, 2), (0, 4)] {
        let again = run(&server, &["import", "orders", "--json"], &file);
        let told = report(&again);
        assert_eq!((&told["placed"], &told["already_there"]), (&json!(placed), &json!(there)), "{told}");
        assert!(again.status.success());
    }
    let orders = client.all("/orders").await;
    let first = orders.iter().find(|order| order["external_id"] == "W-1").expect("it is there");
    assert_eq!((first["subtotal"].as_str(), &first["customer"]["name"]), (Some("67.30"), &json!("Lee, Ann")));
    assert_eq!((orders.len(), first["items"].as_array().map(Vec::len)), (4, Some(2)));
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_goes_on_where_it_was_stopped_and_has_every_order_once() {
    const ORDERS: usize = 450;
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(1_000).await;
    for _ in 0..ORDERS {
        shop.client.placed(&basket::for_free(&sku, 1)).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let [lines, rows] = ["orders.ndjson", "orders.csv"].map(|name| folder.path().join(name));
    assert!(run(&server, &["export"], &lines).status.success());
    let text = std::fs::read_to_string(&lines).expect("the file is there");
    let orders: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a document")).collect();
    let mut ids: Vec<_> = orders.iter().map(|order| order["order_id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), ORDERS);
    assert_eq!(std::fs::metadata(&lines).expect("a file").permissions().mode() & 0o777, 0o600);
    let refused = run(&server, &["export"], &lines);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("--force"));

    // Two pages are written, then the server is gone.
    server.stop();
    server.restart_with(Options::new().flags("--rate-limit 2/36000"));
    let mut stopped = Command::new(process::orderwright());
    stopped.arg("export").arg("--data").arg(server.folder().data()).arg(&rows);
    let mut stopped = stopped.spawn().expect("the command runs");
    let part = folder.path().join("orders.csv.part");
    e2e::eventually("two pages are written", async || {
        let written = std::fs::read_to_string(&part).unwrap_or_default().lines().count();
        if written == 401 { Ok(()) } else { Err(format!("{written} lines")) }
    })
    .await;
    stopped.kill().expect("it waits for its turn");
    stopped.wait().expect("it is gone");
    assert!(!rows.exists(), "what is unfinished does not stand for the whole");
    // What came after the last page that is known to be there does not count.
    let torn = std::fs::read_to_string(&part).expect("a file") + "ord_torn,";
    std::fs::write(&part, torn).expect("it is written");
    server.stop();
    server.restart_with(Options::new());
    assert!(run(&server, &["export"], &rows).status.success());
    let text = std::fs::read_to_string(&rows).expect("the file is there");
    let mut found: Vec<_> =
        text.lines().skip(1).filter_map(|row| Some(format!("{:?}", row.split(',').next()?))).collect();
    found.sort();
    assert_eq!(found, ids, "every order once");
    assert!(text.starts_with("order_id,external_id,status,") && !part.exists());

    // Whoever asks for other orders begins anew.
    let none = folder.path().join("none.ndjson");
    assert!(run(&server, &["export", "--status", "shipped"], &none).status.success());
    assert_eq!(std::fs::read_to_string(&none).expect("the file is there"), "");
    let wrong = run(&server, &["export", "--status", &unique("no")], &folder.path().join("wrong"));
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("/status"));
    server.stop();
}
