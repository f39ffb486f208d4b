//! From a context to headers and back.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::parent::{Extra, Parent};
use super::{b3, baggage, jaeger, traceparent, tracestate};
use crate::config::plan::{Propagator, Propagators};
use crate::telemetry::Extract;

/// The bits of `Propagators`, readable without a lock.
static CHOSEN: AtomicU32 = AtomicU32::new(Propagators::STANDARD.bits());

/// The propagators that the newest `init` chose.
pub(crate) fn chosen() -> Propagators {
    Propagators::from_bits(CHOSEN.load(Ordering::Relaxed))
}

pub(crate) fn choose(propagators: Propagators) {
    CHOSEN.store(propagators.bits(), Ordering::Relaxed);
}

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";

/// The headers that may be written, in order.
pub(crate) fn fields(which: Propagators) -> Vec<&'static str> {
    let of = |propagator| -> &'static [&'static str] {
        match propagator {
            Propagator::TraceContext => &[TRACEPARENT, TRACESTATE],
            Propagator::Baggage => &[BAGGAGE],
            Propagator::B3 => &b3::OF_ONE,
            Propagator::B3Multi => &b3::OF_SEVERAL,
            Propagator::Jaeger => &jaeger::HEADERS,
        }
    };
    which.iter().flat_map(of).copied().collect()
}

/// Hands over each header of a context: none for a root without baggage.
pub(crate) fn inject(parent: &Parent, which: Propagators, set: &mut dyn FnMut(&str, &str)) {
    let has_span = parent.has_span();
    for propagator in which.iter() {
        match propagator {
            Propagator::Baggage if !parent.entries().is_empty() => {
                set(BAGGAGE, &baggage::write(parent.entries()));
            }
            Propagator::TraceContext if has_span => {
                set(TRACEPARENT, traceparent::write(parent, &mut [0; traceparent::LENGTH]));
                let trace_state = parent.trace_state();
                if !trace_state.is_empty() {
                    set(TRACESTATE, trace_state);
                }
            }
            Propagator::B3 if has_span => b3::write_one(parent, set),
            Propagator::B3Multi if has_span => b3::write_several(parent, set),
            Propagator::Jaeger if has_span => jaeger::write(parent, set),
            _ => {}
        }
    }
}

/// Reads a context; where none of the propagators finds a span it is a root, which may still have baggage.
///
/// Each is asked in its turn, and the last one that finds a span has found it.
pub(crate) fn extract(which: Propagators, carrier: &(impl Extract + ?Sized)) -> Parent {
    let mut extra = Extra::default();
    let mut parent = Parent::root();
    for propagator in which.iter() {
        match propagator {
            Propagator::TraceContext => {
                if let Some(remote) = remote(carrier) {
                    adopt(&mut parent, &mut extra, (remote, false));
                    let mut lines = tracestate::Lines::default();
                    carrier.each(TRACESTATE, &mut |line| lines.add(line));
                    extra.trace_state = lines.finish();
                }
            }
            Propagator::Baggage => {
                let mut lines = baggage::Lines::default();
                carrier.each(BAGGAGE, &mut |line| lines.add(line));
                extra.baggage = lines.finish();
            }
            Propagator::B3 | Propagator::B3Multi => {
                b3::read(carrier).into_iter().for_each(|it| adopt(&mut parent, &mut extra, it));
            }
            Propagator::Jaeger => {
                jaeger::read(carrier).into_iter().for_each(|it| adopt(&mut parent, &mut extra, it));
            }
        }
    }
    if extra != Extra::default() {
        parent.extra = Some(Arc::new(extra));
    }
    parent
}

/// Takes another span for the parent. What another kind of header said of the same span stays: a caller
/// may write several kinds.
fn adopt(parent: &mut Parent, extra: &mut Extra, (found, debug): (Parent, bool)) {
    if (found.trace, found.span) == (parent.trace, parent.span) {
        parent.flags |= found.flags;
    } else {
        *parent = found;
        extra.trace_state.clear();
        extra.debug = false;
    }
    extra.debug |= debug;
}

/// The span that the one `traceparent` names; of several, none can be believed.
fn remote(carrier: &(impl Extract + ?Sized)) -> Option<Parent> {
    let mut headers = 0_usize;
    let mut parent = None;
    carrier.each(TRACEPARENT, &mut |value| {
        headers += 1;
        parent = traceparent::parse(value);
    });
    parent.filter(|_| headers == 1)
}

/// A closure as a carrier. It is asked once for each header, under the lower-case name.
pub(crate) struct Getter<'a, F> {
    get: F,
    /// `Extract` lends from the carrier, which must therefore know how long its values live.
    values: PhantomData<&'a str>,
}

impl<'a, F: Fn(&str) -> Option<&'a str>> Getter<'a, F> {
    pub(crate) const fn new(get: F) -> Self {
        Self { get, values: PhantomData }
    }
}

impl<'a, F: Fn(&str) -> Option<&'a str>> Extract for Getter<'a, F> {
    fn get(&self, name: &str) -> Option<&str> {
        (self.get)(name)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const ALL: Propagators = Propagators::STANDARD;

    fn of(propagators: &[Propagator]) -> Propagators {
        propagators.iter().copied().collect()
    }
    const VALID: &str = "00-12345678901234567890123456789012-1234567890123456-01";

    fn carrier(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn names(parent: &Parent, which: Propagators) -> Vec<String> {
        let mut names = Vec::new();
        inject(parent, which, &mut |name, _| names.push(name.to_owned()));
        names
    }

    #[test]
    fn names_in_any_case_are_found() {
        for [parent, state, baggage] in [
            ["traceparent", "tracestate", "baggage"],
            ["TraceParent", "TrAcEsTaTe", "Baggage"],
            ["TRACEPARENT", "TRACESTATE", "BAGGAGE"],
        ] {
            let headers = carrier(&[(parent, VALID), (state, "foo=1"), (baggage, "k=v")]);
            let found = extract(ALL, &headers);
            assert!(found.has_span() && found.remote && found.place().sampled(), "{parent}");
            assert_eq!((found.trace_state(), found.baggage("k")), ("foo=1", Some("v")));
        }
        for name in ["trace-parent", "trace.parent", "traceparent ", ""] {
            assert!(!extract(ALL, &carrier(&[(name, VALID)])).has_span(), "{name:?}");
        }
    }

    #[test]
    fn several_traceparents_are_none() {
        let other = VALID.replace("9012-", "9011-");
        for second in [VALID, other.as_str(), "", "nonsense"] {
            for headers in [[VALID, second], [second, VALID]] {
                let headers = headers.map(|value| ("traceparent", value));
                assert!(!extract(ALL, &carrier(&headers)).has_span(), "{second:?}");
            }
        }
    }

    #[test]
    fn tracestate_stands_and_falls_with_traceparent_but_not_the_reverse() {
        let parent = extract(ALL, &carrier(&[("tracestate", "foo=1"), ("baggage", "k=v")]));
        assert!(!parent.has_span() && !parent.remote);
        assert_eq!((parent.trace_state(), parent.baggage("k")), ("", Some("v")));
        assert_eq!(names(&parent, ALL), ["baggage"]);

        let parent = extract(ALL, &carrier(&[("traceparent", VALID), ("tracestate", "Foo=1")]));
        assert!(parent.has_span());
        assert_eq!(names(&parent, ALL), ["traceparent"]);
    }

    #[test]
    fn only_the_chosen_headers_are_written_and_read() {
        let headers =
            carrier(&[("traceparent", VALID), ("tracestate", "foo=1"), ("baggage", "k=v")]);
        let all = extract(ALL, &headers);
        assert_eq!(names(&all, ALL), ["traceparent", "tracestate", "baggage"]);
        for (which, expected) in [
            (of(&[Propagator::TraceContext]), &["traceparent", "tracestate"][..]),
            (of(&[Propagator::Baggage]), &["baggage"]),
            (Propagators::NONE, &[]),
        ] {
            assert_eq!(names(&all, which), expected);
            assert_eq!(names(&extract(which, &headers), ALL), expected);
        }
        assert!(names(&Parent::root(), ALL).is_empty());
    }

    #[test]
    fn they_are_written_in_the_order_given_and_the_last_found_counts() {
        use Propagator::{B3, B3Multi, Baggage, Jaeger, TraceContext};
        let all = extract(ALL, &carrier(&[("traceparent", VALID), ("baggage", "k=v")]));
        let order = of(&[Jaeger, Baggage, B3Multi, TraceContext, B3]);
        let written = [
            "uber-trace-id",
            "baggage",
            "x-b3-traceid",
            "x-b3-spanid",
            "x-b3-sampled",
            "traceparent",
            "b3",
        ];
        assert_eq!(names(&all, order), written);
        assert!(written.iter().all(|name| fields(order).contains(name)));

        let headers =
            carrier(&[("traceparent", VALID), ("b3", "0000000000000007-0000000000000008-1")]);
        assert_eq!(extract(of(&[TraceContext, B3]), &headers).span, 8);
        assert_eq!(extract(of(&[B3Multi, TraceContext]), &headers).span, 0x1234_5678_9012_3456);
        assert_eq!(extract(of(&[B3, Jaeger]), &headers).span, 8, "none found takes nothing away");
        assert!(!extract(ALL, &carrier(&[("b3", "1-2-1")])).has_span(), "it was not asked for");
    }

    #[test]
    fn kinds_that_speak_of_the_same_span_complete_each_other() {
        use Propagator::{B3, TraceContext};
        let b3 = "12345678901234567890123456789012-1234567890123456-d";
        let headers = carrier(&[("traceparent", VALID), ("tracestate", "foo=1"), ("b3", b3)]);
        for order in [[TraceContext, B3], [B3, TraceContext]] {
            let parent = extract(of(&order), &headers);
            assert_eq!((parent.trace_state(), parent.is_debugged()), ("foo=1", true), "{order:?}");
        }
        let other = carrier(&[
            ("traceparent", VALID),
            ("tracestate", "foo=1"),
            ("b3", &b3.replacen('1', "2", 1)),
        ]);
        let parent = extract(of(&[TraceContext, B3]), &other);
        assert_eq!((parent.trace_state(), parent.is_debugged()), ("", true));
        let parent = extract(of(&[B3, TraceContext]), &other);
        assert_eq!((parent.trace_state(), parent.is_debugged()), ("foo=1", false));
    }

    #[test]
    fn a_debugged_trace_stays_one_below() {
        use Propagator::{B3, B3Multi, Jaeger};
        let headers = carrier(&[
            ("X-B3-TraceId", "0000000000000007"),
            ("X-B3-SpanId", "0000000000000008"),
            ("X-B3-Flags", "1"),
        ]);
        let parent = extract(of(&[B3]), &headers);
        let values = |which| {
            let mut values = Vec::new();
            inject(&parent, of(&[which]), &mut |name, value| {
                values.push(format!("{name}={value}"))
            });
            values.join(" ")
        };
        assert_eq!(values(B3), "b3=00000000000000000000000000000007-0000000000000008-d");
        assert_eq!(
            values(Jaeger),
            "uber-trace-id=00000000000000000000000000000007:0000000000000008:0:3"
        );
        assert_eq!(
            values(B3Multi),
            "x-b3-traceid=00000000000000000000000000000007 x-b3-spanid=0000000000000008 x-b3-flags=1"
        );
    }

    #[test]
    fn a_context_without_extras_allocates_none() {
        assert!(
            extract(ALL, &carrier(&[("traceparent", VALID), ("tracestate", "")])).extra.is_none()
        );
    }

    #[test]
    fn a_closure_is_asked_once_by_the_lower_case_name() {
        let asked = RefCell::new(Vec::new());
        let value = VALID.to_owned();
        let parent = extract(
            ALL,
            &Getter::new(|name| {
                asked.borrow_mut().push(name.to_owned());
                (name == "traceparent").then_some(value.as_str())
            }),
        );
        assert!(parent.has_span());
        assert_eq!(asked.into_inner(), ["traceparent", "tracestate", "baggage"]);
    }

    #[test]
    fn baggage_is_set_on_one_copy_only() {
        let before = Parent::root().with_baggage("k", "1");
        let after = before.clone().with_baggage("k", "2").with_baggage("other", "é, ü");
        assert_eq!(before.baggage("k"), Some("1"));
        assert_eq!((after.baggage("k"), after.baggage("other")), (Some("2"), Some("é, ü")));
        assert_eq!((after.baggage("K"), after.baggage("")), (None, None));
        let same = after.clone().with_baggage("", "v").with_baggage("not a token", "v");
        assert_eq!(same.entries(), after.entries());
    }
}
