//! A collector that misbehaves by script: OTLP over HTTP/1.1 on threads and bytes.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// What the collector does with one request, or with one connection.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Reads the request and answers; the connection stays.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// Reads the request, waits for the gate, then goes on with the step.
    Hold(Gate, Box<Self>),
    /// Reads the request, answers as the step says, and closes without announcing it.
    ThenClose(Box<Self>),
    /// Reads the request and writes these bytes; the connection stays.
    Raw(Vec<u8>),
    /// Reads the request and never answers.
    NeverAnswer,
    /// Reads this many bytes of the request, then resets the connection. There must be more.
    Reset(usize),
    /// Reads this many bytes of the request, answers as the step says and reads no further.
    Early(usize, Box<Self>),
    /// Of a new connection: nothing is ever read from it.
    NeverRead,
    /// Of a new connection: it is closed at once.
    Close,
}

impl Step {
    /// An empty answer.
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: Vec::new() }
    }

    /// The status that the client gets to see whole, if any.
    fn answered(&self) -> Option<u16> {
        match self {
            Self::Answer { status, .. } => Some(*status),
            Self::Hold(_, step) | Self::ThenClose(step) | Self::Early(_, step) => step.answered(),
            _ => None,
        }
    }
}

/// Keeps a step from going on until the test says so.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    shared: Arc<Shared>,
    number: usize,
}

impl Gate {
    pub(crate) fn release(&self) {
        self.shared.change(|state| state.gates[self.number] = true);
    }
}

/// A request that was read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lower case, in the order of the wire.
    pub(crate) headers: Vec<(String, String)>,
    /// After decompression.
    pub(crate) body: Vec<u8>,
    /// How long the body was on the wire.
    pub(crate) raw_length: usize,
    /// Counts the accepted connections from 1.
    pub(crate) connection: usize,
    /// What the script answers, if it answers.
    pub(crate) status: Option<u16>,
}

impl Received {
    /// All values of a header.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(other, _)| other == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn decode(&self) -> ExportTraceServiceRequest {
        ExportTraceServiceRequest::decode(&self.body[..]).expect("the body is OTLP")
    }
}

/// The running collector; it stops when dropped.
#[derive(Debug)]
pub(crate) struct Collector {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Step>,
    received: Vec<Received>,
    gates: Vec<bool>,
    /// One for each connection while it is open, so that stopping can wake its thread.
    streams: Vec<Option<TcpStream>>,
    closed: usize,
    stopped: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.notify_all();
        result
    }

    /// Waits until `reached` holds or the collector stops.
    fn wait_until(&self, reached: impl Fn(&State) -> bool) {
        let waiting = |state: &mut State| !state.stopped && !reached(state);
        drop(self.changed.wait_while(self.state(), waiting));
    }

    /// As `wait_until`, for the test: fails at the deadline.
    fn expect(&self, what: &str, deadline: Duration, count: impl Fn(&State) -> usize, goal: usize) {
        let waiting = |state: &mut State| count(state) < goal;
        let waited = self.changed.wait_timeout_while(self.state(), deadline, waiting);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let found = count(&state);
        drop(state);
        assert!(found >= goal, "{found} of {goal} {what} within {deadline:?}");
    }
}

impl Collector {
    /// On a free port of 127.0.0.1. Without a script each request is answered 200, empty.
    pub(crate) fn start() -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// At a given address.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("the port is bound");
        let shared = Arc::new(Shared::default());
        let acceptor = std::thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared)
        });
        Self { shared, address, acceptor: Some(acceptor) }
    }

    /// `http://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds steps, one for each request or connection to come; then it is 200 again.
    pub(crate) fn script(&self, steps: Vec<Step>) {
        self.shared.change(|state| state.script.extend(steps));
    }

    /// A closed gate.
    pub(crate) fn gate(&self) -> Gate {
        let number = self.shared.change(|state| {
            state.gates.push(false);
            state.gates.len() - 1
        });
        let shared = self.shared.clone();
        Gate { shared, number }
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// The spans of all requests that were answered 2xx.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let mut requests = self.requests();
        requests.retain(|request| matches!(request.status, Some(200..=299)));
        requests.retain(|request| !["/v1/metrics", "/v1/logs"].contains(&&*request.path));
        let resources = requests.iter().flat_map(|one| one.decode().resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// How many connections were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.state().streams.len()
    }

    /// All requests, once there are `count`; fails at the deadline.
    pub(crate) fn wait_for(&self, count: usize, deadline: Duration) -> Vec<Received> {
        self.shared.expect("requests", deadline, |state| state.received.len(), count);
        self.requests()
    }

    /// Waits for `count` connections to be closed by the collector; fails at the deadline.
    pub(crate) fn wait_for_closed(&self, count: usize, deadline: Duration) {
        self.shared.expect("closed connections", deadline, |state| state.closed, count);
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.stopped = true;
            for stream in state.streams.iter().flatten() {
                // It may be closed already.
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        // Wakes the acceptor.
        drop(TcpStream::connect(self.address));
        let ended = self.acceptor.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "a thread of the collector panicked");
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    loop {
        let (stream, _) = listener.accept().expect("a listening socket accepts");
        let copy = stream.try_clone().expect("a socket can be cloned");
        let number = shared.change(|state| {
            state.streams.push(Some(copy));
            state.streams.len()
        });
        if shared.state().stopped {
            break;
        }
        let shared = shared.clone();
        threads.push(std::thread::spawn(move || {
            // A client may break off wherever it likes.
            let _ = serve(&stream, number, &shared);
            shared.change(|state| state.streams[number - 1] = None);
            drop(stream);
            shared.change(|state| state.closed += 1);
        }));
    }
    for thread in threads {
        thread.join().expect("no connection panicked");
    }
}

fn serve(stream: &TcpStream, connection: usize, shared: &Shared) -> io::Result<()> {
    let first = shared.change(|state| match state.script.front() {
        Some(Step::NeverRead | Step::Close) => state.script.pop_front(),
        _ => None,
    });
    if let Some(step) = first {
        return perform(step, stream, connection, shared).map(drop);
    }
    // A step is taken when its request begins.
    while stream.peek(&mut [0])? > 0 {
        let next = shared.change(|state| state.script.pop_front());
        let step = next.unwrap_or_else(|| Step::status(200));
        if !perform(step, stream, connection, shared)? {
            break;
        }
    }
    Ok(())
}

/// Whether the connection is good for another request.
fn perform(step: Step, stream: &TcpStream, connection: usize, shared: &Shared) -> io::Result<bool> {
    match step {
        Step::Close => {}
        Step::NeverRead => shared.wait_until(|_| false),
        Step::Reset(length) => {
            read_exactly(stream, length)?;
            // Closing a socket with something unread resets the connection.
            stream.peek(&mut [0])?;
        }
        Step::Early(length, step) => {
            read_exactly(stream, length)?;
            answer(*step, stream, shared)?;
            stream.shutdown(Shutdown::Write)?;
            shared.wait_until(|_| false);
        }
        step => return exchange(step, stream, connection, shared),
    }
    Ok(false)
}

fn exchange(step: Step, stream: &TcpStream, number: usize, shared: &Shared) -> io::Result<bool> {
    let request = read_request(stream)?;
    let received = Received { connection: number, status: step.answered(), ..request };
    shared.change(|state| state.received.push(received));
    let stays = !matches!(step, Step::ThenClose(_));
    answer(step, stream, shared).map(|()| stays)
}

fn answer(step: Step, mut stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    match step {
        Step::Hold(gate, step) => {
            shared.wait_until(|state| state.gates[gate.number]);
            answer(*step, stream, shared)
        }
        Step::ThenClose(step) => answer(*step, stream, shared),
        Step::Answer { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
            stream.write_all(&[head.into_bytes(), body].concat())
        }
        Step::Raw(bytes) => stream.write_all(&bytes),
        Step::NeverAnswer => {
            shared.wait_until(|_| false);
            Ok(())
        }
        step => panic!("{step:?} is no answer"),
    }
}

fn read_exactly(mut stream: &TcpStream, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_request(stream: &TcpStream) -> io::Result<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(read_exactly(stream, 1)?);
    }
    let head = String::from_utf8(head).expect("the head is text");
    let (start, fields) = head.split_once("\r\n").unwrap_or_default();
    let fields = fields.lines().filter_map(|line| line.split_once(": "));
    let mut words = start.split(' ').map(str::to_owned);
    let (method, path) = (words.next(), words.next());
    let mut received = Received {
        method: method.unwrap_or_default(),
        path: path.unwrap_or_default(),
        ..Received::default()
    };
    for (name, value) in fields {
        received.headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    received.raw_length = match received.header("content-length")[..] {
        [] => 0,
        [length] => length.parse().expect("a length is a number"),
        _ => panic!("two lengths"),
    };
    received.body = read_exactly(stream, received.raw_length)?;
    if received.header("content-encoding") == ["gzip"] {
        let raw = std::mem::take(&mut received.body);
        flate2::read::GzDecoder::new(&raw[..]).read_to_end(&mut received.body)?;
    }
    Ok(received)
}
