//! From a context to headers and back.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::parent::{Extra, Parent};
use super::{baggage, traceparent, tracestate};
use crate::config::plan::Propagators;
use crate::telemetry::Extract;

/// Bits of `Propagators`, readable without a lock.
static CHOSEN: AtomicU8 = AtomicU8::new(OF_TRACE_CONTEXT | OF_BAGGAGE);
const OF_TRACE_CONTEXT: u8 = 1;
const OF_BAGGAGE: u8 = 2;

/// The propagators that the newest `init` chose.
pub(crate) fn chosen() -> Propagators {
    let bits = CHOSEN.load(Ordering::Relaxed);
    Propagators { trace_context: bits & OF_TRACE_CONTEXT != 0, baggage: bits & OF_BAGGAGE != 0 }
}

pub(crate) fn choose(propagators: Propagators) {
    let bit = |on, bit| if on { bit } else { 0 };
    let trace_context = bit(propagators.trace_context, OF_TRACE_CONTEXT);
    CHOSEN.store(trace_context | bit(propagators.baggage, OF_BAGGAGE), Ordering::Relaxed);
}

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";

/// Hands over each header of a context: none for a root without baggage.
pub(crate) fn inject(parent: &Parent, which: Propagators, set: &mut dyn FnMut(&str, &str)) {
    if which.trace_context && parent.has_span() {
        set(TRACEPARENT, traceparent::write(parent, &mut [0; traceparent::LENGTH]));
        let trace_state = parent.trace_state();
        if !trace_state.is_empty() {
            set(TRACESTATE, trace_state);
        }
    }
    if which.baggage && !parent.entries().is_empty() {
        set(BAGGAGE, &baggage::write(parent.entries()));
    }
}

/// Reads a context; without a valid `traceparent` it is a root, which may still have baggage.
pub(crate) fn extract(which: Propagators, carrier: &(impl Extract + ?Sized)) -> Parent {
    let mut extra = Extra::default();
    let mut parent = Parent::root();
    if which.trace_context {
        if let Some(remote) = remote(carrier) {
            parent = remote;
            let mut lines = tracestate::Lines::default();
            carrier.each(TRACESTATE, &mut |line| lines.add(line));
            extra.trace_state = lines.finish();
        }
    }
    if which.baggage {
        let mut lines = baggage::Lines::default();
        carrier.each(BAGGAGE, &mut |line| lines.add(line));
        extra.baggage = lines.finish();
    }
    if extra != Extra::default() {
        parent.extra = Some(Arc::new(extra));
    }
    parent
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

    const ALL: Propagators = Propagators { trace_context: true, baggage: true };
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
            (Propagators { baggage: false, ..ALL }, &["traceparent", "tracestate"][..]),
            (Propagators { trace_context: false, ..ALL }, &["baggage"]),
            (Propagators { trace_context: false, baggage: false }, &[]),
        ] {
            assert_eq!(names(&all, which), expected);
            assert_eq!(names(&extract(which, &headers), ALL), expected);
        }
        assert!(names(&Parent::root(), ALL).is_empty());
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
