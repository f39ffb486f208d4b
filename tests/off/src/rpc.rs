//! The serving side of a call.

use trackside::telemetry::rpc::{self, Call, Direction, Session};
use trackside::telemetry::{self, Histogram};

use crate::counting::never;
use crate::{Refusal, Request, storage};

static LENGTH: Histogram = telemetry::histogram("reply.length").with_boundaries(&[1.0, 64.0]);

/// A peer's connection, counted while it lasts.
#[derive(Debug)]
pub struct Connection {
    _session: Session,
}

impl Connection {
    /// A peer has connected.
    #[must_use]
    pub fn open() -> Self {
        Self { _session: rpc::session() }
    }
}

/// Serves one call.
///
/// # Errors
/// What the handler refused.
pub async fn serve(request: &Request) -> Result<usize, Refusal> {
    rpc::payload(Direction::In, size_of_val(&request.key));
    let call = Call::method("length").cls_id("Store").object_id("store-1");
    let length = rpc::server(call, rpc::handler(length(request.key)))
        .with(|span| {
            span.set_dynamic("key", request.key).set("peer", never::<bool>());
        })
        .error_kind(Refusal::kind)
        .await?;
    rpc::payload(Direction::Out, size_of_val(&length));
    Ok(length)
}

async fn length(key: u32) -> Result<usize, Refusal> {
    telemetry::current().set("key", key);
    let found = storage::get(key).await;
    let length = rpc::handler_fn(|| found.map(str::len).ok_or(Refusal::Missing(key)))?;
    LENGTH.record(length as f64, &[("method", "length".into())]);
    if length > 64 { Err(Refusal::TooLong) } else { Ok(length) }
}
