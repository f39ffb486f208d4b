//! What holds for every input, the hostile ones included.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::{Parent, extract, inject, traceparent};
use crate::config::plan::{Propagator, Propagators};

const ALL: Propagators = Propagators::STANDARD;

type Headers = Vec<(String, String)>;

fn headers(parent: &Parent) -> Headers {
    let mut headers = Headers::new();
    inject(parent, ALL, &mut |name, value| headers.push((name.to_owned(), value.to_owned())));
    headers
}

fn with_lines(parent: &str, state: &[String], baggage: &[String]) -> Headers {
    let line = |name: &'static str| move |value: &String| (name.to_owned(), value.clone());
    std::iter::once(("traceparent".to_owned(), parent.to_owned()))
        .chain(state.iter().map(line("tracestate")))
        .chain(baggage.iter().map(line("baggage")))
        .collect()
}

/// Any text; often one that is nearly right.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        "[0-9a-fk=,;% \t\"é-]{0,80}",
        "([a-z0-9@]{1,3} ?= ?[ -~]{0,6}[,;]){0,40}",
        "([0-9A-Za-z]{1,3} ?= ?(%[0-9A-Fa-f]{2}){0,6}[,;]){0,40}",
    ]
}

fn valid_traceparent() -> impl Strategy<Value = String> {
    (any::<u8>(), 1..=u128::MAX, 1..=u64::MAX, any::<u8>()).prop_map(
        |(version, trace, span, flags)| {
            format!("{version:02x}-{trace:032x}-{span:016x}-{flags:02x}")
        },
    )
}

fn trace_state() -> impl Strategy<Value = String> {
    btree_map("[a-z0-9][a-z0-9_*/@-]{0,20}", "[ -+\\--<>-~]{0,20}[!-+\\--<>-~]", 0..=32).prop_map(
        |members| {
            let members: Vec<_> =
                members.iter().map(|(key, value)| format!("{key}={value}")).collect();
            members.join(",")
        },
    )
}

fn baggage() -> impl Strategy<Value = Vec<(String, String)>> {
    let value = vec(any::<char>(), 0..20).prop_map(String::from_iter);
    btree_map("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}", value, 0..8)
        .prop_map(|entries| entries.into_iter().collect())
}

proptest! {
    #[test]
    fn hostile_headers_do_no_harm(
        parent in prop_oneof![text(), valid_traceparent()],
        state in vec(text(), 0..4),
        baggage in vec(text(), 0..4),
    ) {
        let first = extract(ALL, &with_lines(&parent, &state, &baggage));
        prop_assert_eq!(first.has_span(), first.remote);
        prop_assert!(first.has_span() || first.trace_state().is_empty());
        // What was understood is understood again, word for word.
        let written = headers(&first);
        prop_assert_eq!(written.iter().filter(|(_, value)| !value.is_ascii()).count(), 0);
        let second = extract(ALL, &written);
        prop_assert_eq!((first.trace, first.span), (second.trace, second.span));
        prop_assert_eq!(first.extra, second.extra);
    }

    #[test]
    fn hostile_headers_of_every_kind_do_no_harm(
        b3 in prop_oneof![text(), "[0-9a-f]{15,33}-[0-9a-f]{15,17}(-[01d-])?(-[0-9a-f]{16})?"],
        trace in prop_oneof![text(), "[0-9a-f]{16}|[0-9a-f]{32}"],
        span in prop_oneof![text(), "[0-9a-f]{16}"],
        flags in prop_oneof![text(), "[01]", "true"],
        jaeger in prop_oneof![text(), "[0-9a-f]{0,34}(:|%3A)[0-9a-f]{0,18}:[0-9a-f]?:[0-9a-f]{0,3}"],
        order in Just(Propagator::EVERY.to_vec()).prop_shuffle(),
    ) {
        let named = [
            ("b3", &b3), ("X-B3-TraceId", &trace), ("X-B3-SpanId", &span),
            ("X-B3-Sampled", &flags), ("X-B3-Flags", &flags), ("uber-trace-id", &jaeger),
        ];
        let received: Headers =
            named.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone())).collect();
        let order: Propagators = order.into_iter().collect();
        let first = extract(order, &received);
        prop_assert_eq!(first.has_span(), first.remote);
        prop_assert!(!first.is_debugged() || first.place().sampled());
        // What was understood is understood again, whichever kind carries it.
        for kind in Propagator::EVERY.into_iter().filter(|kind| *kind != Propagator::Baggage) {
            let which: Propagators = [kind].into_iter().collect();
            let mut written = Headers::new();
            inject(&first, which, &mut |name, value| {
                written.push((name.to_owned(), value.to_owned()));
            });
            let second = extract(which, &written);
            prop_assert_eq!((first.trace, first.span), (second.trace, second.span));
            prop_assert_eq!(first.place().sampled(), second.place().sampled());
            if kind != Propagator::TraceContext {
                prop_assert_eq!(first.is_debugged(), second.is_debugged());
            }
        }
    }

    #[test]
    fn written_then_read_is_the_same(
        trace in 1..=u128::MAX,
        span in 1..=u64::MAX,
        flags in 0..4_u8,
        state in trace_state(),
        baggage in baggage(),
    ) {
        let mut text = [0; traceparent::LENGTH];
        let sent = Parent { trace, span, flags, ..Parent::root() };
        let line = traceparent::write(&sent, &mut text);
        prop_assert_eq!(line, format!("00-{trace:032x}-{span:016x}-{flags:02x}"));

        let sent = extract(ALL, &with_lines(line, std::slice::from_ref(&state), &[]));
        let sent = baggage.iter().fold(sent, |parent, (key, value)| parent.with_baggage(key, value));
        let received = extract(ALL, &headers(&sent));
        prop_assert_eq!((received.trace, received.span, received.flags), (trace, span, flags));
        prop_assert!(received.remote);
        prop_assert_eq!(received.trace_state(), state);
        prop_assert_eq!(received.entries(), &baggage[..]);
    }

    #[test]
    fn a_mutated_traceparent_is_refused_or_kept(
        valid in valid_traceparent(),
        at in 0..traceparent::LENGTH,
        to in prop_oneof![prop::sample::select(b"0123456789abcdefAF-g \t".to_vec()), 0..128_u8],
    ) {
        let mut mutated = valid.into_bytes();
        mutated[at] = to;
        let mutated = String::from_utf8(mutated).expect("ASCII by construction");
        let parent = extract(ALL, &with_lines(&mutated, &[], &[]));
        if let [(_, written)] = &headers(&parent)[..] {
            prop_assert_eq!(&written[2..53], &mutated[2..53]);
            prop_assert_eq!(format!("{:02x}", parent.flags), &mutated[53..]);
            let again = extract(ALL, &with_lines(written, &[], &[]));
            prop_assert_eq!(again.flags, parent.flags & 3);
        } else {
            prop_assert!(!parent.has_span());
        }
    }
}
