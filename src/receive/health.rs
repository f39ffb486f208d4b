//! `/healthz` and `/readyz` over HTTP, for whoever starts and stops receivers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use super::Error;
use super::event_loop::BEAT;
use super::shared::Shared;

/// Requests at one time; more wait.
const REQUESTS: usize = 64;
/// For one connection, which has one request.
const LIMIT: Duration = Duration::from_secs(5);
/// An event loop that has not shown for so long that it runs does not.
const SILENCE: Duration = BEAT.saturating_mul(10);

/// To be called within a runtime.
pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let listener = std::net::TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    });
    listener.map_err(|error| {
        let remedy = format!("cannot listen there, take another: {error}");
        Error::setting("health", &address.to_string(), &remedy)
    })
}

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let free = Arc::new(Semaphore::new(REQUESTS));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        spawn_local(async move {
            let _permit = permit;
            let answer = service_fn(|request: Request<Incoming>| {
                let answer = answer(&shared, request.method(), request.uri().path());
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).keep_alive(false);
            let served = server.serve_connection(TokioIo::new(stream), answer);
            // Whoever breaks off has no answer to wait for.
            let _ = timeout(LIMIT, served).await;
        });
    }
}

fn answer(shared: &Shared, method: &Method, path: &str) -> Response<Full<Bytes>> {
    let (status, text) = match (path, method) {
        ("/healthz" | "/readyz", method) if *method != Method::GET && *method != Method::HEAD => {
            (StatusCode::METHOD_NOT_ALLOWED, "GET is answered".to_owned())
        }
        ("/healthz", _) => told(not_alive(shared)),
        ("/readyz", _) => told(not_ready(shared)),
        _ => (StatusCode::NOT_FOUND, "/healthz and /readyz are answered".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text + "\n")));
    *response.status_mut() = status;
    response
}

fn told(trouble: Option<String>) -> (StatusCode, String) {
    match trouble {
        None => (StatusCode::OK, "ok".to_owned()),
        Some(trouble) => (StatusCode::SERVICE_UNAVAILABLE, trouble),
    }
}

/// Why it should be started anew.
fn not_alive(shared: &Shared) -> Option<String> {
    match shared.silent_loops(SILENCE) {
        0 => None,
        silent => Some(format!("{silent} event loops have not moved for {SILENCE:?}")),
    }
}

/// Why it should get no work.
pub(super) fn not_ready(shared: &Shared) -> Option<String> {
    if shared.is_draining() {
        return Some("the receiver is shutting down".to_owned());
    }
    let required = shared.sinks.queues().iter().filter(|queue| queue.is_required());
    let stuck = required.filter_map(|queue| {
        let stuck = queue.stuck_for().filter(|stuck| *stuck > shared.settings.limits.stuck);
        let name = queue.name();
        match stuck {
            Some(stuck) => Some(format!("{name} has taken nothing for {} s", stuck.as_secs())),
            None => queue.is_full().then(|| format!("the queue of {name} is full")),
        }
    });
    not_alive(shared).or_else(|| stuck.reduce(|all, next| format!("{all}; {next}")))
}
