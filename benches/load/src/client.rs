//! The client: so many calls under way at every moment, each of them timed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use capnp_rpc::rpc_twoparty_capnp::Side;
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use crate::Result;
use crate::cost::{Meter, Moment};
use crate::engine_capnp::{engine, reply};
use crate::wire;

const WARM_UP: Duration = Duration::from_millis(500);
/// Beyond what is measured.
const PATIENCE: Duration = Duration::from_secs(30);

const METHODS: [&str; 8] =
    ["Get", "List", "Create", "Update", "Delete", "Watch", "BatchGet", "Ping"];
const OBJECTS: usize = 1000;

/// What all calls of this thread share.
#[derive(Default)]
struct Shared {
    is_measured: Cell<bool>,
    is_over: Cell<bool>,
    nanoseconds: RefCell<Vec<u64>>,
    calls: Cell<u64>,
}

/// `SECONDS IN_FLIGHT SERVER SINK ADDRESS..`: prints what the driver reads. The two are processes.
pub fn run(arguments: &[&str]) -> Result<()> {
    let [seconds, in_flight, server, sink, ref addresses @ ..] = *arguments else {
        return Err("a client has at least five arguments".into());
    };
    let measured = Duration::try_from_secs_f64(seconds.parse()?)?;
    let in_flight = in_flight.parse()?;
    let meter = Meter::of(server.parse()?, sink.parse()?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shared = Rc::new(Shared::default());
    let (begin, end) = LocalSet::new().block_on(&runtime, async {
        let work = load(addresses, in_flight, measured, &meter, Rc::clone(&shared));
        timeout(measured + PATIENCE, work).await.map_err(|_| "the server does not answer")?
    })?;

    let mut times = shared.nanoseconds.take();
    times.sort_unstable();
    let quantile = |of: f64| {
        let index = (times.len() as f64 * of) as usize;
        times.get(index.min(times.len().saturating_sub(1))).map_or(f64::NAN, |ns| *ns as f64 / 1e3)
    };
    let spent = begin.until(end);
    let each = |time: Duration| time.as_nanos() as f64 / 1e3 / times.len() as f64;
    println!(
        "{} {} {:.6} {:.2} {:.2} {:.2} {:.2} {:.3} {:.3} {:.3} {:.4}",
        shared.calls.get(),
        times.len(),
        spent.wall.as_secs_f64(),
        quantile(0.5),
        quantile(0.9),
        quantile(0.99),
        quantile(0.999),
        each(spent.server),
        each(spent.client),
        each(spent.sink),
        spent.busy,
    );
    Ok(())
}

async fn load(
    addresses: &[&str],
    in_flight: usize,
    measured: Duration,
    meter: &Meter,
    shared: Rc<Shared>,
) -> Result<(Moment, Moment)> {
    let mut callers: Vec<JoinHandle<capnp::Result<()>>> = Vec::new();
    for address in addresses {
        let stream = TcpStream::connect(address).await?;
        let mut system = wire::system(stream, Side::Client, None);
        let engine: engine::Client = system.bootstrap(Side::Server);
        spawn_local(system);
        for _ in 0..in_flight {
            let seed = callers.len();
            callers.push(spawn_local(call(engine.clone(), Rc::clone(&shared), seed)));
        }
    }
    sleep(WARM_UP).await;
    shared.is_measured.set(true);
    let begin = meter.now()?;
    sleep(measured).await;
    let end = meter.now()?;
    shared.is_measured.set(false);
    shared.is_over.set(true);
    for caller in callers {
        caller.await??;
    }
    Ok((begin, end))
}

/// One call after the other.
async fn call(engine: engine::Client, shared: Rc<Shared>, seed: usize) -> capnp::Result<()> {
    let objects: Vec<String> = (0..OBJECTS).map(|number| format!("order-{number:05}")).collect();
    let mut turn = seed * 7;
    while !shared.is_over.get() {
        turn += 1;
        let mut request = engine.invoke_request();
        let mut invocation = request.get().init_invocation();
        invocation.set_class_id("acme.Orders");
        invocation.set_object_id(&objects[turn % OBJECTS]);
        invocation.set_method(METHODS[turn % METHODS.len()]);
        invocation.set_payload(&[0; 32]);
        let begin = Instant::now();
        let response = request.send().promise.await?;
        let took = begin.elapsed();
        match response.get()?.get_reply()?.which()? {
            reply::Ok(_) => {}
            reply::Error(_) => return Err(capnp::Error::failed("a call failed".to_owned())),
        }
        shared.calls.set(shared.calls.get() + 1);
        if shared.is_measured.get() {
            shared.nanoseconds.borrow_mut().push(took.as_nanos() as u64);
        }
    }
    Ok(())
}
