//! OTLP over HTTP/1.1.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, PROXY_AUTHORIZATION,
    TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;

use super::attempt::{ended, too_large};
use super::coding::Coder;
use super::connection::{Connection, Failure};
use super::connector::Connector;
use super::deadline::Deadline;
use super::response::Answer;
use super::secrets::{mark_secret, secrets};
use super::{Frame, Outcome};
use crate::config::plan::{Encoding, OtlpPlan, Route};

/// Who we are, to a collector.
pub(super) const AGENT: &str = concat!("trackside/", env!("CARGO_PKG_VERSION"));

/// These say how this very request is framed, so a host cannot set them.
const OURS: [HeaderName; 4] = [CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING];

/// Sends frames to one URL, one after the other, over one connection that is kept.
///
/// It needs a tokio runtime with I/O and time, spawns nothing, and may be dropped at any point.
pub(crate) struct HttpExporter {
    connector: Connector,
    /// Path and query only, as HTTP/1.1 sends them; to a proxy, the whole of it.
    target: Uri,
    headers: HeaderMap,
    limit: Option<Duration>,
    coder: Coder,
    connection: Option<Connection>,
}

impl HttpExporter {
    /// One attempt takes no longer than the plan's time-out and `attempt_limit`.
    pub(crate) fn new(plan: &OtlpPlan, attempt_limit: Option<Duration>) -> Self {
        Self {
            connector: Connector::new(plan),
            target: target(plan),
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

    fn request(&mut self, body: &Bytes) -> Request<Full<Bytes>> {
        let compressed = self.coder.compress(body);
        let mut headers = self.headers.clone();
        if compressed.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(self.coder.name()));
        }
        let body = compressed.unwrap_or_else(|| body.clone());
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = headers;
        request
    }

    /// Over the kept connection if it is still good, else over a new one.
    async fn exchange(&mut self, frame: &Frame, deadline: Deadline) -> Result<Answer, Failure> {
        let request = self.request(&frame.body.wire());
        if let Some(mut kept) = self.connection.take() {
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
        mut connection: Connection,
        request: Request<Full<Bytes>>,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let response = match deadline.within(connection.send(request)).await {
            Some(response) => response?,
            None => {
                return Err(Failure { error: self.too_late("no answer"), sent: true });
            }
        };
        let answer = Answer::read(response, &mut connection, deadline).await;
        if answer.is_complete() {
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    fn too_late(&self, missing: &str) -> String {
        format!("{missing} within {:?}", self.limit.unwrap_or_default())
    }
}

async fn connect(connector: &mut Connector) -> Result<Connection, String> {
    Connection::over(connector.duplex().await?).await
}

fn target(plan: &OtlpPlan) -> Uri {
    match &plan.route {
        Route::Proxy(_) if !plan.is_tunneled() => plan.url.clone(),
        _ => plan.url.path_and_query().cloned().map(Uri::from).unwrap_or_default(),
    }
}

/// What each request carries. A name occurs once: the plan's headers stand over ours.
fn headers(plan: &OtlpPlan) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let content = match plan.protocol.encoding() {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if let Some(authority) = plan.url.authority() {
        // What stands before the `@` is a secret and no part of the host.
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        if let Ok(host) = HeaderValue::from_str(host) {
            headers.insert(HOST, host);
        }
    }
    for (name, value) in plan.headers.iter().filter(|(name, _)| !OURS.contains(name)) {
        headers.insert(name, mark_secret(value));
    }
    if let (Route::Proxy(proxy), false) = (&plan.route, plan.is_tunneled()) {
        if let Some(value) = &proxy.authorization {
            headers.insert(PROXY_AUTHORIZATION, mark_secret(value));
        }
    }
    headers
}
