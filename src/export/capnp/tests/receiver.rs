//! A receiver that answers by script.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_local};

use crate::network::{Budget, Handle, Limits, serve};
use crate::schema::ingest_capnp::frame::{Compression, Format};
use crate::schema::ingest_capnp::outcome::Rejection;
use crate::schema::ingest_capnp::{batch, credit, gateway, outcome, session};

/// What one batch is answered with; accepted after the last one.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Accept,
    AcceptWarning(&'static str),
    Duplicate,
    Partial(u64),
    Retry(u32),
    Reject(Rejection),
    Unset,
    /// Accepted, with credit for so many batches from now on.
    Credit(u32),
    Raise(capnp::Error),
    /// Never.
    Hang,
    /// Once released.
    Hold,
    /// The connection breaks without a word.
    Kill,
}

/// One batch as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) connection: u32,
    pub(super) exporter: (u64, u64),
    pub(super) sequence: u64,
    pub(super) items: u32,
    pub(super) signal: u16,
    pub(super) bytes: Vec<u8>,
    pub(super) zstd: bool,
    pub(super) columns: bool,
    pub(super) uncompressed: u32,
}

#[derive(Default)]
pub(super) struct Script {
    pub(super) steps: RefCell<VecDeque<Step>>,
    pub(super) seen: RefCell<Vec<Seen>>,
    pub(super) connections: Cell<u32>,
    pub(super) logins: Cell<u32>,
    pub(super) closes: Cell<u32>,
    pub(super) in_flight: Cell<u32>,
    /// The most there ever was in flight.
    pub(super) most: Cell<u32>,
    pub(super) bytes_in_flight: Cell<u64>,
    pub(super) most_bytes: Cell<u64>,
    /// Batches, bytes, bytes of one, uncompressed bytes of one; none is said where it is `None`.
    pub(super) credit: Cell<Option<[u64; 4]>>,
    pub(super) token: RefCell<Option<Vec<u8>>>,
    pub(super) login_fails: RefCell<Option<capnp::Error>>,
    pub(super) login_hangs: Cell<bool>,
    pub(super) ping_hangs: Cell<bool>,
    pub(super) pings: Cell<u32>,
    pub(super) released: Notify,
    pub(super) reads_zstd: Cell<bool>,
    pub(super) reads_columns: Cell<bool>,
    pub(super) protocol_minor: Cell<u16>,
}

pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    pub(super) script: Rc<Script>,
    accepting: JoinHandle<()>,
    systems: Systems,
}

impl Receiver {
    pub(super) async fn start(steps: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let script = Rc::new(Script::default());
        script.steps.borrow_mut().extend(steps);
        Self::over(listener, script)
    }

    pub(super) fn over(listener: TcpListener, script: Rc<Script>) -> Self {
        let address = listener.local_addr().unwrap();
        let systems = Rc::default();
        let (script_, systems_) = (Rc::clone(&script), Rc::clone(&systems));
        let accepting = spawn_local(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                accept(stream, &script_, &systems_);
            }
        });
        Self { address, script, accepting, systems }
    }

    /// As a killed process: nothing is written any more, and nothing listens.
    pub(super) async fn kill(self) -> (SocketAddr, Rc<Script>) {
        self.disconnect_all().await;
        self.accepting.abort();
        let _ = self.accepting.await;
        (self.address, self.script)
    }

    async fn disconnect_all(&self) {
        let systems = std::mem::take(&mut *self.systems.borrow_mut());
        for (system, _) in systems {
            system.abort();
            let _ = system.await;
        }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.script.seen.borrow().clone()
    }

    /// Waits until so many batches have come.
    pub(super) async fn wait_for(&self, batches: usize) {
        while self.script.seen.borrow().len() < batches {
            tokio::task::yield_now().await;
        }
    }

    pub(super) fn release(&self) {
        self.script.released.notify_waiters();
    }
}

type Systems = Rc<RefCell<Vec<(JoinHandle<()>, Handle)>>>;

fn accept(stream: TcpStream, script: &Rc<Script>, systems: &Systems) {
    script.connections.set(script.connections.get() + 1);
    let handle: Rc<RefCell<Option<Handle>>> = Rc::default();
    let gate = Gate {
        script: Rc::clone(script),
        connection: script.connections.get(),
        handle: Rc::clone(&handle),
        systems: Rc::clone(systems),
    };
    let bootstrap: gateway::Client = capnp_rpc::new_client(gate);
    let budget = Budget::new(1 << 28);
    let (system, made) = serve(stream.into_split(), Limits::server(), &budget, bootstrap.client);
    *handle.borrow_mut() = Some(made.clone());
    let system = spawn_local(async { system.await.unwrap() });
    systems.borrow_mut().push((system, made));
}

/// The first object of a receiver over any network.
pub(super) fn gate(script: &Rc<Script>) -> gateway::Client {
    let (script, systems) = (Rc::clone(script), Rc::default());
    capnp_rpc::new_client(Gate { script, connection: 1, handle: Rc::default(), systems })
}

struct Gate {
    script: Rc<Script>,
    connection: u32,
    handle: Rc<RefCell<Option<Handle>>>,
    systems: Systems,
}

fn write_credit(credit: [u64; 4], mut to: credit::Builder<'_>) {
    to.set_max_in_flight_batches(credit[0] as u32);
    to.set_max_in_flight_bytes(credit[1]);
    to.set_max_batch_bytes(credit[2]);
    to.set_max_uncompressed_bytes(credit[3]);
}

impl gateway::Server for Gate {
    async fn open(
        self: Rc<Self>,
        params: gateway::OpenParams,
        mut results: gateway::OpenResults,
    ) -> Result<(), capnp::Error> {
        use crate::schema::ingest_capnp::credential;
        let script = Rc::clone(&self.script);
        script.logins.set(script.logins.get() + 1);
        if script.login_hangs.get() {
            std::future::pending::<()>().await;
        }
        if let Some(error) = script.login_fails.borrow().clone() {
            return Err(error);
        }
        let token = match params.get()?.get_credential()?.which()? {
            credential::Bearer(token) => Some(token?.to_vec()),
            credential::Anonymous(()) => None,
        };
        if *script.token.borrow() != token {
            let said = token.map(|token| String::from_utf8_lossy(&token).into_owned());
            let error = format!("unauthorized: {}", said.unwrap_or_default());
            return Err(capnp::Error::failed(error));
        }
        if let Some(handle) = &*self.handle.borrow() {
            handle.raise(64 << 20);
        }
        let session = Session {
            script: Rc::clone(&script),
            connection: self.connection,
            systems: Rc::clone(&self.systems),
        };
        let mut opened = results.get();
        opened.set_session(capnp_rpc::new_client(session));
        if let Some(credit) = script.credit.get() {
            write_credit(credit, opened.reborrow().init_credit());
        }
        let mut hello = opened.init_hello();
        hello.set_protocol_minor(script.protocol_minor.get());
        if script.reads_columns.get() {
            hello.reborrow().init_formats(1).set(0, Format::Columns);
        }
        let mut compressions = hello.init_compressions(2);
        compressions.set(0, Compression::None);
        if script.reads_zstd.get() {
            compressions.set(1, Compression::Zstd);
        }
        Ok(())
    }
}

struct Session {
    script: Rc<Script>,
    connection: u32,
    systems: Systems,
}

/// In flight until dropped.
struct InFlight(Rc<Script>, u64);

impl InFlight {
    fn new(script: &Rc<Script>, bytes: u64) -> Self {
        script.in_flight.set(script.in_flight.get() + 1);
        script.most.set(script.most.get().max(script.in_flight.get()));
        script.bytes_in_flight.set(script.bytes_in_flight.get() + bytes);
        script.most_bytes.set(script.most_bytes.get().max(script.bytes_in_flight.get()));
        Self(Rc::clone(script), bytes)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get() - 1);
        self.0.bytes_in_flight.set(self.0.bytes_in_flight.get() - self.1);
    }
}

impl session::Server for Session {
    async fn export(
        self: Rc<Self>,
        params: session::ExportParams,
        mut results: session::ExportResults,
    ) -> Result<(), capnp::Error> {
        let seen = read(params.get()?.get_batch()?, self.connection)?;
        let _in_flight = InFlight::new(&self.script, seen.bytes.len() as u64);
        self.script.seen.borrow_mut().push(seen);
        let step = self.script.steps.borrow_mut().pop_front().unwrap_or(Step::Accept);
        match &step {
            Step::Raise(error) => return Err(error.clone()),
            Step::Hang => std::future::pending().await,
            Step::Hold => self.script.released.notified().await,
            Step::Kill => {
                let systems = std::mem::take(&mut *self.systems.borrow_mut());
                systems.iter().for_each(|(system, _)| system.abort());
                std::future::pending().await
            }
            _ => {}
        }
        answer(&step, results.get().init_outcome());
        Ok(())
    }

    async fn ping(
        self: Rc<Self>,
        params: session::PingParams,
        mut results: session::PingResults,
    ) -> Result<(), capnp::Error> {
        self.script.pings.set(self.script.pings.get() + 1);
        if self.script.ping_hangs.get() {
            std::future::pending::<()>().await;
        }
        results.get().set_nonce(params.get()?.get_nonce());
        Ok(())
    }

    async fn close(
        self: Rc<Self>,
        _: session::CloseParams,
        _: session::CloseResults,
    ) -> Result<(), capnp::Error> {
        self.script.closes.set(self.script.closes.get() + 1);
        Ok(())
    }
}

fn answer(step: &Step, mut outcome: outcome::Builder<'_>) {
    match step {
        Step::Duplicate => outcome.set_duplicate(()),
        Step::Partial(rejected) => {
            let mut partial = outcome.init_partial();
            partial.set_rejected_items(*rejected);
            partial.set_message("too old");
        }
        Step::Retry(millis) => {
            let mut retry = outcome.init_retry();
            retry.set_after_millis(*millis);
            retry.set_reason("the queue is full");
        }
        Step::Reject(reason) => {
            let mut rejected = outcome.init_rejected();
            rejected.set_reason(*reason);
            rejected.set_detail("line one\nline two");
        }
        Step::Unset => outcome.set_unset(()),
        Step::Credit(batches) => {
            outcome.set_accepted(());
            write_credit([u64::from(*batches), 0, 0, 0], outcome.init_credit());
        }
        Step::AcceptWarning(warning) => {
            outcome.set_accepted(());
            outcome.set_warning(*warning);
        }
        _ => outcome.set_accepted(()),
    }
}

fn read(batch: batch::Reader<'_>, connection: u32) -> capnp::Result<Seen> {
    let batch::body::Frame(frame) = batch.get_body().which()? else {
        return Err(capnp::Error::failed("no frame".to_owned()));
    };
    let frame = frame?;
    let bytes = frame.get_data()?.to_vec();
    assert_eq!(frame.get_crc32c(), crc32c::crc32c(&bytes));
    Ok(Seen {
        connection,
        exporter: (batch.get_exporter_high(), batch.get_exporter_low()),
        sequence: batch.get_sequence(),
        items: batch.get_item_count(),
        signal: batch.get_signal()? as u16,
        bytes,
        zstd: matches!(frame.get_compression()?, Compression::Zstd),
        columns: matches!(frame.get_format()?, Format::Columns),
        uncompressed: frame.get_uncompressed_bytes(),
    })
}
