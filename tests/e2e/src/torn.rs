//! Requests that are cut off: the connection ends somewhere in the middle, or before the answer was read.

use std::fmt::Write as _;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Client, Request};

/// Where a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// After so many bytes of the request.
    After(usize),
    /// After the whole request.
    Unread,
    /// After the first byte of the answer.
    Begun,
}

/// The request as it goes over the wire.
#[must_use]
pub fn wire(client: &Client, request: &Request) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", request.method, request.path, address(client));
    let _ = write!(head, "authorization: Bearer {}\r\n", client.api_key());
    let mut bytes = head.into_bytes();
    for (name, value) in &request.headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    let body = request.body.as_deref().unwrap_or_default();
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn address(client: &Client) -> &str {
    client.url().trim_start_matches("http://")
}

/// Sends a request up to a cut, and hangs up. Where the server has hung up first there is nothing left to cut.
pub async fn send(client: &Client, request: &Request, cut: Cut) {
    let bytes = wire(client, request);
    let Ok(mut stream) = TcpStream::connect(address(client)).await else { return };
    let sent = match cut {
        Cut::After(length) => &bytes[..length.min(bytes.len())],
        Cut::Unread | Cut::Begun => &bytes,
    };
    if stream.write_all(sent).await.is_ok() && cut == Cut::Begun {
        let _ = stream.read(&mut [0]).await;
    }
}

/// Sends a request up to some cut.
pub async fn send_somewhat(client: &Client, request: &Request) {
    let cut = match fastrand::u8(0..4) {
        0 => Cut::After(fastrand::usize(0..wire(client, request).len())),
        1 => Cut::Begun,
        _ => Cut::Unread,
    };
    send(client, request, cut).await;
}
