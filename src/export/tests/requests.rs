//! What goes over the wire, and over how many connections.

use http::{HeaderName, HeaderValue};

use super::super::Outcome;
use super::super::http::HttpExporter;
use super::collector::{Collector, Received, Step};
use super::{AMPLE, delivered, frame, outcomes, plan, run};
use crate::config::plan::{Coding, OtlpPlan};

const OUR_AGENT: &str = concat!("trackside/", env!("CARGO_PKG_VERSION"));

fn with_headers(url: &str, headers: &[(&'static str, &'static str)]) -> OtlpPlan {
    let header = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    OtlpPlan { headers: headers.iter().map(header).collect(), ..plan(url) }
}

/// The one request that `plan` makes of `body`.
fn request(collector: &Collector, plan: &OtlpPlan, body: Vec<u8>) -> Received {
    let seen = collector.requests().len();
    run(async || {
        let mut exporter = HttpExporter::new(plan, None);
        assert_eq!(exporter.send(&frame(body)).await, delivered());
    });
    let mut requests = collector.requests();
    assert_eq!(requests.len(), seen + 1);
    requests.pop().unwrap()
}

#[test]
fn one_connection_carries_all_frames() {
    let collector = Collector::start();
    assert_eq!(outcomes(&plan(&collector.url()), 20), vec![delivered(); 20]);
    let requests = collector.requests();
    assert_eq!(requests.len(), 20);
    assert!(requests.iter().all(|request| request.connection == 1));
}

#[test]
fn a_connection_that_the_peer_closed_is_replaced_at_once() {
    let announced = Step::Answer {
        status: 200,
        headers: vec![("Connection", "close".to_owned())],
        body: Vec::new(),
    };
    for answered in [Step::status(200), Step::status(503), announced] {
        let collector = Collector::start();
        collector.script(vec![Step::ThenClose(Box::new(answered))]);
        run(async || {
            let mut exporter = HttpExporter::new(&plan(&collector.url()), None);
            exporter.send(&frame("first")).await;
            collector.wait_for_closed(1, AMPLE);
            assert_eq!(exporter.send(&frame("second")).await, delivered());
            assert_eq!(exporter.send(&frame("third")).await, delivered());
        });
        let requests = collector.requests();
        let connections: Vec<_> = requests.iter().map(|request| request.connection).collect();
        assert_eq!(connections, [1, 2, 2]);
    }
}

#[test]
fn each_header_is_sent_once() {
    let collector = Collector::start();
    let plain = request(&collector, &plan(&collector.url()), vec![1]);
    let host = collector.url().replace("http://", "");
    assert_eq!(plain.method, "POST");
    assert_eq!(plain.header("host"), [host.as_str()]);
    assert_eq!(plain.header("content-type"), ["application/x-protobuf"]);
    assert_eq!(plain.header("user-agent"), [OUR_AGENT]);
    assert_eq!(plain.headers.len(), 4, "and the length: {:?}", plain.headers);

    let own = [
        ("user-agent", "host/1"),
        ("host", "collector.example"),
        ("content-type", "application/x-test"),
        ("content-length", "5"),
        ("content-encoding", "identity"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
        ("authorization", "Bearer token"),
        ("x-tenant", "first"),
        ("x-tenant", "second"),
    ];
    let own = request(&collector, &with_headers(&collector.url(), &own), vec![1; 3]);
    assert_eq!(own.header("user-agent"), ["host/1"]);
    assert_eq!(own.header("host"), ["collector.example"]);
    assert_eq!(own.header("content-type"), ["application/x-test"]);
    assert_eq!(own.header("authorization"), ["Bearer token"]);
    assert_eq!(own.header("x-tenant"), ["second"]);
    assert_eq!((own.raw_length, own.headers.len()), (3, 6), "{:?}", own.headers);
}

#[test]
fn the_path_is_sent_as_it_stands() {
    let collector = Collector::start();
    let paths = ["/v1/traces", "/", "/a//b/../%7Euser/v1/traces/", "/v1/traces?key=a%20b&c"];
    for path in paths {
        let url = format!("{}{path}", collector.url()).parse().unwrap();
        let plan = OtlpPlan { url, ..plan("http://unused") };
        assert_eq!(request(&collector, &plan, vec![1]).path, path);
    }
}

#[test]
fn userinfo_of_the_url_is_not_sent() {
    let collector = Collector::start();
    let host = collector.url().replace("http://", "");
    let plan = plan(&format!("http://user:secret@{host}"));
    let sent = request(&collector, &plan, vec![1]);
    assert_eq!(sent.header("host"), [host.as_str()]);
    assert!(sent.headers.iter().all(|(_, value)| !value.contains("secret")));
}

#[test]
fn a_header_that_the_peer_repeats_is_masked() {
    let collector = Collector::start();
    let echo = |status, text: &str| Step::Answer {
        status,
        headers: Vec::new(),
        body: text.as_bytes().to_vec(),
    };
    collector.script(vec![
        echo(401, "unknown token s3cret-t0ken, s3cret-t0ken!"),
        echo(503, "not for Bearer s3cret-t0ken"),
        echo(200, "\x0a\x0f\x12\x0ds3cret-t0ken!"),
    ]);
    let plan = with_headers(&collector.url(), &[("authorization", "Bearer s3cret-t0ken")]);
    let shown = format!("{:?}", outcomes(&plan, 3));
    assert!(!shown.contains("s3cret-t0ken"), "{shown}");
    for expected in ["token ************, ************!", "Bearer *", "message: Some(\"*******"] {
        assert!(shown.contains(expected), "{shown}");
    }
}

#[test]
fn bodies_are_compressed_from_1024_bytes() {
    let collector = Collector::start();
    for (gzip, length, encoded) in
        [(true, 0, false), (true, 1023, false), (true, 1024, true), (false, 1024, false)]
    {
        let coding = if gzip { Coding::Gzip } else { Coding::Identity };
        let plan = OtlpPlan { coding, ..plan(&collector.url()) };
        let body: Vec<u8> = (0..length).map(|n| (n / 7) as u8).collect();
        let sent = request(&collector, &plan, body.clone());
        assert_eq!(sent.body, body, "{length}");
        let encoding: &[&str] = if encoded { &["gzip"] } else { &[] };
        assert_eq!(sent.header("content-encoding"), encoding, "{length}");
        assert_eq!(sent.raw_length < body.len(), encoded, "{length}");
    }
}

#[test]
fn a_body_over_64_mib_is_not_sent() {
    let collector = Collector::start();
    let limit = 64 * 1024 * 1024;
    run(async || {
        let mut exporter = HttpExporter::new(&plan(&collector.url()), None);
        assert_eq!(exporter.send(&frame(vec![0; limit])).await, delivered());
        match exporter.send(&frame(vec![0; limit + 1])).await {
            Outcome::TooLarge { error } => assert!(error.contains("67108865 bytes"), "{error}"),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(collector.requests().len(), 1);
}
