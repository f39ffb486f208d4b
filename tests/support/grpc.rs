//! A collector of OTLP over gRPC that misbehaves by script, on a thread of its own.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::VecDeque;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What the collector does with one call.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Answers OK with this message.
    Message(Vec<u8>),
    /// The same, compressed already.
    Encoded(&'static str, Vec<u8>),
    /// Answers with this status alone: code, `grpc-message`, `grpc-status-details-bin`.
    Status(u32, String, Option<String>),
    /// Begins an answer, and ends with this status.
    Trailing(u32, String),
    /// Answers as something that is no gRPC.
    Http(u16),
    /// Begins an answer, and ends the connection.
    CutAnswer,
    /// Ends the connection instead of an answer.
    Cut,
    /// Says that it has not looked at the call.
    RefuseStream,
    /// Says that it gives the call up.
    ResetStream,
    /// Answers OK, says that it goes, and ends the connection.
    GoAway,
    /// Reads nothing of the body, and answers with this status.
    Unread(u32, String),
    NeverAnswer,
}

impl Step {
    pub(crate) fn status(code: u32) -> Self {
        Self::Status(code, String::new(), None)
    }
}

/// A call that was read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) authority: String,
    pub(crate) headers: HeaderMap,
    /// After decompression.
    pub(crate) body: Vec<u8>,
    /// How long the message was on the wire.
    pub(crate) raw_length: usize,
    pub(crate) is_compressed: bool,
    /// Counts the accepted connections from 1.
    pub(crate) connection: usize,
    /// The script took its items.
    pub(crate) is_taken: bool,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let values = self.headers.get_all(name).into_iter();
        values.map(|value| value.to_str().expect("it is text")).collect()
    }
}

/// The running collector; it stops when dropped.
pub(crate) struct Collector {
    shared: Arc<Shared>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    stop: Notify,
}

#[derive(Default)]
struct State {
    script: VecDeque<Step>,
    received: Vec<Received>,
    connections: usize,
    ended: usize,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector {
    /// At a free port.
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(listener, &shared) => {}
                        () = shared.stop.notified() => {}
                    }
                });
                runtime.shutdown_background();
            }
        });
        Self { shared, address, thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Calls beyond the script are answered OK.
    pub(crate) fn script(&self, steps: Vec<Step>) {
        self.shared.state().script = steps.into();
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// Of the calls that were answered OK.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let taken = self.requests().into_iter().filter(|request| request.is_taken);
        let decoded = taken.map(|request| {
            ExportTraceServiceRequest::decode(&request.body[..]).expect("the body is OTLP")
        });
        let resources = decoded.flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// Connections that are over.
    pub(crate) fn ended(&self) -> usize {
        self.shared.state().ended
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let number = {
                let mut state = shared.state();
                state.connections += 1;
                state.connections
            };
            // However it ends, it has ended.
            let _ = serve(stream, number, &shared).await;
            shared.state().ended += 1;
        });
    }
}

async fn serve(
    stream: tokio::net::TcpStream,
    number: usize,
    shared: &Arc<Shared>,
) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    let (cut, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    loop {
        tokio::select! {
            call = connection.accept() => {
                let Some(call) = call else { return Ok(()) };
                let (request, respond) = call?;
                let (shared, cut, leave) = (Arc::clone(shared), Arc::clone(&cut), Arc::clone(&leave));
                tokio::spawn(async move {
                    // A client that has gone is none of our business.
                    let _ = answer(request, respond, number, &shared, &cut, &leave).await;
                });
            }
            () = cut.notified() => return Ok(()),
            () = leave.notified() => connection.graceful_shutdown(),
        }
    }
}

async fn answer(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    connection: usize,
    shared: &Shared,
    cut: &Notify,
    leave: &Notify,
) -> Result<(), h2::Error> {
    let step = shared.state().script.pop_front().unwrap_or(Step::Message(Vec::new()));
    let (head, mut body) = request.into_parts();
    if let Step::Unread(code, words) = &step {
        return send_status(&mut respond, *code, words, None);
    }
    let mut data = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        data.extend_from_slice(&chunk);
        body.flow_control().release_capacity(chunk.len())?;
    }
    let length = u32::from_be_bytes(data[1..5].try_into().expect("four bytes")) as usize;
    let (is_compressed, message) = (data[0] == 1, &data[5..]);
    assert_eq!(length, message.len(), "one message");
    let coding = head.headers.get("grpc-encoding").map(|value| value.as_bytes().to_vec());
    let body = if is_compressed { inflated(coding, message) } else { message.to_vec() };
    shared.state().received.push(Received {
        path: head.uri.path().to_owned(),
        authority: head.uri.authority().map(ToString::to_string).unwrap_or_default(),
        headers: head.headers,
        body,
        raw_length: message.len(),
        is_compressed,
        connection,
        is_taken: matches!(step, Step::Message(_) | Step::Encoded(..) | Step::GoAway),
    });
    match step {
        Step::Message(message) => send_message(&mut respond, None, &message),
        Step::Encoded(coding, message) => send_message(&mut respond, Some(coding), &message),
        Step::GoAway => {
            send_message(&mut respond, None, &[])?;
            leave.notify_one();
            Ok(())
        }
        Step::Status(code, words, details) => {
            send_status(&mut respond, code, &words, details.as_deref())
        }
        Step::Trailing(code, words) => {
            let mut stream = respond.send_response(head_of(200), false)?;
            stream.send_trailers(status(code, &words, None))
        }
        Step::Http(status) => {
            let response = Response::builder().status(status).body(()).expect("it is one");
            respond.send_response(response, true).map(drop)
        }
        Step::CutAnswer => {
            let mut stream = respond.send_response(head_of(200), false)?;
            stream.send_data(Bytes::from_static(b"\0\0\0"), false)?;
            // What is sent so far goes first.
            tokio::task::yield_now().await;
            cut.notify_one();
            Ok(())
        }
        Step::Cut => {
            cut.notify_one();
            std::future::pending().await
        }
        Step::RefuseStream => {
            respond.send_reset(Reason::REFUSED_STREAM);
            Ok(())
        }
        Step::ResetStream => {
            respond.send_reset(Reason::INTERNAL_ERROR);
            Ok(())
        }
        Step::NeverAnswer => std::future::pending().await,
        Step::Unread(..) => unreachable!("it was answered"),
    }
}

fn inflated(coding: Option<Vec<u8>>, message: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding.as_deref() {
        Some(b"gzip") => {
            flate2::read::GzDecoder::new(message).read_to_end(&mut plain).expect("it is gzip");
        }
        #[cfg(feature = "zstd")]
        Some(b"zstd") => plain = zstd::decode_all(message).expect("it is zstd"),
        other => panic!("compressed with {other:?}"),
    }
    plain
}

fn head_of(status: u16) -> Response<()> {
    let builder = Response::builder().status(status);
    builder.header("content-type", "application/grpc").body(()).expect("it is one")
}

fn status(code: u32, words: &str, details: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status", HeaderValue::from(code));
    if !words.is_empty() {
        headers.insert("grpc-message", HeaderValue::from_str(words).expect("it is encoded"));
    }
    if let Some(details) = details {
        let details = HeaderValue::from_str(details).expect("it is encoded");
        headers.insert("grpc-status-details-bin", details);
    }
    headers
}

fn send_status(
    respond: &mut SendResponse<Bytes>,
    code: u32,
    words: &str,
    details: Option<&str>,
) -> Result<(), h2::Error> {
    let mut response = head_of(200);
    response.headers_mut().extend(status(code, words, details));
    respond.send_response(response, true).map(drop)
}

fn send_message(
    respond: &mut SendResponse<Bytes>,
    coding: Option<&'static str>,
    message: &[u8],
) -> Result<(), h2::Error> {
    let mut response = head_of(200);
    if let Some(coding) = coding {
        response.headers_mut().insert("grpc-encoding", HeaderValue::from_static(coding));
    }
    let mut stream = respond.send_response(response, false)?;
    let length = u32::try_from(message.len()).expect("it is small").to_be_bytes();
    let flag = u8::from(coding.is_some());
    stream.send_data([&[flag][..], &length, message].concat().into(), false)?;
    stream.send_trailers(status(0, "", None))
}
