//! The carriers: names in any case, one value after a set, and every line when reading.

use std::collections::{BTreeMap, HashMap};

use trackside::telemetry::{Extract, Inject};

type Headers = Vec<(String, String)>;

fn owned<T: FromIterator<(String, String)>>(headers: &[(&str, &str)]) -> T {
    headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn each(carrier: &(impl Extract + ?Sized), name: &str) -> Vec<String> {
    let mut values = Vec::new();
    carrier.each(name, &mut |value| values.push(value.to_owned()));
    values
}

/// What holds for every carrier, whatever it starts with.
fn behaves<T: Inject + Extract>(mut carrier: T) {
    assert_eq!(carrier.get("traceparent"), None);
    assert!(each(&carrier, "traceparent").is_empty());

    carrier.set("TraceParent", "1");
    carrier.set("tracestate", "a=1");
    for name in ["TraceParent", "traceparent", "TRACEPARENT"] {
        assert_eq!(carrier.get(name), Some("1"));
        assert_eq!(each(&carrier, name), ["1"]);
    }

    carrier.set("traceparent", "2");
    assert_eq!(each(&carrier, "traceparent"), ["2"]);
    assert_eq!(each(&carrier, "TRACEPARENT"), ["2"]);
    assert_eq!(carrier.get("tracestate"), Some("a=1"));
    assert_eq!(carrier.get("trace-parent"), None);

    carrier.set("traceparent", "");
    assert_eq!(carrier.get("TraceParent"), Some(""));
}

#[test]
fn every_carrier_behaves() {
    behaves(Headers::new());
    behaves(HashMap::<String, String>::new());
    behaves(BTreeMap::<String, String>::new());
    behaves(owned::<Headers>(&[("Host", "x"), ("host", "y")]));
    behaves(owned::<HashMap<_, _>>(&[("Host", "x"), ("Accept", "y")]));
    behaves(owned::<BTreeMap<_, _>>(&[("Host", "x"), ("Accept", "y")]));
}

#[test]
fn a_vec_yields_every_line_in_order() {
    let carrier: Headers = owned(&[
        ("tracestate", "a=1"),
        ("other", "x"),
        ("TraceState", "b=2"),
        ("TRACESTATE", "c=3"),
    ]);
    assert_eq!(carrier.get("tracestate"), Some("a=1"));
    assert_eq!(each(&carrier, "tracestate"), ["a=1", "b=2", "c=3"]);
}

#[test]
fn a_set_leaves_one_value_in_its_place() {
    let mut carrier: Headers =
        owned(&[("a", "0"), ("TraceParent", "1"), ("b", "0"), ("traceparent", "2"), ("c", "0")]);
    carrier.set("traceparent", "3");
    assert_eq!(
        carrier,
        owned::<Headers>(&[("a", "0"), ("TraceParent", "3"), ("b", "0"), ("c", "0")])
    );
}

#[test]
fn a_map_yields_and_replaces_every_spelling() {
    fn check<T: Inject + Extract>(mut carrier: T) {
        assert_eq!(carrier.get("traceparent"), Some("2"), "the exact name comes first");
        let mut values = each(&carrier, "traceparent");
        values.sort();
        assert_eq!(values, ["1", "2"]);
        carrier.set("traceparent", "3");
        assert_eq!(each(&carrier, "traceparent"), ["3"]);
    }
    let headers = [("TraceParent", "1"), ("traceparent", "2")];
    check(owned::<HashMap<_, _>>(&headers));
    check(owned::<BTreeMap<_, _>>(&headers));
}

#[test]
fn carriers_work_behind_a_reference_to_the_trait() {
    let mut carrier = Headers::new();
    let inject: &mut dyn Inject = &mut carrier;
    inject.set("baggage", "k=v");
    let extract: &dyn Extract = &carrier;
    assert_eq!(each(extract, "Baggage"), ["k=v"]);
}

#[test]
fn a_carrier_with_get_alone_yields_its_one_value() {
    struct One;
    impl Extract for One {
        fn get(&self, name: &str) -> Option<&str> {
            (name == "baggage").then_some("k=v")
        }
    }
    assert_eq!(each(&One, "baggage"), ["k=v"]);
    assert!(each(&One, "tracestate").is_empty());
}

#[cfg(feature = "http")]
mod http_headers {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{Extract, Inject, behaves, each};

    #[test]
    fn a_header_map_behaves() {
        behaves(HeaderMap::new());
    }

    #[test]
    fn a_header_map_yields_every_visible_line() {
        let mut carrier = HeaderMap::new();
        carrier.append("tracestate", HeaderValue::from_bytes(b"\xff").expect("opaque bytes"));
        carrier.append("tracestate", HeaderValue::from_static("a=1"));
        carrier.append("tracestate", HeaderValue::from_static("b=2"));
        assert_eq!(carrier.get("tracestate").map(HeaderValue::as_bytes), Some(&b"\xff"[..]));
        assert_eq!(Extract::get(&carrier, "TraceState"), Some("a=1"));
        assert_eq!(each(&carrier, "tracestate"), ["a=1", "b=2"]);

        carrier.set("tracestate", "c=3");
        assert_eq!(carrier.get_all("tracestate").iter().count(), 1);
    }

    #[test]
    fn what_http_forbids_is_ignored() {
        let mut carrier = HeaderMap::new();
        for (name, value) in
            [("", "v"), ("a b", "v"), ("é", "v"), ("name", "line\nline"), ("n", "\0")]
        {
            carrier.set(name, value);
            assert_eq!(Extract::get(&carrier, name), None, "{name:?}");
        }
        assert!(carrier.is_empty());
    }

    #[test]
    fn a_full_map_does_not_panic() {
        let mut carrier = HeaderMap::new();
        let name = |n: usize| HeaderName::try_from(format!("x-{n}")).expect("a valid name");
        let full =
            (0..).find(|n| carrier.try_insert(name(*n), HeaderValue::from_static("v")).is_err());
        assert!(full.is_some());
        carrier.set("traceparent", "1");
        assert_eq!(Extract::get(&carrier, "traceparent"), None);
    }
}
