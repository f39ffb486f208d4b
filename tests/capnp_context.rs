//! `context.capnp` as a carrier, and the wrappers where nothing is on: the same in both modes.

#![cfg(feature = "capnp-rpc")]

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

use std::rc::Rc;

use capnp::message::Builder;
use link::{Link, link, run, traced, untraced};
use proptest::prelude::*;
use trackside::context_capnp::trace_context;
use trackside::telemetry::rpc::{self, Call, capnp::Headers};
use trackside::telemetry::{Extract as _, Inject as _, Parent};

const VALID: &str = "00-0123456789abcdeffedcba9876543210-1234567890abcdef-01";

/// What the headers are once they went through the struct.
fn through(headers: &[(&str, &str)]) -> [Option<String>; 3] {
    let mut message = Builder::new_default();
    let mut context: trace_context::Builder<'_> = message.init_root();
    for (name, value) in headers {
        context.set(name, value);
    }
    let context = Headers::of(context.into_reader());
    ["traceparent", "tracestate", "baggage"].map(|name| context.get(name).map(str::to_owned))
}

fn texts(values: [&str; 3]) -> [Option<String>; 3] {
    values.map(|value| Some(value.to_owned()))
}

#[test]
fn the_fields_are_those_of_the_headers() {
    let mut message = Builder::new_default();
    let mut context: trace_context::Builder<'_> = message.init_root();
    context.set("TraceParent", VALID);
    context.set("TRACESTATE", "vendor=1");
    context.set("baggage", "tenant=blue");
    context.set("authorization", "nobody's business");
    let context = context.into_reader();
    assert_eq!(context.get_trace_id_high(), 0x0123_4567_89ab_cdef);
    assert_eq!(context.get_trace_id_low(), 0xfedc_ba98_7654_3210);
    assert_eq!((context.get_span_id(), context.get_flags()), (0x1234_5678_90ab_cdef, 1));
    assert_eq!(context.get_trace_state().unwrap(), "vendor=1");
    assert_eq!(context.get_baggage().unwrap(), "tenant=blue");

    let headers = Headers::of(context);
    for name in ["traceparent", "TRACEPARENT", "TraceParent"] {
        assert_eq!(headers.get(name), Some(VALID));
    }
    assert_eq!(headers.get("TraceState"), Some("vendor=1"));
    assert_eq!((headers.get("authorization"), headers.get("")), (None, None));
    let shown = format!("{headers:?}");
    assert!(shown.contains(VALID) && shown.contains("tenant=blue"), "{shown}");
}

#[test]
fn what_stood_there_is_replaced() {
    let old = [("traceparent", VALID), ("tracestate", "a=1"), ("baggage", "b=1")];
    let other = VALID.replace("cdef-01", "cde0-00");
    let new = [("traceparent", &*other), ("tracestate", "c=1"), ("baggage", "d=1")];
    assert_eq!(through(&[old, new].concat()), texts([&other, "c=1", "d=1"]));
    // The state belongs to the parent that it came with.
    let [parent, state, _] = through(&[&old[..], &[("traceparent", &*other)]].concat());
    assert_eq!((parent, state), (Some(other), Some(String::new())));
    assert_eq!(through(&[old[0], ("traceparent", "nonsense")]), [None, None, None]);
}

#[test]
fn no_ids_are_no_parent() {
    assert_eq!(through(&[]), [None, None, None]);
    for (high, low, span) in [(0, 0, 1), (0, 0, 0), (1, 0, 0), (0, 1, 0)] {
        let mut message = Builder::new_default();
        let mut context: trace_context::Builder<'_> = message.init_root();
        context.set_trace_id_high(high);
        context.set_trace_id_low(low);
        context.set_span_id(span);
        assert_eq!(Headers::of(context.into_reader()).get("traceparent"), None);
    }
    for (high, low) in [(1, 0), (0, 1)] {
        let mut message = Builder::new_default();
        let mut context: trace_context::Builder<'_> = message.init_root();
        context.set_trace_id_high(high);
        context.set_trace_id_low(low);
        context.set_span_id(1);
        assert!(Headers::of(context.into_reader()).get("traceparent").is_some());
    }
}

#[test]
fn a_text_that_is_none_is_ignored() {
    let mut message = Builder::new_default();
    let mut context: trace_context::Builder<'_> = message.init_root();
    context.set("traceparent", VALID);
    context.set_trace_state(capnp::text::Reader(b"a=\xff"));
    context.set_baggage(capnp::text::Reader(b"b=\xff"));
    let headers = Headers::of(context.into_reader());
    assert_eq!((headers.get("tracestate"), headers.get("baggage")), (None, None));
    assert_eq!(headers.get("traceparent"), Some(VALID));
}

#[test]
fn a_pointer_to_something_else_is_a_root() {
    let mut message = Builder::new_default();
    let mut root: capnp::any_pointer::Builder<'_> = message.init_root();
    root.set_as("a text, not a struct").unwrap();
    let context = root.into_reader().get_as::<trace_context::Reader<'_>>();
    assert!(context.is_err());
    let parent: Parent = rpc::capnp::caller(context);
    assert_eq!((parent.trace_id(), parent.span_id()), (None, None));
}

proptest! {
    #[test]
    fn any_header_goes_through_unchanged(
        trace in 1_u128.., span in 1_u64.., flags: u8, state in "[ -~]{0,40}", baggage in "[ -~]{0,40}",
    ) {
        let parent = format!("00-{trace:032x}-{span:016x}-{flags:02x}");
        let headers = [("traceparent", &*parent), ("tracestate", &*state), ("baggage", &*baggage)];
        prop_assert_eq!(through(&headers), texts([&parent, &state, &baggage]));
    }

    #[test]
    fn what_is_not_a_traceparent_is_none(
        value in "[0-9a-f]{2}-[0-9a-fA-F+]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{2}(-.*)?|.*",
    ) {
        let [parent, ..] = through(&[("traceparent", &value)]);
        if let Some(parent) = parent {
            prop_assert_eq!(&parent[3..], &value[3..55]);
        }
    }
}

#[test]
fn where_nothing_is_on_the_call_is_the_bare_one() {
    run(async {
        let Link { client, .. } = link::<new_capnp::echo::Client>(traced(&Rc::default()));
        let mut request = client.echo_request();
        request.get().set_text("hello");
        let call = Call::method("echo");
        let answer = rpc::capnp::client(call, request, |_| panic!("nobody asked")).await.unwrap();
        assert_eq!(answer.get().unwrap().get_text().unwrap(), "hello");
    });
}

#[test]
fn every_client_is_served_by_every_server() {
    for server in [|| traced(&Rc::default()), untraced] {
        run(async {
            let Link { client, wire } = link::<old_capnp::echo::Client>(server());
            let mut request = client.echo_request();
            request.get().set_text("old");
            let answer = request.send().promise.await.unwrap();
            assert_eq!(answer.get().unwrap().get_text().unwrap(), "old");
            wire.abort();

            let Link { client, .. } = link::<new_capnp::echo::Client>(server());
            let mut request = client.echo_request();
            request.get().set_text("new");
            request.get().init_context().set("traceparent", VALID);
            let answer = request.send().promise.await.unwrap();
            assert_eq!(answer.get().unwrap().get_text().unwrap(), "new");
        });
    }
}

#[cfg(not(feature = "telemetry"))]
#[test]
fn off_the_serving_side_is_the_bare_handler() {
    let handler = || std::future::ready(Ok::<[u8; 24], capnp::Error>([7; 24]));
    let context = Err(capnp::Error::failed("there is none".into()));
    let served = rpc::capnp::server(Call::method("echo"), context, handler());
    assert_eq!(size_of_val(&served), size_of_val(&handler()));
    assert_eq!(rpc::capnp::error_kind(&capnp::Error::overloaded(String::new())), "overloaded");
}
