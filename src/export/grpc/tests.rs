//! The exporter against a collector that misbehaves.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;

use self::collector::{Collector, Step};
use super::super::client::Carrier as _;
use super::super::tests::{AMPLE, delivered, frame, plan as http_plan, run};
use super::super::{Frame, Outcome, zstd};
use super::GrpcExporter;
use crate::config::plan::{Coding, OtlpPlan, Protocol};

#[path = "../../../tests/support/grpc.rs"]
pub(crate) mod collector;

const SERVICE: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

fn plan(url: &str) -> OtlpPlan {
    let url = format!("{url}{SERVICE}").parse().unwrap();
    OtlpPlan { url, protocol: Protocol::Grpc, ..http_plan("http://unused") }
}

/// What one exporter makes of each of `count` frames in turn.
fn outcomes(plan: &OtlpPlan, count: usize) -> Vec<Outcome> {
    run(async || {
        let mut exporter = GrpcExporter::new(plan, None);
        let mut outcomes = Vec::new();
        for _ in 0..count {
            outcomes.push(exporter.send(&frame("some spans")).await);
        }
        outcomes
    })
}

#[test]
fn a_call_is_as_grpc_has_it_and_one_connection_carries_all() {
    let collector = Collector::start();
    let headers = [
        ("authorization", "Bearer token"),
        ("x-tenant", "first"),
        ("x-tenant", "second"),
        ("te", "gzip"),
        ("grpc-timeout", "1n"),
        ("user-agent", "host/1"),
        ("host", "elsewhere"),
    ];
    let headers = headers
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let plan = OtlpPlan { headers: headers.to_vec(), ..plan(&collector.url()) };
    assert_eq!(outcomes(&plan, 20), vec![delivered(); 20]);
    let requests = collector.requests();
    assert_eq!((requests.len(), collector.connections()), (20, 1));
    let call = &requests[0];
    assert_eq!((call.path.as_str(), call.body.as_slice()), (SERVICE, &b"some spans"[..]));
    assert_eq!(call.authority, collector.address().to_string());
    assert_eq!(call.header("content-type"), ["application/grpc"]);
    assert_eq!(call.header("te"), ["trailers"]);
    assert_eq!(call.header("authorization"), ["Bearer token"]);
    assert_eq!(call.header("x-tenant"), ["second"]);
    assert_eq!(call.header("user-agent"), ["host/1"]);
    assert_eq!(call.header("grpc-encoding"), [""; 0]);
    let timeout = call.header("grpc-timeout")[0].strip_suffix('m').unwrap().parse::<u64>();
    assert!((1..=20_000).contains(&timeout.unwrap()), "{call:?}");
    assert!(call.header("host").is_empty());
}

#[test]
fn a_status_decides_what_becomes_of_a_frame() {
    let table = [
        (0, "delivered"),
        (1, "retry, perhaps sent"),
        (2, "refused"),
        (3, "refused"),
        (4, "retry, perhaps sent"),
        (5, "refused"),
        (6, "refused"),
        (7, "refused"),
        (8, "refused"),
        (9, "refused"),
        (10, "retry, perhaps sent"),
        (11, "retry, perhaps sent"),
        (12, "refused"),
        (13, "refused"),
        (14, "retry"),
        (15, "retry, perhaps sent"),
        (16, "refused"),
        (99, "refused"),
    ];
    // In the head of the answer, and behind it.
    for is_trailing in [false, true] {
        let collector = Collector::start();
        let steps = table.iter().map(|(code, _)| match is_trailing {
            true => Step::Trailing(*code, "some%20words".to_owned()),
            false => Step::Status(*code, "some%20words".to_owned(), None),
        });
        collector.script(steps.collect());
        let outcomes = outcomes(&plan(&collector.url()), table.len());
        for ((code, expected), outcome) in table.into_iter().zip(outcomes) {
            let (found, error) = match outcome {
                Outcome::Delivered { rejected: 0, message: None } => ("delivered", None),
                Outcome::Retry { error, after: None, sent: false } => ("retry", Some(error)),
                Outcome::Retry { error, after: None, sent: true } => {
                    ("retry, perhaps sent", Some(error))
                }
                Outcome::Refused { error } => ("refused", Some(error)),
                other => panic!("{code}: {other:?}"),
            };
            assert_eq!(found, expected, "{code}");
            if let Some(error) = error {
                let start = format!("{}: answered ", collector.address());
                assert!(error.starts_with(&start) && error.ends_with(": some words"), "{error}");
            }
        }
        assert_eq!((collector.requests().len(), collector.connections()), (table.len(), 1));
    }
}

#[test]
fn a_pause_is_what_the_peer_asks_for() {
    // RetryInfo of 7 s and of 1000 s in a google.rpc.Status.
    let details = |seconds: &[u8]| {
        let block = |tag: u8, inside: &[u8]| {
            [&[tag, u8::try_from(inside.len()).unwrap()][..], inside].concat()
        };
        let duration = block(0x0a, &[&[8][..], seconds].concat());
        let url = block(0x0a, b"type.googleapis.com/google.rpc.RetryInfo");
        let status = block(0x1a, &[url, block(0x12, &duration)].concat());
        let mut writer = crate::encode::json::Writer::default();
        writer.base64(&status);
        let quoted = String::from_utf8(writer.take().to_vec()).unwrap();
        quoted.trim_matches('"').to_owned()
    };
    let collector = Collector::start();
    let step = |code, seconds: &[u8]| Step::Status(code, String::new(), Some(details(seconds)));
    collector.script(vec![
        step(8, &[7]),
        step(14, &[7]),
        step(14, &[0xe8, 7]),
        step(8, &[0]),
        step(3, &[7]),
    ]);
    let mut outcomes = outcomes(&plan(&collector.url()), 5).into_iter();
    let mut after = || match outcomes.next() {
        Some(Outcome::Retry { after, sent: false, error }) => (after, error),
        other => panic!("{other:?}"),
    };
    assert_eq!(after().0, Some(Duration::from_secs(7)));
    assert_eq!(after().0, Some(Duration::from_secs(7)));
    let (capped, error) = after();
    assert_eq!(capped, Some(Duration::from_secs(300)));
    assert!(error.contains("asked for a pause of 1000 s, gets 300 s"), "{error}");
    assert_eq!(after().0, None, "at once is left to the own policy");
    assert!(matches!(outcomes.next(), Some(Outcome::Refused { .. })), "a pause makes no retry");
}

#[test]
fn partial_success_is_read_also_compressed() {
    let partial = |rejected_spans, error_message: &str| {
        let error_message = error_message.to_owned();
        let partial_success = Some(ExportTracePartialSuccess { rejected_spans, error_message });
        ExportTraceServiceResponse { partial_success }.encode_to_vec()
    };
    let long = partial(2, &"word ".repeat(1000));
    let gzipped = super::super::gzip::Gzip::new().compress(&long).unwrap();
    let mut steps = vec![
        (Step::Message(partial(3, "no thanks")), 3, Some("no thanks")),
        (Step::Message(partial(0, "careful")), 0, Some("careful")),
        (Step::Message(partial(11, "")), 10, None),
        (Step::Message(partial(-1, "")), 0, None),
        (Step::Message(vec![0xff; 1000]), 0, None),
        (Step::Encoded("gzip", gzipped.to_vec()), 2, Some("word")),
        (Step::Encoded("gzip", b"no gzip".to_vec()), 0, None),
        (Step::Encoded("snappy", vec![1]), 0, None),
    ];
    if let Some(compressed) = zstd::compress(&long, &[]) {
        steps.push((Step::Encoded("zstd", compressed), 2, Some("word")));
    }
    let collector = Collector::start();
    collector.script(steps.iter().map(|(step, ..)| step.clone()).collect());
    let outcomes = outcomes(&plan(&collector.url()), steps.len());
    for ((step, rejected, start), outcome) in steps.into_iter().zip(outcomes) {
        let Outcome::Delivered { rejected: found, message } = outcome else { panic!("{step:?}") };
        assert_eq!(found, rejected, "{step:?}");
        assert_eq!(message.is_some(), start.is_some(), "{step:?}");
        assert!(message.unwrap_or_default().starts_with(start.unwrap_or_default()), "{step:?}");
    }
}

#[test]
fn bodies_are_compressed_from_1024_bytes() {
    let collector = Collector::start();
    let all = [Coding::Identity, Coding::Gzip, Coding::Zstd];
    for coding in all.into_iter().filter(|coding| *coding != Coding::Zstd || zstd::SUPPORTED) {
        for length in [0_u32, 1023, 1024, 300_000] {
            let plan = OtlpPlan { coding, ..plan(&collector.url()) };
            let body: Vec<u8> = (0..length).map(|n| (n / 7) as u8).collect();
            run(async || {
                let mut exporter = GrpcExporter::new(&plan, None);
                assert_eq!(exporter.send(&frame(body.clone())).await, delivered());
            });
            let sent = collector.requests().pop().unwrap();
            assert_eq!(sent.body, body, "{coding} {length}");
            let is_compressed = coding != Coding::Identity && length >= 1024;
            assert_eq!(sent.is_compressed, is_compressed, "{coding} {length}");
            assert_eq!(sent.raw_length < body.len(), is_compressed, "{coding} {length}");
        }
    }
}

#[test]
fn a_broken_transport_is_tried_again() {
    let table = [
        (Step::Cut, true, 2),
        (Step::CutAnswer, true, 2),
        (Step::ResetStream, true, 2),
        (Step::Http(502), true, 1),
        (Step::Http(504), true, 1),
        (Step::Http(503), false, 1),
        (Step::Http(429), false, 1),
    ];
    for (step, perhaps, connections) in table {
        let collector = Collector::start();
        collector.script(vec![step.clone()]);
        run(async || {
            let mut exporter = GrpcExporter::new(&plan(&collector.url()), None);
            let spans = frame(vec![1; 100_000]);
            match exporter.send(&spans).await {
                Outcome::Retry { after: None, sent, error } => {
                    assert_eq!(sent, perhaps, "{step:?}");
                    assert!(error.starts_with("127.0.0.1:"), "{step:?}: {error}");
                }
                other => panic!("{step:?}: {other:?}"),
            }
            assert_eq!(exporter.send(&spans).await, delivered(), "{step:?}");
        });
        assert_eq!(collector.connections(), connections, "{step:?}");
        assert_eq!(collector.requests().last().unwrap().body, vec![1; 100_000], "{step:?}");
    }
}

#[test]
fn what_the_peer_has_not_looked_at_goes_again_at_once_or_was_never_sent() {
    let collector = Collector::start();
    collector.script(vec![Step::RefuseStream, Step::Message(Vec::new()), Step::RefuseStream]);
    run(async || {
        let mut exporter = GrpcExporter::new(&plan(&collector.url()), None);
        // Over a new connection there is no other to try.
        let Outcome::Retry { sent: false, .. } = exporter.send(&frame("first")).await else {
            panic!()
        };
        assert_eq!(exporter.send(&frame("second")).await, delivered());
        assert_eq!(exporter.send(&frame("third")).await, delivered());
    });
    assert_eq!(collector.requests().len(), 4);
}

#[test]
fn a_peer_that_said_farewell_is_called_anew() {
    let collector = Collector::start();
    collector.script(vec![Step::GoAway, Step::GoAway]);
    run(async || {
        let mut exporter = GrpcExporter::new(&plan(&collector.url()), None);
        for number in 1..=3 {
            assert_eq!(exporter.send(&frame("spans")).await, delivered());
            let end = Instant::now() + AMPLE;
            while number < 3 && collector.ended() < number {
                assert!(Instant::now() < end, "the connection stays");
                // The farewell is answered by whoever drives the connection: the next attempt, or its end.
                let kept = exporter.connection();
                if let Some(connection) = kept {
                    if !connection.is_ready().await {
                        *kept = None;
                    }
                }
            }
        }
    });
    let connections: Vec<_> = collector.requests().iter().map(|one| one.connection).collect();
    assert_eq!(connections, [1, 2, 3]);
}

#[test]
fn a_message_that_is_too_large_for_the_peer_is_said_to_be() {
    let words = "grpc: received message larger than max (33554432 vs. 4194304)";
    let collector = Collector::start();
    collector.script(vec![Step::Unread(8, words.replace(' ', "%20"))]);
    run(async || {
        let mut exporter = GrpcExporter::new(&plan(&collector.url()), None);
        match exporter.send(&frame(vec![1; 32 * 1024 * 1024])).await {
            Outcome::TooLarge { error } => assert!(error.contains("RESOURCE_EXHAUSTED"), "{error}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(exporter.send(&frame("next")).await, delivered());
        let large = frame(Bytes::from(vec![0; 64 * 1024 * 1024 + 1]));
        let Outcome::TooLarge { error } = exporter.send(&large).await else { panic!() };
        assert!(error.contains("67108865 bytes"), "{error}");
    });
}

#[test]
fn something_that_is_no_grpc_is_refused() {
    let collector = Collector::start();
    collector.script(vec![Step::Http(404), Step::Http(200), Step::Http(401)]);
    for (outcome, words) in outcomes(&plan(&collector.url()), 3).into_iter().zip([
        "answered 404 Not Found, which is no gRPC",
        "answered 200 OK, which is no gRPC",
        "answered 401 Unauthorized, which is no gRPC",
    ]) {
        let Outcome::Refused { error } = outcome else { panic!("{outcome:?}") };
        assert!(error.ends_with(words), "{error}");
    }
}

#[test]
fn a_port_of_http_1_is_known_before_anything_is_sent() {
    let http = super::super::tests::collector::Collector::start();
    let spans: Frame = frame("some spans");
    run(async || {
        let plan = OtlpPlan { timeout: Some(Duration::from_secs(2)), ..plan(&http.url()) };
        let mut exporter = GrpcExporter::new(&plan, None);
        match exporter.send(&spans).await {
            Outcome::Retry { error, sent: false, .. } => {
                assert!(error.contains("no HTTP/2") || error.contains("no connection"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    });
    assert!(!spans.is_sent());
}

#[test]
fn the_shorter_limit_ends_an_attempt() {
    let limit = Duration::from_millis(300);
    for (timeout, attempt_limit) in [(Some(limit), Some(AMPLE)), (None, Some(limit))] {
        let collector = Collector::start();
        collector.script(vec![Step::NeverAnswer]);
        let plan = OtlpPlan { timeout, ..plan(&collector.url()) };
        run(async || {
            let mut exporter = GrpcExporter::new(&plan, attempt_limit);
            let begin = Instant::now();
            match exporter.send(&frame("spans")).await {
                Outcome::Retry { error, sent: true, .. } => {
                    assert!(error.ends_with("no answer within 300ms"), "{error}");
                }
                other => panic!("{other:?}"),
            }
            assert!(begin.elapsed() >= limit && begin.elapsed() < AMPLE / 2);
            assert_eq!(exporter.send(&frame("next")).await, delivered());
        });
        assert_eq!(collector.connections(), 2);
    }
}

#[test]
fn a_refused_connection_says_so_and_sends_nothing() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = outcomes(&plan(&format!("http://{address}")), 1).remove(0);
    let Outcome::Retry { error, after: None, sent: false } = outcome else { panic!() };
    let expected = format!("{address}: cannot connect to {address}: Connection refused");
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn a_header_that_the_peer_repeats_is_masked() {
    let collector = Collector::start();
    let words = "unknown%20token%20s3cret-t0ken".to_owned();
    collector.script(vec![
        Step::Status(16, words.clone(), None),
        Step::Trailing(14, words),
        Step::Message(b"\x0a\x0f\x12\x0ds3cret-t0ken!".to_vec()),
    ]);
    let value = HeaderValue::from_static("Bearer s3cret-t0ken");
    let headers = vec![(HeaderName::from_static("authorization"), value)];
    let plan = OtlpPlan { headers, ..plan(&collector.url()) };
    let shown = format!("{:?}", outcomes(&plan, 3));
    assert!(!shown.contains("s3cret-t0ken"), "{shown}");
    assert_eq!(shown.matches("************").count(), 3, "{shown}");
}
