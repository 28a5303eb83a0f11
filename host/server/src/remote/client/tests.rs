use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server that gives these answers, one a connection, and the requests that it got.
async fn serving(answers: Vec<&'static str>) -> (Target, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).await.unwrap();
            request.truncate(length);
            requests.push(String::from_utf8(request).unwrap());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        requests
    });
    (Target { url, key: "ow_k".into() }, served)
}

const CLOSE: &str = "connection: close\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn a_busy_server_is_asked_again_with_the_same_key() {
    let answers = [
        format!("HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\n{CLOSE}"),
        format!("HTTP/1.1 503 Service Unavailable\r\n{CLOSE}"),
        "HTTP/1.1 201 Created\r\n".to_owned(),
        format!("HTTP/1.1 201 Created\r\nidempotent-replayed: true\r\n{CLOSE}"),
    ];
    let (target, served) = serving(answers.map(|answer| &*answer.leak()).to_vec()).await;
    let client = Client::new(&target, Stop::never()).unwrap();
    let answer = client.post(&["orders"], "import-1", "{}").await.unwrap();
    assert_eq!((answer.status, answer.replayed), (StatusCode::CREATED, true));
    let requests = served.await.unwrap();
    assert_eq!(requests.len(), 4);
    for request in requests {
        assert!(request.starts_with("POST /api/v1/orders HTTP/1.1\r\n"), "{request}");
        assert!(
            request.contains("idempotency-key: import-1\r\n") && request.contains("authorization: Bearer ow_k\r\n")
        );
    }
}

#[tokio::test]
async fn a_segment_is_encoded_and_a_refusal_is_told() {
    let refusal = "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 40\r\n\r\n\
                   {\"code\":\"not_found\",\"detail\":\"No such.\"}";
    let (target, served) = serving(vec![refusal]).await;
    let client = Client::new(&target, Stop::never()).unwrap();
    let answer = client.get(&["inventory", "BANK CHARGES/x"], &[]).await.unwrap();
    let error = answer.success("stock").err().unwrap().to_string();
    assert_eq!(error, "stock: not_found: No such.");
    assert!(served.await.unwrap()[0].starts_with("GET /api/v1/inventory/BANK%20CHARGES%2Fx HTTP/1.1\r\n"));
}
