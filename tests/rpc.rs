//! The RPC wrapper: names, kinds, attributes and outcomes of items 272 to 277, as spans.

#![cfg(feature = "telemetry")]

mod support;

use std::future::{Future, pending};
use std::pin::pin;
use std::task::{Context, Waker};

use support::block_on;
use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, Kind};
use trackside::testing::{Capture, CapturedStatus};

type Headers = Vec<(String, String)>;

async fn serve(headers: Headers, answer: Result<u32, &'static str>) -> Result<u32, &'static str> {
    let call = Call::method("get").cls_id("Store").object_id("7");
    let inner = async move {
        rpc::server(call, rpc::handler(async move { answer })).error_kind(|_| "busy").await
    };
    rpc::dispatch(inner).with_parent(telemetry::extract_from(&headers)).errors().await
}

#[test]
fn one_trace_from_the_caller_to_the_handler() {
    let capture = Capture::start();
    let call = rpc::client(Call::method("get").cls_id("Store"), async {
        let mut headers = Headers::new();
        telemetry::inject_into(&mut headers);
        serve(headers, Ok(3)).await
    });
    // The serving side runs below the client's span here, as in one process; its parent is remote all the same.
    assert_eq!(block_on(call), Ok(3));
    let spans = capture.spans();
    let names: Vec<_> = spans.iter().map(|span| (&*span.name, span.kind)).collect();
    assert_eq!(
        names,
        [
            ("rpc.handler", Kind::Internal),
            ("rpc.call", Kind::Internal),
            ("engine.dispatch", Kind::Server),
            ("rpc.call", Kind::Client),
        ]
    );
    let [handler, call, dispatch, client] = &spans[..] else { panic!("four spans") };
    assert_eq!(handler.parent, Some(call.span_id));
    assert_eq!(call.parent, Some(dispatch.span_id));
    assert_eq!(dispatch.parent, Some(client.span_id));
    assert!(dispatch.parent_is_remote && !call.parent_is_remote);
    assert_eq!(client.parent, None);
    assert!(spans.iter().all(|span| span.trace_id == client.trace_id));
    assert!(spans.iter().all(|span| span.status == CapturedStatus::Unset));
    let shown: Vec<_> =
        call.attributes.iter().map(|(key, value)| (&**key, value.clone())).collect();
    assert_eq!(
        shown,
        [("method", "get".into()), ("cls_id", "Store".into()), ("object_id", "7".into())]
    );
    assert_eq!(client.attribute("object_id"), None);
    assert_eq!((handler.attributes.len(), dispatch.attributes.len()), (0, 0));
}

#[test]
fn without_a_dispatch_the_call_is_the_server_span() {
    let capture = Capture::start();
    block_on(rpc::server(Call::method("m"), async { Ok::<_, String>(()) })).unwrap();
    assert_eq!(capture.span("rpc.call").kind, Kind::Server);
}

#[test]
fn a_dispatch_without_remote_parent_is_internal() {
    let capture = Capture::start();
    block_on(serve(Vec::new(), Ok(1))).unwrap();
    assert_eq!(capture.span("engine.dispatch").kind, Kind::Internal);
    assert_eq!(capture.span("engine.dispatch").parent, None);
    assert_eq!(capture.span("rpc.call").kind, Kind::Server);
}

#[test]
fn errors_set_status_and_kind_on_every_span_above() {
    let capture = Capture::start();
    assert_eq!(block_on(serve(Vec::new(), Err("too late"))), Err("too late"));
    for (name, kind) in
        [("rpc.handler", "_OTHER"), ("rpc.call", "busy"), ("engine.dispatch", "_OTHER")]
    {
        let span = capture.span(name);
        assert_eq!(span.status, CapturedStatus::Error("too late".into()), "{name}");
        assert_eq!(span.attribute("error.type"), Some(&kind.into()), "{name}");
    }
}

#[test]
fn cancellation_and_panic_are_said() {
    let capture = Capture::start();
    {
        let mut call = pin!(rpc::client(Call::method("m"), pending::<Result<(), String>>()));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let span = capture.span("rpc.call");
    assert_eq!(span.attribute("error.type"), Some(&"cancelled".into()));
    assert_eq!(span.status, CapturedStatus::Error("dropped before it finished".into()));

    let handler = rpc::handler(async {
        let text = format!("broken {}", telemetry::current().is_recording());
        if !text.is_empty() {
            panic!("{text}");
        }
        Ok::<(), String>(())
    });
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| block_on(handler))).is_err());
    let span = capture.span("rpc.handler");
    assert_eq!(span.attribute("error.type"), Some(&"panic".into()));
    assert_eq!(span.status, CapturedStatus::Error("broken true".into()));
}

#[test]
fn a_handler_that_is_not_async() {
    let capture = Capture::start();
    assert_eq!(rpc::handler_fn(|| Ok::<_, String>(5)), Ok(5));
    assert_eq!(rpc::handler_fn(|| Err::<u8, _>("no")), Err("no"));
    let spans = capture.spans();
    assert_eq!(spans[0].status, CapturedStatus::Unset);
    assert_eq!(spans[1].status, CapturedStatus::Error("no".into()));
    assert!(spans.iter().all(|span| span.name == "rpc.handler"));
}

#[test]
fn the_hosts_own_attributes_come_on_top() {
    let capture = Capture::start();
    let call = rpc::server(Call::method("m"), async { Ok::<_, String>(()) }).with(|span| {
        span.set("size", 4_u32);
    });
    block_on(call).unwrap();
    assert_eq!(capture.span("rpc.call").attribute("size"), Some(&4_i64.into()));
}

#[test]
fn a_span_between_dispatch_and_call_changes_no_kind() {
    let capture = Capture::start();
    let _init = telemetry::init(telemetry::TelemetryConfig::default()).unwrap();
    let value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let parent = telemetry::extract(|name| (name == "traceparent").then_some(value));
    let inner = async {
        let call = rpc::server(Call::method("m"), async { Ok::<_, String>(()) });
        telemetry::instrument(call, "auth").await
    };
    block_on(rpc::dispatch(inner).with_parent(parent)).unwrap();
    assert_eq!(capture.span("engine.dispatch").kind, Kind::Server);
    assert_eq!(capture.span("rpc.call").kind, Kind::Internal);
}
