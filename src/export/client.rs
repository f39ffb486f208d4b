//! Attempts at a request of OTLP, whatever carries it.

use std::time::Duration;

use http::HeaderMap;

use super::connector::Connector;
use super::deadline::Deadline;
use super::secrets::secrets;
use super::{Frame, Outcome};
use crate::config::plan::OtlpPlan;
use crate::tls::Duplex;

/// No receiver need take a larger request, counted before compression.
const MAX_REQUEST: usize = 64 * 1024 * 1024;

/// An attempt that got no answer.
pub(super) struct Failure {
    pub(super) error: String,
    /// Whether any of the request was handed to a connection.
    pub(super) sent: bool,
}

/// What carries one request after the other.
pub(super) trait Carrier: Sized {
    /// It costs little to copy.
    type Request: Clone;
    /// What of an answer comes first.
    type Head;
    type Answer: Answered;

    async fn over(stream: Box<dyn Duplex>) -> Result<Self, String>;

    /// Whether the next request can go over this connection.
    async fn is_ready(&mut self) -> bool;

    /// Sends a request, of which the peer may be told how long it has, and waits for the head of the answer.
    async fn send(
        &mut self,
        request: Self::Request,
        deadline: Deadline,
    ) -> Result<Self::Head, Failure>;

    /// Reads what follows the head; a failure is part of the answer.
    async fn read(&mut self, head: Self::Head, deadline: Deadline) -> Self::Answer;
}

/// An answer, read as far as it may be.
pub(super) trait Answered {
    /// Whether the connection is at the end of this answer and not within it.
    fn is_complete(&self) -> bool;

    /// Overwrites `secret` wherever the answer repeats it.
    fn mask(&mut self, secret: &[u8]);

    /// What became of a frame of `items` items that got this answer.
    fn outcome(&self, items: u32) -> Outcome;
}

/// Makes attempts at one peer, one after the other, over one connection that is kept.
///
/// It needs a tokio runtime with I/O and time, spawns nothing, and may be dropped at any point.
pub(super) struct Client<C> {
    connector: Connector,
    /// What each request carries.
    headers: HeaderMap,
    limit: Option<Duration>,
    pub(super) kept: Option<C>,
}

impl<C: Carrier> Client<C> {
    /// One attempt takes no longer than the plan's time-out and `attempt_limit`.
    pub(super) fn new(
        plan: &OtlpPlan,
        headers: HeaderMap,
        attempt_limit: Option<Duration>,
    ) -> Self {
        Self {
            connector: Connector::new(plan),
            headers,
            limit: plan.timeout.into_iter().chain(attempt_limit).min(),
            kept: None,
        }
    }

    /// Makes one attempt, with a request made of the headers. Dropping the future gives the attempt and its connection up.
    pub(super) async fn send(
        &mut self,
        frame: &Frame,
        request: impl FnOnce(HeaderMap) -> C::Request,
    ) -> Outcome {
        let size = frame.body.len();
        if size > MAX_REQUEST {
            let error = format!("the request has {size} bytes, the limit is {MAX_REQUEST}");
            return self.at_peer(Outcome::TooLarge { error });
        }
        let request = request(self.headers.clone());
        let outcome = match self.exchange(frame, request, Deadline::after(self.limit)).await {
            Ok(mut answer) => {
                secrets(&self.headers).for_each(|secret| answer.mask(secret));
                answer.outcome(frame.items)
            }
            Err(Failure { error, sent }) => Outcome::Retry { error, after: None, sent },
        };
        self.at_peer(outcome)
    }

    /// Over the kept connection if it is still good, else over a new one.
    async fn exchange(
        &mut self,
        frame: &Frame,
        request: C::Request,
        deadline: Deadline,
    ) -> Result<C::Answer, Failure> {
        if let Some(mut kept) = self.kept.take() {
            if kept.is_ready().await {
                frame.mark_sent();
                let result = self.exchange_over(kept, request.clone(), deadline).await;
                if !matches!(result, Err(Failure { sent: false, .. })) {
                    return result;
                }
            }
        }
        match deadline.within(connect(&mut self.connector)).await {
            Some(Ok(connection)) => {
                frame.mark_sent();
                self.exchange_over(connection, request, deadline).await
            }
            Some(Err(error)) => Err(Failure { error, sent: false }),
            None => Err(Failure { error: self.too_late(self.connector.missing()), sent: false }),
        }
    }

    /// The connection is kept only after a whole answer: an attempt that is given up drops it.
    async fn exchange_over(
        &mut self,
        mut connection: C,
        request: C::Request,
        deadline: Deadline,
    ) -> Result<C::Answer, Failure> {
        let head = match deadline.within(connection.send(request, deadline)).await {
            Some(head) => head?,
            None => return Err(Failure { error: self.too_late("no answer"), sent: true }),
        };
        let answer = connection.read(head, deadline).await;
        if answer.is_complete() {
            self.kept = Some(connection);
        }
        Ok(answer)
    }

    fn too_late(&self, missing: &str) -> String {
        format!("{missing} within {:?}", self.limit.unwrap_or_default())
    }

    /// An error says whose it is.
    fn at_peer(&self, mut outcome: Outcome) -> Outcome {
        if let Outcome::Retry { error, .. }
        | Outcome::Refused { error }
        | Outcome::TooLarge { error } = &mut outcome
        {
            *error = format!("{}: {error}", self.connector);
        }
        outcome
    }
}

async fn connect<C: Carrier>(connector: &mut Connector) -> Result<C, String> {
    C::over(connector.duplex().await?).await
}
