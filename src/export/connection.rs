//! One HTTP/1.1 connection.

use std::error::Error;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::client::{Carrier, Failure};
use super::deadline::Deadline;
use super::response::Answer;
use crate::tls::Duplex;

type Driver = Pin<Box<http1::Connection<TokioIo<Box<dyn Duplex>>, Full<Bytes>>>>;

/// An open connection. It has no task of its own: whoever awaits something of it drives it.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once the connection is over.
    driver: Option<Driver>,
}

impl Carrier for Connection {
    type Request = Request<Full<Bytes>>;
    type Head = Response<Incoming>;
    type Answer = Answer;

    async fn over(stream: Box<dyn Duplex>) -> Result<Self, String> {
        let (sender, driver) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| chain(&error))?;
        Ok(Self { sender, driver: Some(Box::pin(driver)) })
    }

    async fn is_ready(&mut self) -> bool {
        // Lets the runtime look at its sockets, so that a close that has arrived is seen.
        tokio::task::yield_now().await;
        poll_fn(|context| {
            poll_driver(&mut self.driver, context);
            Poll::Ready(())
        })
        .await;
        self.sender.is_ready()
    }

    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        _: Deadline,
    ) -> Result<Response<Incoming>, Failure> {
        let answer = self.sender.try_send_request(request);
        self.drive(answer).await.map_err(|mut error| Failure {
            // A request that comes back was never begun.
            sent: error.take_message().is_none(),
            error: format!("no answer: {}", chain(error.error())),
        })
    }

    async fn read(&mut self, head: Response<Incoming>, deadline: Deadline) -> Answer {
        Answer::read(head, self, deadline).await
    }
}

impl Connection {
    /// Awaits `future`, which waits for this connection.
    pub(super) async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            poll_driver(&mut self.driver, context);
            future.as_mut().poll(context)
        })
        .await
    }
}

/// Whatever the driver ends with reaches the request as well, so its result says nothing new.
fn poll_driver(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    let over = driver.as_mut().is_some_and(|driver| driver.as_mut().poll(context).is_ready());
    if over {
        *driver = None;
    }
}

/// An error with its causes.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some errors already say what their cause says.
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
