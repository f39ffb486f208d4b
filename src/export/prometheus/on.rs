//! `/metrics` over HTTP, for whoever comes to fetch them.

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use crate::health::diagnostics::{Diagnostics, Level};

pub(super) const SUPPORTED: bool = true;

/// Scrapes at one time; more wait.
const SCRAPES: usize = 8;
/// For one connection, which has one request.
const LIMIT: Duration = Duration::from_secs(10);
/// Until a port that was taken is tried again.
const AGAIN: Duration = Duration::from_secs(5);

const CONTENT: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Serves `page` for ever; it is called for each scrape, on this thread.
pub(crate) async fn serve(
    host: String,
    port: u16,
    diagnostics: Arc<Diagnostics>,
    page: impl Fn() -> String + 'static,
) {
    let listener = loop {
        match TcpListener::bind((host.as_str(), port)).await {
            Ok(listener) => break listener,
            Err(error) => {
                let line = format!("metrics cannot be fetched at {host}:{port}: {error}");
                diagnostics.say(Level::Warn, "prometheus", &line);
                sleep(AGAIN).await;
            }
        }
    };
    let (page, free) = (Rc::new(page), Arc::new(Semaphore::new(SCRAPES)));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let page = Rc::clone(&page);
        spawn_local(async move {
            let _permit = permit;
            let answer = service_fn(|request: Request<Incoming>| {
                let answer = answer(&*page, request.method(), request.uri().path());
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

fn answer(page: &impl Fn() -> String, method: &Method, path: &str) -> Response<Full<Bytes>> {
    let (status, text) = match (path, method) {
        ("/metrics", &Method::GET | &Method::HEAD) => (StatusCode::OK, page()),
        ("/metrics", _) => (StatusCode::METHOD_NOT_ALLOWED, "GET is answered\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "/metrics is answered\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    if status == StatusCode::OK {
        response.headers_mut().insert(CONTENT_TYPE, CONTENT);
    }
    response
}
