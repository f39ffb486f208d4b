//! An echo server and its client over a pipe in memory, everything of one runtime and thread.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use capnp::Error;
use capnp::capability::FromClientHook;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{RpcSystem, new_client, twoparty::VatNetwork};
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio_util::compat::{TokioAsyncReadCompatExt as _, TokioAsyncWriteCompatExt as _};
use trackside::telemetry::rpc::{self, Call};

use crate::{new_capnp, old_capnp};

/// Longer than anything here takes, short enough to notice a hang.
const SOON: Duration = Duration::from_secs(20);

/// Serves the interface with its context, every call wrapped.
#[derive(Default)]
pub(crate) struct Traced {
    pub(crate) hanging: Rc<Cell<bool>>,
}

impl new_capnp::echo::Server for Traced {
    async fn echo(
        self: Rc<Self>,
        params: new_capnp::echo::EchoParams,
        mut results: new_capnp::echo::EchoResults,
    ) -> Result<(), Error> {
        let params = params.get()?;
        let text = params.get_text()?.to_str()?;
        let answer = async {
            match text {
                "failed" => return Err(Error::failed("no".into())),
                "overloaded" => return Err(Error::overloaded("no".into())),
                "unimplemented" => return Err(Error::unimplemented("no".into())),
                text => results.get().set_text(text),
            }
            Ok(())
        };
        rpc::capnp::server(Call::method("echo").cls_id("Echo"), params.get_context(), answer).await
    }

    async fn push(
        self: Rc<Self>,
        params: new_capnp::echo::PushParams,
        _: new_capnp::echo::PushResults,
    ) -> Result<(), Error> {
        let context = params.get()?.get_context();
        rpc::capnp::server(Call::method("push"), context, async { Ok::<_, Error>(()) }).await
    }

    async fn hang(
        self: Rc<Self>,
        params: new_capnp::echo::HangParams,
        _: new_capnp::echo::HangResults,
    ) -> Result<(), Error> {
        let hang = async {
            self.hanging.set(true);
            pending::<Result<(), Error>>().await
        };
        rpc::capnp::server(Call::method("hang"), params.get()?.get_context(), hang).await
    }
}

/// Serves the interface as it was before it had a context.
pub(crate) struct Untraced;

impl old_capnp::echo::Server for Untraced {
    async fn echo(
        self: Rc<Self>,
        params: old_capnp::echo::EchoParams,
        mut results: old_capnp::echo::EchoResults,
    ) -> Result<(), Error> {
        results.get().set_text(params.get()?.get_text()?);
        Ok(())
    }
}

pub(crate) fn traced(hanging: &Rc<Cell<bool>>) -> capnp::capability::Client {
    let server = Traced { hanging: Rc::clone(hanging) };
    new_client::<new_capnp::echo::Client, _>(server).client
}

pub(crate) fn untraced() -> capnp::capability::Client {
    new_client::<old_capnp::echo::Client, _>(Untraced).client
}

/// The client's end; dropping the wire breaks the connection.
pub(crate) struct Link<C> {
    pub(crate) client: C,
    pub(crate) wire: JoinHandle<()>,
}

/// To be called inside of `run`.
pub(crate) fn link<C: FromClientHook>(server: capnp::capability::Client) -> Link<C> {
    let (near, mut near_end) = tokio::io::duplex(1 << 16);
    let (far, mut far_end) = tokio::io::duplex(1 << 16);
    let mut calling = system(near, Side::Client, None);
    let client = calling.bootstrap(Side::Server);
    let serving = system(far, Side::Server, Some(server));
    // A connection that breaks ends both systems with an error: the calls say so too.
    spawn_local(async { drop(calling.await) });
    spawn_local(async { drop(serving.await) });
    let wire = spawn_local(async move {
        drop(tokio::io::copy_bidirectional(&mut near_end, &mut far_end).await);
    });
    Link { client, wire }
}

fn system(
    stream: tokio::io::DuplexStream,
    side: Side,
    bootstrap: Option<capnp::capability::Client>,
) -> RpcSystem<Side> {
    let (reader, writer) = tokio::io::split(stream);
    let (reader, writer) = (reader.compat(), writer.compat_write());
    let network = VatNetwork::new(reader, writer, side, capnp::message::ReaderOptions::new());
    RpcSystem::new(Box::new(network), bootstrap)
}

pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let test = async { tokio::time::timeout(SOON, test).await };
    let runtime = runtime.expect("there is a runtime");
    LocalSet::new().block_on(&runtime, test).expect("the test hangs");
}
