//! Reads on what a refusal leaves unread of a body.
//!
//! A refusal often needs no body: it is too large, its type is wrong, nobody knows the key. If the connection closed
//! there and then, a client that is still writing would see it broken before it has read the answer. So the answer goes
//! out at once and the rest is read and thrown away: a client that ends its body in time reads the answer and keeps its
//! connection, any other is cut off.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use app::plugins::COMPONENT_BYTES_MAX;
use axum::Error;
use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::runtime::Handle;

/// How much is thrown away of one body: twice what the largest may have. Somewhat too large a component is sent by mistake
/// and its author must read why it is refused; to throw it away is a moment's work.
pub const BYTES_MAX: usize = 2 * COMPONENT_BYTES_MAX;
/// How long a body may take to end after nobody wants it any more. Meanwhile it costs a task and its connection.
pub const TIME_MAX: Duration = Duration::from_secs(2);

/// Sees to it that the body is read on when it is dropped before its end.
pub fn watch(request: Request) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    // Who asks first whether he may send the body (RFC 9110, 10.1.1) has the answer before he begins. To read would ask
    // him for what nobody wants.
    let asks_first = request.headers().contains_key(EXPECT);
    request.map(|body| Body::from_stream(Watched { rest: Some(body.into_data_stream()), wanted: !asks_first }))
}

/// A body on its way to whoever reads it.
struct Watched {
    /// None after its end.
    rest: Option<BodyDataStream>,
    /// Whether the client sends it in any case.
    wanted: bool,
}

impl Stream for Watched {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let next = rest.poll_next_unpin(cx);
        let ended = match &next {
            Poll::Ready(Some(Ok(_))) => rest.is_end_stream(),
            Poll::Ready(None | Some(Err(_))) => true,
            Poll::Pending => false,
        };
        self.wanted = true;
        if ended {
            self.rest = None;
        }
        next
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let Some(rest) = self.rest.take().filter(|_| self.wanted) else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(drain(rest));
        }
    }
}

/// Reads until the end or a limit. Dropping the rest closes the connection once the answer is out.
async fn drain(mut rest: BodyDataStream) {
    let reading = async {
        let mut bytes = 0;
        while let Some(Ok(chunk)) = rest.next().await {
            bytes += chunk.len();
            if bytes > BYTES_MAX {
                return false;
            }
        }
        true
    };
    if !tokio::time::timeout(TIME_MAX, reading).await.unwrap_or(false) {
        metrics::counter!("http_bodies_cut_off_total").increment(1);
        tracing::debug!("a body that nobody wants went on, and its connection was cut off");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A body of one piece, and then nothing for ever; it lives as long as the token is held twice.
    fn begun(token: &Arc<()>) -> Request {
        let token = Arc::clone(token);
        let piece = futures::stream::iter([Ok::<_, Error>(Bytes::from_static(b"piece"))]);
        let body = piece.chain(futures::stream::pending()).inspect(move |_| drop(Arc::clone(&token)));
        Request::new(Body::from_stream(body))
    }

    #[tokio::test]
    async fn only_a_body_that_is_coming_is_read_on() {
        let token = Arc::new(());
        let is_read_on = || Arc::strong_count(&token) == 2;
        drop(begun(&token));
        assert!(!is_read_on());
        let mut asks = begun(&token);
        asks.headers_mut().insert(EXPECT, "100-continue".parse().unwrap());
        drop(watch(asks));
        assert!(!is_read_on(), "nobody has asked for this body");

        let mut asks = begun(&token);
        asks.headers_mut().insert(EXPECT, "100-continue".parse().unwrap());
        let mut asked = watch(asks).into_body().into_data_stream();
        assert_eq!(asked.next().await.unwrap().unwrap(), "piece");
        drop(asked);
        assert!(is_read_on());
        let token = Arc::new(());
        drop(watch(begun(&token)));
        assert_eq!(Arc::strong_count(&token), 2);
    }

    #[tokio::test]
    async fn a_body_that_was_read_needs_no_task() {
        let runtime = Handle::current();
        for body in [Body::empty(), Body::from("{}"), Body::from_stream(futures::stream::iter([Ok::<_, Error>("{}")]))]
        {
            let mut stream = watch(Request::new(body)).into_body().into_data_stream();
            while stream.next().await.is_some() {}
            drop(stream);
        }
        // A body of known length has ended with its last byte: whoever has that many stops there.
        let mut stream = watch(Request::new(Body::from("{}"))).into_body().into_data_stream();
        assert!(stream.next().await.is_some());
        drop(stream);
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    }
}
