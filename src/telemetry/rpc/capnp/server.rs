//! The serving side.

use std::future::Future;

use capnp::Error;

use super::{Headers, error_kind};
use crate::context_capnp::trace_context;
use crate::telemetry::rpc::{self, Call, Observed, Outcome};
use crate::telemetry::{Parent, extract_from};

/// The caller's context, from the field as generated code gives it.
///
/// [`Parent::root`] where the caller left it out, and where it is malformed: no reason to refuse a call.
///
/// ```
/// use trackside::context_capnp::trace_context;
/// use trackside::telemetry::rpc;
///
/// # async fn invoke() -> Result<(), String> { Ok(()) }
/// # fn serve(context: capnp::Result<trace_context::Reader<'_>>) {
/// # let _future =
/// // context: params.get()?.get_context()
/// rpc::dispatch(invoke()).with_parent(rpc::capnp::caller(context)).errors();
/// # }
/// ```
#[must_use]
pub fn caller(context: capnp::Result<trace_context::Reader<'_>>) -> Parent {
    context.map_or_else(|_| Parent::root(), |context| extract_from(&Headers::of(context)))
}

/// [`rpc::server`] below the [`caller`], around [`rpc::handler`]; a failure says its [`error_kind`].
///
/// A call that the client gives up, or whose connection breaks, is dropped by Cap'n Proto: its spans end as `cancelled`.
/// A handler with errors of its own uses `rpc::server` and `caller` by themselves.
///
/// ```
/// use trackside::context_capnp::trace_context;
/// use trackside::telemetry::rpc::{self, Call};
///
/// # async fn get() -> Result<(), capnp::Error> { Ok(()) }
/// # async fn serve(context: capnp::Result<trace_context::Reader<'_>>) -> Result<(), capnp::Error> {
/// // context: params.get()?.get_context()
/// rpc::capnp::server(Call::method("get").cls_id("Store"), context, get()).await
/// # }
/// ```
pub fn server<F>(
    call: Call<'_>,
    context: capnp::Result<trace_context::Reader<'_>>,
    handler: F,
) -> Observed<Observed<F>>
where
    F: Future,
    F::Output: Outcome<Error = Error>,
{
    let handled = rpc::handler(handler).error_kind(error_kind);
    rpc::server(call, handled).with_parent(caller(context)).error_kind(error_kind)
}
