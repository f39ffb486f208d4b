//! Calls over Cap'n Proto, traced: one trace on both sides, every end of a call, and clients that know no context.

#![cfg(all(feature = "telemetry", feature = "capnp-rpc"))]

#[path = "calls/link.rs"]
mod link;
#[allow(warnings, clippy::all, reason = "generated")]
#[path = "calls/new_capnp.rs"]
#[rustfmt::skip]
mod new_capnp;
#[allow(warnings, clippy::all, reason = "generated")]
#[path = "calls/old_capnp.rs"]
#[rustfmt::skip]
mod old_capnp;

use std::cell::Cell;
use std::rc::Rc;

use capnp::Error;
use capnp::capability::{Response, StreamingRequest};
use capnp::traits::HasTypeId as _;
use link::{Link, link, run, traced, untraced};
use new_capnp::echo;
use trackside::telemetry::rpc::{self, Call};
use trackside::telemetry::{self, Kind, TraceId};
use trackside::testing::{Capture, CapturedSpan, CapturedStatus};

async fn say(
    client: &echo::Client,
    text: &str,
) -> Result<Response<echo::echo_results::Owned>, Error> {
    let mut request = client.echo_request();
    request.get().set_text(text);
    let call = Call::method("echo").cls_id("Echo").object_id("7");
    rpc::capnp::client(call, request, |request| Ok(request.get().init_context())).await
}

fn hang(
    client: &echo::Client,
) -> impl Future<Output = Result<Response<echo::hang_results::Owned>, Error>> + use<> {
    rpc::capnp::client(Call::method("hang"), client.hang_request(), |request| {
        Ok(request.get().init_context())
    })
}

async fn until(hanging: &Cell<bool>) {
    while !hanging.get() {
        tokio::task::yield_now().await;
    }
}

fn by_name<'a>(spans: &'a [CapturedSpan], name: &str) -> Vec<&'a CapturedSpan> {
    spans.iter().filter(|span| span.name == name).collect()
}

/// The spans once there are this many; tasks of the other end may be behind.
async fn spans(capture: &Capture, count: usize) -> Vec<CapturedSpan> {
    while capture.spans().len() < count {
        tokio::task::yield_now().await;
    }
    assert_eq!(capture.spans().len(), count);
    capture.spans()
}

#[test]
fn one_trace_from_the_client_to_the_handler() {
    let capture = Capture::start();
    run(async {
        let Link { client, .. } = link::<echo::Client>(traced(&Rc::default()));
        let answer = telemetry::instrument(say(&client, "hello"), "run").await.unwrap();
        assert_eq!(answer.get().unwrap().get_text().unwrap(), "hello");
        let spans = spans(&capture, 4).await;
        let names: Vec<_> = spans.iter().map(|span| (&*span.name, span.kind)).collect();
        let expected = [
            ("rpc.handler", Kind::Internal),
            ("rpc.call", Kind::Server),
            ("rpc.call", Kind::Client),
            ("run", Kind::Internal),
        ];
        assert_eq!(names, expected);
        let [handler, server, client, root] = &spans[..] else { panic!("four spans") };
        assert_eq!(handler.parent, Some(server.span_id));
        assert_eq!(server.parent, Some(client.span_id));
        assert_eq!(client.parent, Some(root.span_id));
        assert!(server.parent_is_remote && !handler.parent_is_remote && !client.parent_is_remote);
        assert!(spans.iter().all(|span| span.trace_id == root.trace_id));
        assert!(spans.iter().all(|span| span.status == CapturedStatus::Unset));
        assert_eq!(client.attribute("object_id"), Some(&"7".into()));
        assert_eq!(server.attribute("method"), Some(&"echo".into()));
    });
}

#[test]
fn tracestate_and_baggage_come_along() {
    let capture = Capture::start();
    let headers: Vec<(String, String)> = [
        ("traceparent", "00-12345678901234567890123456789012-1234567890123456-01"),
        ("tracestate", "vendor=1"),
        ("baggage", "tenant=blue"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    run(async {
        let Link { client, .. } = link::<echo::Client>(traced(&Rc::default()));
        let above = telemetry::extract_from(&headers);
        telemetry::in_context(say(&client, "hello")).with_parent(above).await.unwrap();
        let spans = spans(&capture, 3).await;
        let trace = TraceId(0x1234_5678_9012_3456_7890_1234_5678_9012);
        assert!(spans.iter().all(|span| span.trace_id == trace));
        assert!(spans.iter().all(|span| span.trace_state == "vendor=1"), "{spans:#?}");
    });
}

#[test]
fn a_failure_says_its_kind_on_both_sides() {
    for kind in ["failed", "overloaded", "unimplemented"] {
        let capture = Capture::start();
        run(async {
            let Link { client, .. } = link::<echo::Client>(traced(&Rc::default()));
            let error = say(&client, kind).await.err().expect("it fails");
            assert_eq!(rpc::capnp::error_kind(&error), kind);
            for span in spans(&capture, 3).await {
                assert_eq!(span.attribute("error.type"), Some(&kind.into()), "{}", span.name);
                let CapturedStatus::Error(text) = &span.status else { panic!("{span:#?}") };
                assert!(text.contains("no"), "{text}");
            }
        });
    }
}

#[test]
fn a_call_that_is_given_up_is_cancelled_on_both_sides() {
    let capture = Capture::start();
    run(async {
        let hanging = Rc::new(Cell::new(false));
        let Link { client, .. } = link::<echo::Client>(traced(&hanging));
        let call = tokio::task::spawn_local(hang(&client));
        until(&hanging).await;
        assert!(capture.spans().is_empty());
        call.abort();
        let spans = spans(&capture, 3).await;
        for span in &spans {
            assert_eq!(span.attribute("error.type"), Some(&"cancelled".into()), "{}", span.name);
        }
        assert!(spans.iter().all(|span| span.trace_id == spans[0].trace_id));
    });
}

#[test]
fn a_connection_that_breaks_is_said_on_both_sides() {
    let capture = Capture::start();
    run(async {
        let hanging = Rc::new(Cell::new(false));
        let Link { client, wire } = link::<echo::Client>(traced(&hanging));
        let call = tokio::task::spawn_local(hang(&client));
        until(&hanging).await;
        wire.abort();
        let error = call.await.unwrap().err().expect("the connection is gone");
        assert_eq!(rpc::capnp::error_kind(&error), "disconnected");
        let spans = spans(&capture, 3).await;
        let [client] = spans.iter().filter(|s| s.kind == Kind::Client).collect::<Vec<_>>()[..]
        else {
            panic!("one client span: {spans:#?}")
        };
        assert_eq!(client.attribute("error.type"), Some(&"disconnected".into()));
        for span in spans.iter().filter(|span| span.kind != Kind::Client) {
            assert_eq!(span.attribute("error.type"), Some(&"cancelled".into()), "{}", span.name);
        }
    });
}

#[test]
fn every_client_is_served_by_every_server() {
    for (client_is_new, server_is_new) in
        [(false, false), (false, true), (true, false), (true, true)]
    {
        let capture = Capture::start();
        run(async {
            let server = if server_is_new { traced(&Rc::default()) } else { untraced() };
            if client_is_new {
                let Link { client, .. } = link::<echo::Client>(server);
                let answer = say(&client, "hello").await.unwrap();
                assert_eq!(answer.get().unwrap().get_text().unwrap(), "hello");
            } else {
                let Link { client, .. } = link::<old_capnp::echo::Client>(server);
                let mut request = client.echo_request();
                request.get().set_text("hello");
                let answer = request.send().promise.await.unwrap();
                assert_eq!(answer.get().unwrap().get_text().unwrap(), "hello");
            }
            let expected = usize::from(client_is_new) + 2 * usize::from(server_is_new);
            let spans = spans(&capture, expected).await;
            if let [served] = by_name(&spans, "rpc.handler")[..] {
                let [call, ..] = by_name(&spans, "rpc.call")[..] else { panic!("{spans:#?}") };
                assert_eq!((call.kind, served.parent), (Kind::Server, Some(call.span_id)));
                assert_eq!(call.parent_is_remote, client_is_new);
                assert_eq!(call.parent.is_some(), client_is_new);
            }
        });
    }
}

#[test]
fn a_streaming_call_is_a_call() {
    let capture = Capture::start();
    run(async {
        let Link { client, .. } = link::<echo::Client>(traced(&Rc::default()));
        // As code for `-> stream` makes it.
        let mut request: StreamingRequest<echo::push_params::Owned> =
            client.client.new_streaming_call(echo::Client::TYPE_ID, 1, None);
        request.get().set_text("one");
        let call = Call::method("push");
        rpc::capnp::client(call, request, |request| Ok(request.get().init_context()))
            .await
            .unwrap();
        let spans = spans(&capture, 3).await;
        assert!(spans.iter().all(|span| span.trace_id == spans[0].trace_id));
    });
}

#[test]
fn a_context_that_cannot_be_had_does_not_fail_the_call() {
    let capture = Capture::start();
    run(async {
        let Link { client, .. } = link::<echo::Client>(traced(&Rc::default()));
        let mut request = client.echo_request();
        request.get().set_text("hello");
        let none = || Error::failed("there is none".into());
        rpc::capnp::client(Call::method("echo"), request, |_| Err(none())).await.unwrap();
        let spans = spans(&capture, 3).await;
        assert!(by_name(&spans, "rpc.call").iter().all(|span| span.parent.is_none()));
    });
}
