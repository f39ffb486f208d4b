//! Both sides over a pipe in memory, over sockets, and against the stock network.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::timeout;

use super::*;
use crate::schema::ingest_capnp::session;

mod bounds;
mod calls;
mod direct;
mod foreign;

/// Long for anything that should happen at all.
const AMPLE: Duration = Duration::from_secs(20);

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async { timeout(AMPLE, work).await.expect("in time") })
}

/// Answers pings with their number, and exports with as many bytes of text as they have.
#[derive(Default)]
struct Echo {
    /// Exports wait for it, where there is one.
    gate: Option<Rc<Notify>>,
    begun: Rc<Cell<u32>>,
}

impl session::Server for Echo {
    async fn export(
        self: Rc<Self>,
        params: session::ExportParams,
        mut results: session::ExportResults,
    ) -> Result<(), capnp::Error> {
        self.begun.set(self.begun.get() + 1);
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        let batch = params.get()?.get_batch()?;
        let crate::schema::ingest_capnp::batch::body::Frame(frame) = batch.get_body().which()?
        else {
            return Err(capnp::Error::failed("no frame".to_owned()));
        };
        let length = frame?.get_data()?.len();
        results.get().init_outcome().set_warning("w".repeat(length));
        Ok(())
    }

    async fn ping(
        self: Rc<Self>,
        params: session::PingParams,
        mut results: session::PingResults,
    ) -> Result<(), capnp::Error> {
        results.get().set_nonce(params.get()?.get_nonce());
        Ok(())
    }
}

type Halves = (ReadHalf<DuplexStream>, WriteHalf<DuplexStream>);

fn pipe() -> (Halves, Halves) {
    let (one, other) = duplex(64 * 1024);
    (split(one), split(other))
}

fn server(halves: Halves, limits: &Limits, budget: &Budget, echo: Echo) -> Handle {
    let client: session::Client = capnp_rpc::new_client(echo);
    let (system, handle) = serve(halves, limits, budget, client.client);
    drop(spawn_local(system));
    handle
}

fn client(halves: Halves) -> (session::Client, Handle) {
    let (system, handle, client) = connect(halves, &Limits::client(), &Budget::new(1 << 30));
    drop(spawn_local(system));
    (client, handle)
}

async fn ping(client: &session::Client, nonce: u64) -> capnp::Result<u64> {
    let mut request = client.ping_request();
    request.get().set_nonce(nonce);
    Ok(request.send().promise.await?.get()?.get_nonce())
}

/// The length of the answer.
async fn export(client: &session::Client, bytes: usize) -> capnp::Result<usize> {
    let mut request = client.export_request();
    let mut frame = request.get().init_batch().init_body().init_frame();
    frame.reborrow().init_data(bytes as u32).fill(7);
    let response = request.send().promise.await?;
    Ok(response.get()?.get_outcome()?.get_warning()?.len())
}
