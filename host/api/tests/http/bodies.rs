//! Bodies that nobody wants to the end, from clients that write before they read.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::Shop;

/// Far above the limit, and more than the sockets' buffers hold.
const LARGE: usize = 12 * 1024 * 1024;
const PIECE: usize = 64 * 1024;
/// What `drain` reads on, what `body` read before, and room for the buffers of two sockets.
const ENDLESS_BYTES_MAX: usize = (64 + 1 + 15) * 1024 * 1024;
/// Long after any limit: whoever waits so long waits for ever.
const NEVER: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy)]
enum Framing {
    Length,
    Chunks,
}

/// A connection to a shop that listens, used from a thread of its own.
struct Client {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    key: String,
}

impl Client {
    /// Sends the head of a request for a key.
    fn ask(&mut self, framing: Framing, length: usize, more: &str) {
        let framed = match framing {
            Framing::Length => format!("content-length: {length}"),
            Framing::Chunks => "transfer-encoding: chunked".to_owned(),
        };
        let head = format!(
            "POST /api/v1/keys HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n{framed}\r\n{more}\r\n",
            self.key
        );
        self.stream.write_all(head.as_bytes()).unwrap();
    }

    fn write_piece(&mut self, framing: Framing, piece: &[u8]) -> std::io::Result<()> {
        match framing {
            Framing::Length => self.stream.write_all(piece),
            Framing::Chunks => {
                let framed = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
                self.stream.write_all(&framed)
            }
        }
    }

    /// The status of the next answer, and its document.
    fn read(&mut self) -> (u16, Value) {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {line:?}")).parse().unwrap();
        let mut length = 0;
        loop {
            line.clear();
            self.reader.read_line(&mut line).unwrap();
            match line.trim_end().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    fn refusal(&mut self) -> (u16, String) {
        let (status, document) = self.read();
        (status, document["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Whether the server has not ended the connection; waits for that as long as reading may take.
    fn is_open(&mut self) -> bool {
        match self.reader.read(&mut [0]) {
            Ok(0) => false,
            Ok(_) => panic!("there is nothing more to say"),
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }

    fn assert_goes_on(&mut self) {
        self.stream.write_all(b"GET /livez HTTP/1.1\r\nhost: shop\r\n\r\n").unwrap();
        assert_eq!(self.read().0, 200);
    }
}

/// Lets clients talk to a shop that listens; the first has a good key, the second a bad one.
async fn with_clients(talk: impl FnOnce(&mut Client, &mut Client) + Send + 'static) {
    let shop = Shop::open().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, shop.router.clone()).into_future());
    let key = shop.key.clone();
    let talking = tokio::task::spawn_blocking(move || {
        let connect = |key: String| {
            let stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(NEVER)).unwrap();
            stream.set_write_timeout(Some(NEVER)).unwrap();
            stream.set_nodelay(true).unwrap();
            Client { reader: BufReader::new(stream.try_clone().unwrap()), stream, key }
        };
        talk(&mut connect(key), &mut connect("ow_nobody".to_owned()));
    });
    talking.await.unwrap();
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_everything_first_reads_the_refusal_and_keeps_the_connection() {
    with_clients(|known, unknown| {
        for framing in [Framing::Length, Framing::Chunks] {
            for (client, refusal) in [(&mut *known, (413, "body_too_large")), (&mut *unknown, (401, "unauthorized"))] {
                client.ask(framing, LARGE, "");
                for _ in 0..LARGE / PIECE {
                    client.write_piece(framing, &[b' '; PIECE]).unwrap();
                }
                if matches!(framing, Framing::Chunks) {
                    client.write_piece(framing, b"").unwrap();
                }
                let (status, code) = client.refusal();
                assert_eq!((status, code.as_str()), refusal, "{framing:?}");
                client.assert_goes_on();
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_body_is_cut_off_by_its_bytes() {
    with_clients(|known, unknown| {
        for client in [known, unknown] {
            client.ask(Framing::Chunks, 0, "");
            let mut written = 0;
            while client.write_piece(Framing::Chunks, &[b' '; PIECE]).is_ok() {
                written += PIECE;
                assert!(written < ENDLESS_BYTES_MAX, "the server reads on and on");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_body_that_trickles_is_answered_at_once_and_cut_off_in_time() {
    with_clients(|known, unknown| {
        let begun = Instant::now();
        known.ask(Framing::Length, 1 << 40, "");
        assert_eq!(known.refusal(), (413, "body_too_large".to_owned()));
        unknown.ask(Framing::Chunks, 0, "");
        assert_eq!(unknown.refusal(), (401, "unauthorized".to_owned()));
        for (client, framing) in [(known, Framing::Length), (unknown, Framing::Chunks)] {
            client.stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            while client.is_open() {
                assert!(begun.elapsed() < NEVER, "the server waits for ever");
                // Where this fails, the connection is not open any more.
                let _ = client.write_piece(framing, b" ");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_first_is_not_asked_for_a_body_that_nobody_wants() {
    with_clients(|known, unknown| {
        let expect = "expect: 100-continue\r\n";
        let body = br#"{"name": "web shop", "scopes": ["orders:read"]}"#;
        known.ask(Framing::Length, body.len(), expect);
        assert_eq!(known.read().0, 100);
        known.write_piece(Framing::Length, body).unwrap();
        assert_eq!(known.read().0, 201);
        known.ask(Framing::Length, LARGE, expect);
        assert_eq!(known.refusal(), (413, "body_too_large".to_owned()));
        unknown.ask(Framing::Chunks, 0, expect);
        assert_eq!(unknown.refusal(), (401, "unauthorized".to_owned()));
    })
    .await;
}
