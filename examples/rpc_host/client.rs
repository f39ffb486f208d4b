//! The calling side: calls that succeed, one that fails, one that is given up.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use capnp_rpc::rpc_twoparty_capnp::Side;
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::timeout;
use trackside::telemetry;
use trackside::telemetry::rpc::{self, Call, Direction};

use super::engine_capnp::{engine, reply};
use super::wire;

/// How long the client waits for the answer that does not come.
const PATIENCE: Duration = Duration::from_millis(250);

pub(crate) async fn run(address: &str) -> Result<(), Box<dyn Error>> {
    let mut system = wire::system(TcpStream::connect(address).await?, Side::Client, None);
    let engine: engine::Client = system.bootstrap(Side::Server);
    let hang_up = system.get_disconnector();
    spawn_local(system);
    let calls = telemetry::instrument(calls(&engine), "client.run").errors().await;
    hang_up.await?;
    Ok(calls?)
}

/// One root for all of them, so that they are one trace.
async fn calls(engine: &engine::Client) -> Result<(), Refusal> {
    invoke(engine, "Counter", "visits", "add", b"2").await?;
    let sum = invoke(engine, "Counter", "visits", "add", b"40").await?;
    tracing::info!(target: "client", sum = &*String::from_utf8_lossy(&sum), "counted at the host");
    invoke(engine, "Text", "greeting", "reverse", b"ediskcart").await?;
    if let Err(refusal) = invoke(engine, "Counter", "visits", "add", b"many").await {
        log::warn!(target: "client", "as expected: {refusal}");
    }
    // Dropping the future cancels the call, here and at the host.
    let ponder = invoke(engine, "Text", "greeting", "ponder", b"");
    if timeout(PATIENCE, ponder).await.is_err() {
        log::warn!(target: "client", "no answer within {PATIENCE:?}: given up");
    }
    Ok(())
}

async fn invoke(
    engine: &engine::Client,
    class: &str,
    object: &str,
    method: &str,
    payload: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let call = Call::method(method).cls_id(class).object_id(object);
    let sent = async {
        let mut request = engine.invoke_request();
        let mut invocation = request.get().init_invocation();
        invocation.set_class_id(class);
        invocation.set_object_id(object);
        invocation.set_method(method);
        invocation.set_payload(payload);
        // The span of the call is the current one in here: the host's spans go below it.
        telemetry::inject_into(&mut invocation.init_context());
        rpc::payload(Direction::Out, payload.len());
        let response = request.send().promise.await?;
        let answer = read(response.get()?.get_reply()?)?;
        rpc::payload(Direction::In, answer.len());
        Ok(answer)
    };
    rpc::client(call, sent).error_kind(Refusal::kind).await
}

fn read(reply: reply::Reader<'_>) -> Result<Vec<u8>, Refusal> {
    match reply.which().map_err(capnp::Error::from)? {
        reply::Ok(payload) => Ok(payload?.to_vec()),
        reply::Error(failure) => {
            let failure = failure?;
            let text = |text: capnp::text::Reader<'_>| text.to_string().map_err(capnp::Error::from);
            Err(Refusal::Host {
                kind: text(failure.get_kind()?)?,
                message: text(failure.get_message()?)?,
            })
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The call did not come through.
    Link(capnp::Error),
    /// The host said no.
    Host { kind: String, message: String },
}

impl Refusal {
    /// Only words that this client knows: a host could send any number of others.
    fn kind(&self) -> &'static str {
        match self {
            Self::Link(error) => rpc::capnp::error_kind(error),
            Self::Host { kind, .. } => ["unknown", "argument", "malformed"]
                .into_iter()
                .find(|known| known == kind)
                .unwrap_or("_OTHER"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(error) => error.fmt(f),
            Self::Host { message, .. } => f.write_str(message),
        }
    }
}

impl Error for Refusal {}

impl From<capnp::Error> for Refusal {
    fn from(error: capnp::Error) -> Self {
        Self::Link(error)
    }
}
