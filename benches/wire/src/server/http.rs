//! OTLP over HTTP/1: hyper and prost.

use std::convert::Infallible;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};

use super::touch::touch;
use crate::Result;

/// Without `reads` it takes bodies and looks at nothing.
pub fn serve(spans: Arc<AtomicU64>, reads: bool, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        ready(listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let spans = Arc::clone(&spans);
            spawn_local(async move {
                let answer = service_fn(|request| {
                    let spans = Arc::clone(&spans);
                    async move { Ok::<_, Infallible>(answer(request, &spans, reads).await) }
                });
                // A client that breaks off has no answer to wait for.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    })
}

async fn answer(
    request: Request<Incoming>,
    spans: &AtomicU64,
    reads: bool,
) -> Response<Full<Bytes>> {
    let encoding = request.headers().get(CONTENT_ENCODING).cloned();
    let taken = match request.into_body().collect().await {
        Ok(body) if reads => read(&body.to_bytes(), encoding.as_ref()),
        Ok(_) => Ok(0),
        Err(error) => Err(error.into()),
    };
    let mut response = Response::new(Full::default());
    match taken {
        Ok(count) => {
            spans.fetch_add(count, Ordering::AcqRel);
            let protobuf = HeaderValue::from_static("application/x-protobuf");
            response.headers_mut().insert(CONTENT_TYPE, protobuf);
        }
        Err(error) => {
            *response.status_mut() = StatusCode::BAD_REQUEST;
            *response.body_mut() = Full::from(error.to_string());
        }
    }
    response
}

fn read(body: &[u8], encoding: Option<&HeaderValue>) -> Result<u64> {
    let mut plain = Vec::new();
    let body = match encoding.map(HeaderValue::as_bytes) {
        Some(b"gzip") => {
            flate2::read::GzDecoder::new(body).read_to_end(&mut plain)?;
            &plain
        }
        Some(b"zstd") => {
            zstd::stream::read::Decoder::new(body)?.read_to_end(&mut plain)?;
            &plain
        }
        _ => body,
    };
    Ok(touch(&ExportTraceServiceRequest::decode(body)?))
}
