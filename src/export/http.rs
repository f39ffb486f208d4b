//! OTLP over HTTP/1.1.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, PROXY_AUTHORIZATION,
    TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;

use super::client::Client;
use super::coding::Coder;
use super::connection::Connection;
use super::secrets::mark_secret;
use super::{Frame, Outcome};
use crate::config::plan::{Encoding, OtlpPlan, Route};

/// Who we are, to a collector.
pub(super) const AGENT: &str = concat!("trackside/", env!("CARGO_PKG_VERSION"));

/// These say how this very request is framed, so a host cannot set them.
const OURS: [HeaderName; 4] = [CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING];

/// Sends frames to one URL, one after the other.
///
/// It needs a tokio runtime with I/O and time, spawns nothing, and may be dropped at any point.
pub(crate) struct HttpExporter {
    client: Client<Connection>,
    /// Path and query only, as HTTP/1.1 sends them; to a proxy, the whole of it.
    target: Uri,
    coder: Coder,
}

impl HttpExporter {
    /// One attempt takes no longer than the plan's time-out and `attempt_limit`.
    pub(crate) fn new(plan: &OtlpPlan, attempt_limit: Option<Duration>) -> Self {
        Self {
            client: Client::new(plan, headers(plan), attempt_limit),
            target: target(plan),
            coder: Coder::new(plan.coding),
        }
    }

    /// Makes one attempt. Dropping the future gives the attempt and its connection up.
    pub(crate) async fn send(&mut self, frame: &Frame) -> Outcome {
        let Self { client, target, coder } = self;
        client.send(frame, |headers| request(target, headers, coder, frame.body.wire())).await
    }
}

fn request(
    target: &Uri,
    mut headers: HeaderMap,
    coder: &mut Coder,
    body: Bytes,
) -> Request<Full<Bytes>> {
    let compressed = coder.compress(&body);
    if compressed.is_some() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coder.name()));
    }
    let mut request = Request::new(Full::new(compressed.unwrap_or(body)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.clone();
    *request.headers_mut() = headers;
    request
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
