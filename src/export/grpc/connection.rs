//! One HTTP/2 connection, which has one request under way at most.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{self, SendRequest};
use h2::{Reason, RecvStream};
use http::{HeaderValue, Request, Response};

use super::super::client::{Carrier, Failure};
use super::super::connection::chain;
use super::super::deadline::Deadline;
use super::answer::Answer;
use crate::tls::Duplex;

/// A request, and its body in two parts.
pub(super) type Call = (Request<()>, [Bytes; 2]);

type Driver = Pin<Box<client::Connection<Box<dyn Duplex>, Bytes>>>;

/// No collector sends more in the heads of its answers.
const MAX_HEADERS: u32 = 64 * 1024;

/// An open connection. It has no task of its own: whoever awaits something of it drives it.
pub(super) struct Connection {
    sender: SendRequest<Bytes>,
    /// `None` once the connection is over.
    driver: Option<Driver>,
}

impl Carrier for Connection {
    type Request = Call;
    type Head = Response<RecvStream>;
    type Answer = Answer;

    /// Waits for the peer's settings, since whoever does not speak HTTP/2 has none: nothing has been sent then.
    async fn over(stream: Box<dyn Duplex>) -> Result<Self, String> {
        let mut builder = client::Builder::new();
        builder.enable_push(false).max_header_list_size(MAX_HEADERS);
        // None may be opened before the settings say how many.
        builder.initial_max_send_streams(0);
        let failed = |error: &h2::Error| format!("no HTTP/2: {}", chain(error));
        let (sender, driver) = builder.handshake(stream).await.map_err(|error| failed(&error))?;
        let mut driver = Box::pin(driver);
        poll_fn(|context| {
            let ended = driver.as_mut().poll(context);
            if sender.current_max_send_streams() > 0 {
                return Poll::Ready(Ok(()));
            }
            ended.map(|result| match result {
                Ok(()) => Err("no HTTP/2: the connection ended".to_owned()),
                Err(error) => Err(failed(&error)),
            })
        })
        .await?;
        Ok(Self { sender, driver: Some(driver) })
    }

    async fn is_ready(&mut self) -> bool {
        // Lets the runtime look at its sockets, so that a farewell that has arrived is seen.
        tokio::task::yield_now().await;
        poll_fn(|context| {
            poll_driver(&mut self.driver, context);
            let is_ready = matches!(self.sender.poll_ready(context), Poll::Ready(Ok(())));
            Poll::Ready(is_ready && self.driver.is_some())
        })
        .await
    }

    /// The body's parts are not copied.
    async fn send(
        &mut self,
        (mut request, parts): Call,
        deadline: Deadline,
    ) -> Result<Response<RecvStream>, Failure> {
        if let Some(left) = deadline.left() {
            if let Ok(value) = HeaderValue::from_str(&timeout(left)) {
                request.headers_mut().insert("grpc-timeout", value);
            }
        }
        let failed = |error: &h2::Error, sent| Failure {
            error: format!("no answer: {}", chain(error)),
            // The peer says so of what it has not looked at.
            sent: sent && error.reason() != Some(Reason::REFUSED_STREAM),
        };
        let Self { sender, driver } = self;
        let ready = drive(driver, poll_fn(|context| sender.poll_ready(context))).await;
        ready.map_err(|error| failed(&error, false))?;
        let opened = sender.send_request(request, false);
        let (response, mut body) = opened.map_err(|error| failed(&error, false))?;
        for part in parts {
            // What the peer has no room for yet waits here, and is no copy.
            body.send_data(part, false).map_err(|error| failed(&error, true))?;
        }
        body.send_data(Bytes::new(), true).map_err(|error| failed(&error, true))?;
        drive(driver, response).await.map_err(|error| failed(&error, true))
    }

    async fn read(&mut self, head: Response<RecvStream>, deadline: Deadline) -> Answer {
        Answer::read(head, self, deadline).await
    }
}

impl Connection {
    /// Awaits `future`, which waits for this connection.
    pub(super) async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        drive(&mut self.driver, future).await
    }
}

async fn drive<F: Future>(driver: &mut Option<Driver>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        poll_driver(driver, context);
        future.as_mut().poll(context)
    })
    .await
}

/// Whatever the driver ends with reaches the request as well, so its result says nothing new.
fn poll_driver(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    let over = driver.as_mut().is_some_and(|driver| driver.as_mut().poll(context).is_ready());
    if over {
        *driver = None;
    }
}

/// At most eight digits, and a unit; never nothing.
fn timeout(left: Duration) -> String {
    const MOST: u128 = 99_999_999;
    match left.as_millis().max(1) {
        millis @ ..=MOST => format!("{millis}m"),
        millis => format!("{}S", (millis / 1000).min(MOST)),
    }
}

#[cfg(test)]
mod tests {
    use super::timeout;
    use std::time::Duration;

    #[test]
    fn a_timeout_has_eight_digits_at_most() {
        let table = [
            (Duration::ZERO, "1m"),
            (Duration::from_millis(10_000), "10000m"),
            (Duration::from_millis(99_999_999), "99999999m"),
            (Duration::from_millis(100_000_000), "100000S"),
            (Duration::MAX, "99999999S"),
        ];
        for (left, text) in table {
            assert_eq!(timeout(left), text);
        }
    }
}
