//! One call on its way in: dispatch, call, handler, and the payload of both directions.

use std::rc::Rc;

use trackside::telemetry::rpc::{self, Call, Direction};

use super::engine_capnp::{engine, invocation, reply};
use super::failure::Failure;
use super::objects::Objects;

/// What a session calls.
pub(crate) struct Engine {
    pub(crate) objects: Rc<Objects>,
}

impl engine::Server for Engine {
    async fn invoke(
        self: Rc<Self>,
        params: engine::InvokeParams,
        mut results: engine::InvokeResults,
    ) -> Result<(), capnp::Error> {
        let invocation = params.get()?.get_invocation()?;
        // The caller's span becomes the parent; one that sends no context starts a trace here.
        let caller = rpc::capnp::caller(invocation.get_context());
        let outcome = rpc::dispatch(self.call(invocation)).with_parent(caller).errors().await;
        answer(outcome, results.get().init_reply());
        Ok(())
    }
}

impl Engine {
    async fn call(&self, invocation: invocation::Reader<'_>) -> Result<Vec<u8>, Failure> {
        let class = invocation.get_class_id()?.to_str()?;
        let object = invocation.get_object_id()?.to_str()?;
        let method = invocation.get_method()?.to_str()?;
        let payload = invocation.get_payload()?;
        rpc::payload(Direction::In, payload.len());
        let call = Call::method(method).cls_id(class).object_id(object);
        let handled = self.objects.handle(class, object, method, payload);
        let reply = rpc::server(call, handled).error_kind(Failure::kind).await?;
        rpc::payload(Direction::Out, reply.len());
        Ok(reply)
    }
}

fn answer(outcome: Result<Vec<u8>, Failure>, mut reply: reply::Builder<'_>) {
    match outcome {
        Ok(payload) => reply.set_ok(&payload),
        Err(failure) => {
            let mut error = reply.init_error();
            error.set_kind(failure.kind());
            error.set_message(failure.to_string());
        }
    }
}
