//! Sends frames to one service of a collector.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, TE, UPGRADE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

use super::super::client::Client;
use super::super::coding::Coder;
use super::super::http::AGENT;
use super::super::secrets::mark_secret;
use super::answer::PREFIX;
use super::connection::Connection;
use super::inflate::ACCEPTED;
use crate::config::plan::{Coding, OtlpPlan};
use crate::export::{Frame, Outcome};

/// HTTP/2 has no such headers, or they are gRPC's own.
const OURS: [HeaderName; 5] = [CONNECTION, CONTENT_TYPE, HOST, TE, UPGRADE];

/// One call after the other.
///
/// It needs a tokio runtime with I/O and time, spawns nothing, and may be dropped at any point.
pub(crate) struct GrpcExporter {
    client: Client<Connection>,
    /// Scheme, authority and path.
    target: Uri,
    coder: Coder,
}

impl GrpcExporter {
    /// One attempt takes no longer than the plan's time-out and `attempt_limit`.
    pub(crate) fn new(plan: &OtlpPlan, attempt_limit: Option<Duration>) -> Self {
        Self {
            client: Client::new(plan, headers(plan), attempt_limit),
            target: plan.url.clone(),
            coder: Coder::new(plan.coding),
        }
    }

    /// Makes one attempt. Dropping the future gives the attempt and its connection up.
    pub(crate) async fn send(&mut self, frame: &Frame) -> Outcome {
        let Self { client, target, coder } = self;
        let call = |headers| (request(target, headers), message(coder, frame.body.wire()));
        client.send(frame, call).await
    }

    #[cfg(test)]
    pub(super) fn connection(&mut self) -> &mut Option<Connection> {
        &mut self.client.kept
    }
}

/// What stands before a body, and the body.
fn message(coder: &mut Coder, body: Bytes) -> [Bytes; 2] {
    let compressed = coder.compress(&body);
    let flag = u8::from(compressed.is_some());
    let body = compressed.unwrap_or(body);
    // No body is larger than a request may be, and what is compressed not much.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut prefix = Vec::with_capacity(PREFIX);
    prefix.push(flag);
    prefix.extend_from_slice(&length);
    [Bytes::from(prefix), body]
}

fn request(target: &Uri, headers: HeaderMap) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = target.clone();
    *request.headers_mut() = headers;
    request
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
