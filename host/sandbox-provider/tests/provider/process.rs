//! The provider as a process of its own: killed, left by its parent, started twice.

use crate::harness::{Api, intent};
use sandbox_provider::{Config, Error, Server, StoreError, run};
use serde_json::Value;
use std::collections::HashSet;
use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

const FOLDER: &str = "SANDBOX_PROVIDER_TEST_FOLDER";

/// The body of the child process, which is this test program started again.
#[tokio::test]
#[ignore = "other tests start it as a child process"]
async fn child() {
    let mut config = Config::new(std::env::var(FOLDER).unwrap());
    config.json = true;
    config.exit_with_stdin = true;
    run(config, pending()).await.unwrap();
}

async fn start(folder: &Path) -> (Child, Api) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::child", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // The test runner of the child prints lines of its own around ours.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = loop {
        let line = lines.next_line().await.unwrap().expect("the child is ready");
        if let Some(start) = line.find('{') {
            break serde_json::from_str::<Value>(&line[start..]).unwrap();
        }
    };
    // The child must not fail to write what its runner says at the end.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let api = Api::new(ready["url"].as_str().unwrap());
    (child, api)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_kills_and_nothing_is_charged_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut answered = HashSet::new();
    for round in 0..3 {
        let (mut child, api) = start(folder.path()).await;
        let mut clients = JoinSet::new();
        for client in 0..20 {
            let api = api.clone();
            clients.spawn(async move {
                let mut answered = Vec::new();
                for number in 0.. {
                    let name = format!("{round}-{client}-{number}");
                    let request = api.post_request("/v1/payment_intents", &name, &intent(&name, "pm_ok"));
                    match request.send().await {
                        Ok(response) if response.status() == 200 => answered.push(name),
                        // The answer that was lost by the kill may have been written all the same.
                        _ => break,
                    }
                }
                answered
            });
        }
        while api.get("/v1/ledger?limit=1").await.body["last_sequence"].as_u64().unwrap() < 100 * (round + 1) {}
        child.start_kill().unwrap();
        child.wait().await.unwrap();
        answered.extend(clients.join_all().await.concat());
    }
    let (mut child, api) = start(folder.path()).await;
    let lines = api.lines().await;
    let charged: HashSet<String> = lines.iter().map(|(_, reference, _)| reference.clone()).collect();
    assert_eq!(charged.len(), lines.len(), "nothing is charged twice");
    assert!(answered.len() >= 100);
    assert!(answered.is_subset(&charged), "nothing that was answered is lost");
    // Every key is still known, answered or not.
    for reference in &charged {
        assert!(api.open(reference, "pm_ok").await.is_replayed);
    }
    child.kill().await.unwrap();
}

#[tokio::test]
async fn it_ends_when_its_standard_input_closes_even_with_a_silent_request() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, api) = start(folder.path()).await;
    let request = api.post_request("/v1/payment_intents", "k", &intent("order-1", "pm_timeout"));
    let silent = tokio::spawn(request.send());
    while api.ledger().await.is_empty() {}
    drop(child.stdin.take());
    assert!(child.wait().await.unwrap().success());
    assert!(silent.await.unwrap().is_err());
}

#[tokio::test]
async fn the_next_provider_waits_for_one_that_is_still_ending() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ending, api) = start(folder.path()).await;
    // A request that never comes whole: the provider waits for the rest of it before it ends.
    let mut half = TcpStream::connect(api.address()).await.unwrap();
    half.write_all(b"POST /confirm/pi_x HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\ntoken").await.unwrap();
    assert!(api.ledger().await.is_empty());
    drop(ending.stdin.take());
    assert!(ending.try_wait().unwrap().is_none(), "it has not ended yet");
    let (next, api) = start(folder.path()).await;
    assert!(api.ledger().await.is_empty());
    drop((half, next));
}

#[tokio::test]
async fn two_providers_do_not_share_a_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::bind(Config::new(folder.path())).await.unwrap();
    assert!(first.address().ip().is_loopback() && first.address().port() != 0);
    assert_eq!(first.url(), format!("http://{}", first.address()));
    let second = Server::bind(Config::new(folder.path())).await;
    assert!(matches!(second, Err(Error::Store(StoreError::InUse(_)))));
}

#[tokio::test]
async fn wrong_settings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path());
    config.listen = SocketAddr::from(([0, 0, 0, 0], 0));
    let public = Server::bind(config.clone()).await;
    assert!(matches!(public, Err(Error::PublicAddress(_))));
    config.allow_public = true;
    drop(Server::bind(config).await.unwrap());

    for key in ["sk_live_1234", "sk_sandbox_", "sk_sandbox_a b"] {
        let mut config = Config::new(folder.path());
        config.api_key = key.into();
        assert!(matches!(Server::bind(config).await, Err(Error::ApiKey)), "{key}");
    }
}
