//! The calling side.

use std::future::Future;

use capnp::Error;
use capnp::capability::{FromTypelessPipeline, Promise, Request, Response, StreamingRequest};
use capnp::traits::{Owned, Pipelined};

use super::error_kind;
use crate::context_capnp::trace_context;
use crate::telemetry::rpc::{self, Call, Observed};
use crate::telemetry::{self, Inject as _};

/// A request that has not been sent yet: Cap'n Proto's two kinds.
pub trait Outgoing {
    /// What a call that succeeded gives.
    type Answer;

    /// Sends it.
    fn send(self) -> Promise<Self::Answer, Error>;
}

impl<P, R> Outgoing for Request<P, R>
where
    P: Owned,
    R: Pipelined + Owned + Unpin + 'static,
    R::Pipeline: FromTypelessPipeline,
{
    type Answer = Response<R>;

    fn send(self) -> Promise<Response<R>, Error> {
        Self::send(self).promise
    }
}

impl<P: Owned> Outgoing for StreamingRequest<P> {
    type Answer = ();

    fn send(self) -> Promise<(), Error> {
        Self::send(self)
    }
}

/// Sends a request inside [`rpc::client`], with the span's context in its parameters; a failure says its [`error_kind`].
///
/// The closure gives the struct that the schema embeds; what it holds is replaced. It is called with the first poll,
/// and only where there is a context to send: never where telemetry is off. Its error is none of the call's, which
/// goes out without a context.
///
/// ```
/// # use trackside::telemetry::rpc::capnp::Outgoing;
/// use trackside::context_capnp::trace_context;
/// use trackside::telemetry::rpc::{self, Call};
///
/// # async fn call<Q: Outgoing>(
/// #     request: Q, context: for<'a> fn(&'a mut Q) -> capnp::Result<trace_context::Builder<'a>>,
/// # ) -> capnp::Result<Q::Answer> {
/// // let mut request = store.get_request();
/// // let context = |request| Ok(request.get().init_context());
/// rpc::capnp::client(Call::method("get").cls_id("Store"), request, context).await
/// # }
/// ```
///
/// For calls on the results of a call that has not returned, send by hand inside [`rpc::client`], and
/// write the context with [`inject_into`](telemetry::inject_into).
pub fn client<Q, C>(
    call: Call<'_>,
    mut request: Q,
    context: C,
) -> Observed<impl Future<Output = Result<Q::Answer, Error>> + use<Q, C>>
where
    Q: Outgoing,
    C: for<'a> FnOnce(&'a mut Q) -> capnp::Result<trace_context::Builder<'a>>,
{
    let sent = async move {
        write_context(&mut request, context);
        request.send().await
    };
    rpc::client(call, sent).error_kind(error_kind)
}

/// Asks for the struct with the first header: without one the message does not grow.
fn write_context<'a, Q>(
    request: &'a mut Q,
    context: impl FnOnce(&'a mut Q) -> capnp::Result<trace_context::Builder<'a>>,
) {
    let mut unasked = Some((request, context));
    let mut fields = None;
    telemetry::inject(|name, value| {
        if let Some((request, context)) = unasked.take() {
            fields = context(request).ok();
            fields.iter_mut().for_each(clear);
        }
        if let Some(fields) = &mut fields {
            fields.set(name, value);
        }
    });
}

fn clear(fields: &mut trace_context::Builder<'_>) {
    // No `traceparent` is none, and takes its `tracestate` with it.
    fields.set("traceparent", "");
    if fields.has_baggage() {
        fields.set_baggage("");
    }
}
