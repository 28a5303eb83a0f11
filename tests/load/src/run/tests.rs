use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

struct Anything;

impl Traffic for Anything {
    fn write(&self, number: u64, call: &mut Call) {
        call.method = "GET";
        call.path = format!("/{number}");
    }
}

/// A server that answers every tenth request with 422, and pauses once for so long.
#[expect(clippy::disallowed_methods, reason = "a server that stalls is what is wanted here")]
async fn serving(pause: Duration) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::new(&format!("http://{}", listener.local_addr().unwrap()), "k").unwrap();
    let count = Arc::new(AtomicU64::new(0));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let count = count.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                    let number = count.fetch_add(1, Ordering::Relaxed);
                    if number == 20 {
                        // All connections stand still, as they do when a server stalls.
                        std::thread::sleep(pause);
                    }
                    let status = if number % 10 == 9 { "422 No" } else { "201 Yes" };
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    target
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_loop_sends_what_is_due_and_charges_a_stall_to_all_that_waited() {
    let target = serving(Duration::from_millis(300)).await;
    let run = open(&target, &Arc::new(Anything), 1, 200.0, Duration::from_millis(500), None).await;
    assert_eq!((run.done(), run.failed(), run.statuses[&422]), (90, 10, 10));
    // 60 requests fell due during the pause; a closed loop would have seen one slow answer.
    let slow = run.latency.count_between(50_000, LATENCY_US_MAX);
    assert!(slow >= 30, "{slow}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_loop_counts_what_was_answered_until_its_end() {
    let target = serving(Duration::ZERO).await;
    let run = closed(&target, &Arc::new(Anything), 4, Duration::from_millis(300), None).await;
    assert!(run.done() > 0 && run.lost == 0);
    assert_eq!(run.latency.len(), run.done());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_one_request_a_client() {
    let target = serving(Duration::ZERO).await;
    let run = burst(&target, &Arc::new(Anything), 100, None).await;
    assert_eq!((run.done(), run.failed()), (90, 10));
}
