//! The sink: OTLP over HTTP/1, counted and thrown away.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};

use crate::Result;
use crate::child::say_and_wait;
use crate::items::{self, Items};
use crate::variant::METRICS;

/// Prints its address; once asked, the spans and the points that it has taken, and what the last metrics said that
/// was recorded.
pub fn run() -> Result<()> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let taken = Arc::new(Mutex::new(Items::default()));
    let counted = Arc::clone(&taken);
    std::thread::spawn(move || {
        if let Err(error) = serve(listener, &counted) {
            eprintln!("load-bench: the sink ended: {error}");
        }
    });
    if say_and_wait(&address) {
        let taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let records = taken.records.unwrap_or_default();
        say_and_wait(&format!("{} {} {records}", taken.spans, taken.points));
    }
    Ok(())
}

fn serve(listener: std::net::TcpListener, taken: &Arc<Mutex<Items>>) -> Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let taken = Arc::clone(taken);
            spawn_local(async move {
                let answer = service_fn(|request| {
                    let taken = Arc::clone(&taken);
                    async move { Ok::<_, Infallible>(answer(request, &taken).await) }
                });
                // A server that breaks off has no answer to wait for.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    })
}

async fn answer(request: Request<Incoming>, taken: &Mutex<Items>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let counted = match (path.as_str(), request.into_body().collect().await) {
        (_, Err(error)) => Err(error.into()),
        ("/v1/traces", Ok(body)) => items::traces(&body.to_bytes()),
        ("/v1/metrics", Ok(body)) => items::metrics(&body.to_bytes(), &METRICS),
        (path, Ok(_)) => Err(format!("nobody should send to {path}").into()),
    };
    let mut response = Response::new(Full::default());
    match counted {
        Ok(items) => {
            let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.spans += items.spans;
            taken.points += items.points;
            // They count from the server's start, so the last ones say all.
            taken.records = items.records.or(taken.records);
            let protobuf = HeaderValue::from_static("application/x-protobuf");
            response.headers_mut().insert(CONTENT_TYPE, protobuf);
        }
        Err(error) => {
            eprintln!("load-bench: the sink refuses a request: {error}");
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
    }
    response
}
