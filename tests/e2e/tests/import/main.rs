//! `orderwright import online-retail` on rows of the real data set; see `data/README.md`.

mod files;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::client::Request;
use e2e::{Client, Options, Server, admin, eventually, process};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

fn excerpt() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/online-retail-excerpt.csv")
}

fn import(server: &Server, file: &Path) -> Child {
    let mut command = Command::new(process::orderwright());
    command.args(["import", "online-retail", "--json", "--data"]).arg(server.folder().data()).arg(file);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the import starts")
}

/// Waits for an import; answers its exit code and its report.
async fn report(import: Child) -> (Option<i32>, Value) {
    let waiting = tokio::task::spawn_blocking(move || import.wait_with_output());
    let Output { status, stdout, stderr } = waiting.await.expect("waiting does not panic").expect("it ends");
    let report = serde_json::from_slice(&stdout);
    (status.code(), report.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&stderr))))
}

/// The figures of a report that the rest follows from.
fn figures(report: &Value) -> Value {
    let names = ["invoices", "placed", "already_there", "zero_totals", "sum", "complete"];
    let counted = ["refused", "cancellations"].map(|name| report[name].as_array().map_or(0, Vec::len));
    json!([names.map(|name| report[name].clone()), counted])
}

async fn orders(client: &Client) -> Vec<Value> {
    let page = client.get("/orders?limit=200").await.expect(200);
    assert_eq!(page["next_cursor"], Value::Null, "more orders than were imported");
    page["data"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_excerpt_is_placed_once_however_often_it_is_imported() {
    // The import has to wait now and then.
    let mut server = Server::start_with(Options::new().flags("--rate-limit 100/1"));
    let (code, first) = report(import(&server, &excerpt())).await;
    assert_eq!((code, figures(&first)), (Some(0), json!([[31, 24, 0, 3, "6599.06", true], [4, 3]])), "{first}");
    let (code, second) = report(import(&server, &excerpt())).await;
    assert_eq!((code, figures(&second)), (Some(0), json!([[31, 0, 24, 3, "6599.06", true], [4, 3]])), "{second}");
    assert_eq!(second["stock_raised"]["units"], 0);

    server.stop();
    server.restart_with(Options::new());
    let client = server.client();
    let placed = orders(&client).await;
    assert_eq!(placed.len(), 24);
    assert!(placed.iter().all(|order| order["currency"] == "GBP" && order["external_id"].is_string()));
    // What was booked in is what the orders hold, and no more.
    let line = &placed[0]["items"][0]["sku_id"];
    let sku = line.as_str().expect("a SKU").replace(' ', "%20");
    let stock = client.get(&format!("/inventory/{sku}")).await.expect(200);
    assert!(stock["data"].as_array().expect("a list").iter().all(|level| level["available"] == 0), "{stock}");
    eventually("the order to EIRE is found in Ireland", || async {
        let found = client.get("/search/orders?q=country:IE").await.expect(200);
        let count = found["data"].as_array().map_or(0, Vec::len);
        if count == 1 { Ok(()) } else { Err(format!("{count} are found")) }
    })
    .await;
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_stopped_goes_on_where_it_was() {
    // Enough to look the orders up, and by far not enough for their stock: the import can but wait.
    const READS: usize = 30;
    let mut server = Server::start_with(Options::new().flags(&format!("--rate-limit {READS}/36000")));
    let running = import(&server, &excerpt());
    let client = server.client();
    let asked = AtomicUsize::new(0);
    eventually("somebody else than this test has asked", || async {
        let reply = client.send(Request::new("GET", "/warehouses")).await;
        let asked = asked.fetch_add(1, Ordering::Relaxed) + 1;
        let left = reply.header("ratelimit").split("r=").nth(1).and_then(|rest| rest.split(';').next()?.parse().ok());
        if left.unwrap_or(0) + asked < READS { Ok(()) } else { Err(format!("{left:?} left after {asked} of our own")) }
    })
    .await;
    let pid = Pid::from_child(&running);
    kill_process(pid, Signal::INT).expect("the import waits");
    let (code, stopped) = report(running).await;
    assert_eq!((code, &stopped["stopped"], &stopped["placed"]), (Some(1), &json!(true), &json!(0)), "{stopped}");

    server.stop();
    server.restart_with(Options::new());
    let (code, report) = report(import(&server, &excerpt())).await;
    assert_eq!((code, &report["placed"], &report["complete"]), (Some(0), &json!(24), &json!(true)), "{report}");
}

/// The whole file is not in the repository: `ONLINE_RETAIL_CSV` names it.
#[tokio::test(flavor = "multi_thread")]
async fn the_whole_file_gives_the_known_figures() {
    let Some(file) = std::env::var_os("ONLINE_RETAIL_CSV") else { return };
    let server = Server::start();
    for (placed, there) in [(439, 0), (0, 439)] {
        let (code, report) = report(import(&server, Path::new(&file))).await;
        let expected = json!([[512, placed, there, 15, "184248.33", true], [30, 43]]);
        assert_eq!((code, figures(&report)), (Some(0), expected));
    }
}
