//! The server that is measured: Cap'n Proto objects on one thread for each core, instrumented by one wrapper.

use std::net::TcpListener;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use capnp_rpc::new_client;
use capnp_rpc::rpc_twoparty_capnp::Side;
use tokio::task::{LocalSet, spawn_local};
use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, TelemetryConfig};

use crate::Result;
use crate::child::say_and_wait;
use crate::engine_capnp::engine;
use crate::wire;
use crate::work::Work;

/// Calls that were answered, by the server's own count.
static CALLS: AtomicU64 = AtomicU64::new(0);
const PATIENCE: Duration = Duration::from_secs(10);

/// `ITERATIONS started|plain`: prints an address for each thread; once asked, it stops its telemetry and prints what
/// that says of itself.
pub fn run(arguments: &[&str]) -> Result<()> {
    let [iterations, start] = *arguments else {
        return Err("a server has two arguments".into());
    };
    let iterations = iterations.parse()?;
    let telemetry = match start {
        "started" => Some(telemetry::init(TelemetryConfig::default())?),
        _ => None,
    };
    let mut addresses = Vec::new();
    for _ in 0..std::thread::available_parallelism()?.get() {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        addresses.push(listener.local_addr()?.to_string());
        std::thread::spawn(move || {
            if let Err(error) = serve(listener, iterations) {
                eprintln!("load-bench: a server's thread ended: {error}");
            }
        });
    }
    // The client has hung up when somebody asks.
    if !say_and_wait(&addresses.join(" ")) {
        return Ok(());
    }
    let calls = CALLS.load(Ordering::Acquire);
    let mut says = format!("{calls} {}", cfg!(feature = "telemetry"));
    if let Some(telemetry) = telemetry {
        telemetry.shutdown(PATIENCE)?;
        let status = telemetry.status();
        says += &format!(
            " {} {} {}",
            status.traces.dropped.total(),
            status.metrics.dropped.total(),
            status.metrics.recorded
        );
        for diagnostic in status.diagnostics {
            eprintln!("load-bench: the server's telemetry: {diagnostic}");
        }
    } else {
        says += " 0 0 0";
    }
    say_and_wait(&says);
    Ok(())
}

fn serve(listener: TcpListener, iterations: u64) -> Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = Rc::new(Work::new());
    LocalSet::new().block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let engine: engine::Client = new_client(Engine { work: Rc::clone(&work), iterations });
            let system = wire::system(stream, Side::Server, Some(engine.client));
            spawn_local(async {
                let _session = rpc::session();
                // A client that hangs up has no answer to wait for.
                let _ = system.await;
            });
        }
    })
}

struct Engine {
    work: Rc<Work>,
    iterations: u64,
}

impl engine::Server for Engine {
    async fn invoke(
        self: Rc<Self>,
        params: engine::InvokeParams,
        mut results: engine::InvokeResults,
    ) -> std::result::Result<(), capnp::Error> {
        let invocation = params.get()?.get_invocation()?;
        let call = Call::method(invocation.get_method()?.to_str()?)
            .cls_id(invocation.get_class_id()?.to_str()?)
            .object_id(invocation.get_object_id()?.to_str()?);
        let handler = async {
            let digest = self.work.digest(invocation.get_payload()?.len() as u64, self.iterations);
            results.get().init_reply().set_ok(&digest.to_le_bytes());
            CALLS.fetch_add(1, Ordering::Release);
            Ok::<_, capnp::Error>(())
        };
        rpc::capnp::server(call, invocation.get_context(), handler).await
    }
}
