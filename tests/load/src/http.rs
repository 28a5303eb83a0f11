//! A lean HTTP/1.1 client: one connection kept alive, one request at a time, no allocation where none is needed.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// No answer of this server is larger.
const RESPONSE_BYTES_MAX: usize = 16 << 20;

/// A server, and who speaks to it.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// The header lines that every request carries.
    head: String,
}

impl Target {
    /// `url` is `http://ADDRESS:PORT`: the tool speaks to the loopback interface only.
    pub fn new(url: &str, key: &str) -> anyhow::Result<Self> {
        let authority = url.strip_prefix("http://").context("the URL must begin with http://")?.trim_end_matches('/');
        let address: SocketAddr =
            authority.parse().with_context(|| format!("`{authority}` must be an IP address and a port"))?;
        if !address.ip().is_loopback() {
            bail!("{address} is another machine: the load tool is for this one");
        }
        Ok(Self { address, head: format!("host: {authority}\r\nauthorization: Bearer {key}\r\n") })
    }

    /// The same server, spoken to as somebody else.
    pub fn with_key(&self, key: &str) -> Self {
        Self { address: self.address, head: format!("host: {}\r\nauthorization: Bearer {key}\r\n", self.address) }
    }
}

/// A request to be written; reused, so that its buffers are.
#[derive(Debug, Default)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    /// Sent as `Idempotency-Key` where it is not empty.
    pub key: String,
    pub body: String,
}

impl Call {
    /// A call without a body.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), ..Self::default() }
    }

    /// A call with a JSON body.
    pub fn write(method: &'static str, path: impl Into<String>, key: impl Into<String>, body: String) -> Self {
        Self { method, path: path.into(), key: key.into(), body }
    }
}

/// An answer, as long as the connection is not used again.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<'c> {
    pub status: u16,
    pub body: &'c [u8],
}

impl Answer<'_> {
    /// The value of the first string member of this name: enough to find an id without parsing the document.
    pub fn text(&self, name: &str) -> Option<&str> {
        let body = std::str::from_utf8(self.body).ok()?;
        let start = body.find(&format!("\"{name}\":\""))? + name.len() + 4;
        body[start..].split('"').next()
    }

    /// The whole document.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(self.body).context("the answer is not JSON")
    }

    /// The document of a success.
    pub fn success(&self) -> anyhow::Result<serde_json::Value> {
        if !(200..300).contains(&self.status) {
            bail!("{}: {}", self.status, String::from_utf8_lossy(self.body));
        }
        if self.body.is_empty() { Ok(serde_json::Value::Null) } else { self.json() }
    }
}

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    /// What is written.
    out: Vec<u8>,
    /// What has been read.
    read: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(target: &Target) -> io::Result<Self> {
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, out: Vec::with_capacity(2048), read: Vec::with_capacity(8192) })
    }

    /// Sends a request and reads its answer. After an error the connection is of no more use.
    pub async fn send(&mut self, target: &Target, call: &Call) -> io::Result<Answer<'_>> {
        self.out.clear();
        write!(self.out, "{} {} HTTP/1.1\r\n{}", call.method, call.path, target.head)?;
        if !call.key.is_empty() {
            write!(self.out, "idempotency-key: {}\r\n", call.key)?;
        }
        if call.method != "GET" {
            write!(self.out, "content-type: application/json\r\ncontent-length: {}\r\n", call.body.len())?;
        }
        self.out.extend_from_slice(b"\r\n");
        self.out.extend_from_slice(call.body.as_bytes());
        self.stream.write_all(&self.out).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> io::Result<Answer<'_>> {
        self.read.clear();
        let body_at = loop {
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head = Head::parse(&self.read[..body_at])?;
        let body = match head.length {
            Length::Known(length) => {
                while self.read.len() < body_at + length {
                    self.more().await?;
                }
                &self.read[body_at..body_at + length]
            }
            Length::Chunked => {
                let length = self.chunks(body_at).await?;
                &self.read[body_at..body_at + length]
            }
        };
        Ok(Answer { status: head.status, body })
    }

    /// Reads a chunked body and moves its chunks together; answers its length.
    async fn chunks(&mut self, body_at: usize) -> io::Result<usize> {
        let (mut from, mut to) = (body_at, body_at);
        loop {
            let line_end = loop {
                match find(&self.read[from..], b"\r\n") {
                    Some(end) => break from + end,
                    None => self.more().await?,
                }
            };
            let line = std::str::from_utf8(&self.read[from..line_end]).map_err(|_| bad("a chunk's length"))?;
            let length = line.split(';').next().unwrap_or_default().trim();
            let length = usize::from_str_radix(length, 16).map_err(|_| bad("a chunk's length"))?;
            let data = line_end + 2;
            while self.read.len() < data + length + 2 {
                self.more().await?;
            }
            if length == 0 {
                return Ok(to - body_at);
            }
            self.read.copy_within(data..data + length, to);
            to += length;
            from = data + length + 2;
        }
    }

    async fn more(&mut self) -> io::Result<()> {
        if self.read.len() > RESPONSE_BYTES_MAX {
            return Err(bad("a response of endless length"));
        }
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

enum Length {
    Known(usize),
    Chunked,
}

struct Head {
    status: u16,
    length: Length,
}

impl Head {
    fn parse(head: &[u8]) -> io::Result<Self> {
        let text = std::str::from_utf8(head).map_err(|_| bad("a head that is no text"))?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let mut length = Length::Known(0);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = Length::Known(value.trim().parse().map_err(|_| bad("a length"))?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") && value.trim().eq_ignore_ascii_case("chunked") {
                length = Length::Chunked;
            }
        }
        Ok(Self { status: status.ok_or_else(|| bad("a status line"))?, length })
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server sent {what} that cannot be understood"))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers one connection's requests with these bytes, in pieces.
    async fn serving(answers: &'static [&'static [u8]]) -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            for answer in answers {
                assert!(stream.read(&mut request).await.unwrap() > 0);
                for piece in answer.chunks(7) {
                    stream.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        Target::new(&url, "ow_k").unwrap()
    }

    #[tokio::test]
    async fn answers_of_either_kind_follow_each_other_on_one_connection() {
        let target = serving(&[
            b"HTTP/1.1 201 Created\r\nContent-Length: 20\r\n\r\n{\"order_id\":\"ord_1\"}",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\n\r\n",
        ])
        .await;
        let mut connection = Connection::open(&target).await.unwrap();
        let call = Call::write("POST", "/o", "k", "{}".into());
        let answer = connection.send(&target, &call).await.unwrap();
        assert_eq!((answer.status, answer.text("order_id"), answer.text("other")), (201, Some("ord_1"), None));
        let answer = connection.send(&target, &Call::get("/")).await.unwrap();
        assert_eq!(answer, Answer { status: 200, body: b"hello world" });
        assert_eq!(connection.send(&target, &Call::get("/")).await.unwrap().body, b"");
        assert!(connection.send(&target, &Call::get("/")).await.is_err(), "the server has gone");
    }

    #[test]
    fn another_machine_is_refused() {
        assert!(Target::new("http://192.0.2.1:80", "k").is_err());
        assert!(Target::new("https://127.0.0.1:80", "k").is_err());
        assert!(Target::new("http://127.0.0.1:80/", "k").is_ok());
    }
}
