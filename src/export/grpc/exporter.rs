//! Sends frames to one service of a collector.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, TE, UPGRADE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

use super::super::attempt::{ended, too_large};
use super::super::coding::Coder;
use super::super::connection::Failure;
use super::super::connector::Connector;
use super::super::deadline::Deadline;
use super::super::http::AGENT;
use super::super::secrets::{mark_secret, secrets};
use super::answer::{Answer, PREFIX};
use super::connection::Connection;
use super::inflate::ACCEPTED;
use crate::config::plan::{Coding, OtlpPlan};
use crate::export::{Frame, Outcome};

/// HTTP/2 has no such headers, or they are gRPC's own.
const OURS: [HeaderName; 5] = [CONNECTION, CONTENT_TYPE, HOST, TE, UPGRADE];

/// One call after the other, over one connection that is kept.
///
/// It needs a tokio runtime with I/O and time, spawns nothing, and may be dropped at any point.
pub(crate) struct GrpcExporter {
    connector: Connector,
    /// Scheme, authority and path.
    target: Uri,
    headers: HeaderMap,
    limit: Option<Duration>,
    coder: Coder,
    connection: Option<Connection>,
}

impl GrpcExporter {
    /// One attempt takes no longer than the plan's time-out and `attempt_limit`.
    pub(crate) fn new(plan: &OtlpPlan, attempt_limit: Option<Duration>) -> Self {
        Self {
            connector: Connector::new(plan),
            target: plan.url.clone(),
            headers: headers(plan),
            limit: plan.timeout.into_iter().chain(attempt_limit).min(),
            coder: Coder::new(plan.coding),
            connection: None,
        }
    }

    /// Makes one attempt. Dropping the future gives the attempt and its connection up.
    pub(crate) async fn send(&mut self, frame: &Frame) -> Outcome {
        if let Some(outcome) = too_large(frame, &self.connector) {
            return outcome;
        }
        let exchanged = self.exchange(frame, Deadline::after(self.limit)).await;
        let answered = exchanged.map(|mut answer| {
            secrets(&self.headers).for_each(|secret| answer.mask(secret));
            answer.outcome(frame.items)
        });
        ended(answered, &self.connector)
    }

    /// Over the kept connection if it is still good, else over a new one.
    async fn exchange(&mut self, frame: &Frame, deadline: Deadline) -> Result<Answer, Failure> {
        let message = self.message(frame.body.wire());
        if let Some(mut kept) = self.connection.take() {
            if kept.is_ready().await {
                frame.mark_sent();
                let result = self.exchange_over(kept, message.clone(), deadline).await;
                if !matches!(result, Err(Failure { sent: false, .. })) {
                    return result;
                }
            }
        }
        match deadline.within(connect(&mut self.connector)).await {
            Some(Ok(connection)) => {
                frame.mark_sent();
                self.exchange_over(connection, message, deadline).await
            }
            Some(Err(error)) => Err(Failure { error, sent: false }),
            None => Err(Failure { error: self.too_late(self.connector.missing()), sent: false }),
        }
    }

    /// The connection is kept only after a whole answer: an attempt that is given up drops it.
    async fn exchange_over(
        &mut self,
        mut connection: Connection,
        message: [Bytes; 2],
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let request = self.request(deadline);
        let response = match deadline.within(connection.send(request, message)).await {
            Some(response) => response?,
            None => return Err(Failure { error: self.too_late("no answer"), sent: true }),
        };
        let answer = Answer::read(response, &mut connection, deadline).await;
        if answer.is_complete() {
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    #[cfg(test)]
    pub(super) fn take_connection(&mut self) -> Option<Connection> {
        self.connection.take()
    }

    #[cfg(test)]
    pub(super) fn put_connection(&mut self, connection: Option<Connection>) {
        self.connection = connection;
    }

    /// What stands before a body, and the body.
    fn message(&mut self, body: Bytes) -> [Bytes; 2] {
        let compressed = self.coder.compress(&body);
        let flag = u8::from(compressed.is_some());
        let body = compressed.unwrap_or(body);
        // No body is larger than `MAX_REQUEST`, and what is compressed not much.
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut prefix = Vec::with_capacity(PREFIX);
        prefix.push(flag);
        prefix.extend_from_slice(&length);
        [Bytes::from(prefix), body]
    }

    fn request(&self, deadline: Deadline) -> Request<()> {
        let mut headers = self.headers.clone();
        if let Some(left) = deadline.left() {
            if let Ok(value) = HeaderValue::from_str(&timeout(left)) {
                headers.insert("grpc-timeout", value);
            }
        }
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = headers;
        request
    }

    fn too_late(&self, missing: &str) -> String {
        format!("{missing} within {:?}", self.limit.unwrap_or_default())
    }
}

async fn connect(connector: &mut Connector) -> Result<Connection, String> {
    Connection::over(connector.duplex().await?).await
}

/// At most eight digits, and a unit; never nothing.
fn timeout(left: Duration) -> String {
    const MOST: u128 = 99_999_999;
    match left.as_millis().max(1) {
        millis @ ..=MOST => format!("{millis}m"),
        millis => format!("{}S", (millis / 1000).min(MOST)),
    }
}

/// What each call carries. A name occurs once: the plan's headers stand over ours.
fn headers(plan: &OtlpPlan) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert("grpc-accept-encoding", HeaderValue::from_static(ACCEPTED));
    let coding = Coder::new(plan.coding).name();
    if plan.coding != Coding::Identity {
        headers.insert("grpc-encoding", HeaderValue::from_static(coding));
    }
    let own = |name: &HeaderName| {
        let gone = ["keep-alive", "proxy-connection", "transfer-encoding", "content-length"];
        OURS.contains(name) || gone.contains(&name.as_str()) || name.as_str().starts_with("grpc-")
    };
    for (name, value) in plan.headers.iter().filter(|(name, _)| !own(name)) {
        headers.insert(name, mark_secret(value));
    }
    headers
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
