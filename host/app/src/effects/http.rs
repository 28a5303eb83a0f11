//! Sending one request for an adapter: only to granted hosts, with the host's credentials, bounded in time and size.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::bytes::Bytes;
use domain::hooks::exchange::{Body, Entry, Header, Request, Response};
use domain::order::Order;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderValue};

use super::credentials::{UsedToken, header_name};
use super::fill::{Filler, Hidden};
use crate::policies::Binding;
use crate::{App, Error};

/// A response body up to this goes into the transcript, beyond it becomes a blob (DESIGN: 64 kB).
const INLINE_MAX: usize = 64 << 10;
/// No provider answers with more; what does is cut off as a failure.
const BODY_MAX: usize = 4 << 20;
/// A connection to a provider that lives takes far less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Headers that an adapter has no use for, and that could carry a session.
const HEADERS_WITHHELD: [&str; 2] = ["set-cookie", "set-cookie2"];
/// Header lines beyond this are dropped.
const HEADERS_MAX: usize = 50;

/// Sends requests.
pub(crate) struct Sender {
    client: reqwest::Client,
}

impl Sender {
    pub fn new(timeout: Duration) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // What may be sent again is decided here, and journalled.
            .retry(reqwest::retry::never())
            .timeout(timeout)
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(Arc::new(PublicOnly))
            .no_proxy()
            .user_agent(concat!("orderwright/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Error::internal)?;
        Ok(Self { client })
    }

    /// Sends and answers what came of it. A body too large for the transcript comes beside the entry.
    pub async fn send(
        &self,
        app: &App,
        binding: &Binding,
        order: &Order,
        request: &Request,
        key: (&str, &str),
    ) -> (Entry, Option<Bytes>) {
        let (answer, token) = self.send_once(app, binding, order, request, key).await;
        // A token may end before its time. Who is not let in has done nothing, so asking again is safe whatever the
        // request; a fresh token that is refused too is the adapter's to deal with.
        let is_unauthorized = matches!(&answer.0, Entry::Response(response) if response.status == 401);
        if let Some(token) = token.filter(|token| is_unauthorized && !token.is_fresh) {
            self.forget_token(app, &token).await;
            return self.send_once(app, binding, order, request, key).await.0;
        }
        answer
    }

    async fn send_once(
        &self,
        app: &App,
        binding: &Binding,
        order: &Order,
        request: &Request,
        key: (&str, &str),
    ) -> ((Entry, Option<Bytes>), Option<UsedToken>) {
        let (prepared, hidden, token) = match self.prepare(app, binding, order, request, key).await {
            Ok(prepared) => prepared,
            Err(message) => return ((Entry::TransportError { message, sent: false }, None), None),
        };
        let answer = match prepared.send().await {
            Ok(response) => receive(response, &hidden).await,
            Err(error) => {
                let sent = !error.is_connect() && !error.is_builder();
                (Entry::TransportError { message: describe(&error), sent }, None)
            }
        };
        (answer, token)
    }

    async fn prepare(
        &self,
        app: &App,
        binding: &Binding,
        order: &Order,
        request: &Request,
        (key_header, key): (&str, &str),
    ) -> Result<(reqwest::RequestBuilder, Hidden, Option<UsedToken>), String> {
        let url = Url::parse(&request.url).map_err(|error| format!("the URL is malformed: {error}"))?;
        check_grant(&url, &binding.hosts)?;
        let method = request.method.parse().map_err(|_| "the method is malformed".to_owned())?;
        let mut headers = HeaderMap::new();
        let key = Header { name: key_header.to_owned(), value: key.to_owned() };
        for header in request.headers.iter().chain([&key]) {
            let name = header_name(&header.name)?;
            let value =
                HeaderValue::from_str(&header.value).map_err(|_| format!("the value of {name} is malformed"))?;
            headers.insert(name, value);
        }
        let personal = match request.fill {
            Some(_) => app.personal(&[order]).await.map_err(|error| error.to_string())?.pop().flatten(),
            None => None,
        };
        let mut filler = Filler { personal: personal.as_ref(), granted: binding.fields, hidden: Hidden::default() };
        let body = filler.fill(&request.body, request.fill)?;
        let (credential, token) = self.credential(app, order.tenant_id, binding, request, &mut filler).await?;
        if credential.keys().any(|name| name.as_str().eq_ignore_ascii_case(key_header)) {
            return Err(format!("a credential cannot stand in {key_header}: that is the idempotency key's"));
        }
        headers.extend(credential);
        Ok((self.client.request(method, url).headers(headers).body(body.0), filler.hidden, token))
    }

    pub(super) const fn client(&self) -> &reqwest::Client {
        &self.client
    }
}

/// A grant names `host:port`, or a host for its scheme's own port. Plain HTTP is for loopback alone.
pub(super) fn check_grant(url: &Url, hosts: &[String]) -> Result<(), String> {
    let host = url.host_str().ok_or("the URL has no host")?;
    let loopback = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Err(format!("{} is refused: only https is spoken to providers", url.scheme()));
    }
    let port = url.port_or_known_default().ok_or("the URL has no port")?;
    let with_port = format!("{host}:{port}");
    let granted = hosts.iter().any(|g| *g == with_port || (g == host && url.port().is_none()));
    if granted { Ok(()) } else { Err(format!("{with_port} is not among the hosts granted to this binding")) }
}

async fn receive(response: reqwest::Response, hidden: &Hidden) -> (Entry, Option<Bytes>) {
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .filter(|(name, _)| !HEADERS_WITHHELD.contains(&name.as_str()))
        .take(HEADERS_MAX)
        .filter_map(|(name, value)| {
            Some(Header { name: name.as_str().to_owned(), value: hidden.strip_text(value.to_str().ok()?) })
        })
        .collect();
    let body = match read_body(response, BODY_MAX).await {
        Ok(body) => hidden.strip(body),
        Err(message) => return (Entry::TransportError { message, sent: true }, None),
    };
    let response = |bytes| Entry::Response(Response { status, headers, body: Body::Inline { bytes } });
    if body.len() > INLINE_MAX {
        (response(Bytes::default()), Some(Bytes(body)))
    } else {
        (response(Bytes(body)), None)
    }
}

/// A whole body, unless it is larger than it may be.
pub(super) async fn read_body(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| describe(&error))? {
        if body.len() + chunk.len() > most {
            return Err(format!("the response is larger than {most} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The whole chain of causes: the outermost says little. URLs stay out of it, they may carry tokens.
pub(super) fn describe(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "no answer in time".to_owned() } else { String::from("the request failed") };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Resolves names to public addresses only, so that the address checked is the address dialled: a granted name must
/// not be turned into a door to the inside. Addresses written as such do not come here; they need a grant of their own.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(format!("{} has no public address", name.as_str()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the internet at large.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let special = a == 0 || a >= 224 || (a == 192 && b == 0) || (a == 198 && (b == 18 || b == 19));
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation() || shared || special)
        }
        IpAddr::V6(ip) => {
            if let Some(inner) = ip.to_ipv4_mapped() {
                return is_public(IpAddr::V4(inner));
            }
            let first = ip.segments()[0];
            // Global unicast is 2000::/3; 6to4 and Teredo within it lead to embedded IPv4 addresses.
            (first & 0xe000) == 0x2000 && first != 0x2002 && !(first == 0x2001 && ip.segments()[1] < 0x0200)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_granted_hosts_are_spoken_to() {
        let hosts = ["127.0.0.1:8090".to_owned(), "api.example.com".to_owned()];
        let check = |url: &str| check_grant(&Url::parse(url).unwrap(), &hosts).is_ok();
        assert!(check("http://127.0.0.1:8090/v1"));
        assert!(check("https://api.example.com/v1"));
        assert!(!check("http://127.0.0.1:8091/v1"));
        assert!(!check("http://api.example.com/v1"));
        assert!(!check("https://api.example.com:8443/"));
        assert!(!check("https://api.example.com.evil.test/"));
        assert!(!check("https://evil.test/?api.example.com"));
        assert!(!check("ftp://api.example.com/"));
    }

    #[test]
    fn inside_addresses_are_not_public() {
        let inside = "127.0.0.1 10.1.2.3 192.168.0.1 172.16.0.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 198.18.0.1 \
                      ::1 fe80::1 fc00::1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:a00:1:: 2001::1";
        for ip in inside.split_whitespace() {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in "1.1.1.1 93.184.216.34 2606:4700::1111".split_whitespace() {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }
}
