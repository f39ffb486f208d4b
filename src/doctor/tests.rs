//! Each trouble has a cause and a sentence of its own.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use super::{Cause, Examination, examine};
use crate::export::tests::collector::{Collector, Step};
use crate::receive::{Receiver, Sink};
use crate::telemetry::TelemetryConfig;
use crate::testing::with_variables;

const WITHIN: Duration = Duration::from_secs(20);

fn at(endpoint: &str) -> Examination {
    examine(&with_variables(TelemetryConfig::default().with_endpoint(endpoint), &[]), WITHIN)
        .unwrap()
}

/// The one cause of all three signals, and their sentence.
#[track_caller]
fn only(examination: &Examination) -> (Cause, String) {
    let found = examination.findings();
    assert_eq!(
        found.iter().map(|one| one.signal).collect::<Vec<_>>(),
        ["traces", "metrics", "logs"]
    );
    let causes: BTreeSet<_> = found.iter().map(|one| one.cause.name()).collect();
    assert_eq!(causes.len(), 1, "{examination}");
    assert_eq!(examination.is_healthy(), found[0].cause == Cause::Arrived, "{examination}");
    (found[0].cause, found[0].sentence.clone())
}

/// A collector that answers every request with this status.
fn answering(status: u16) -> Collector {
    let collector = Collector::start();
    collector.script(vec![Step::status(status); 3]);
    collector
}

/// Whoever connects is told this, and then listened to until it goes.
fn telling(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let _ = stream.write_all(bytes);
                let _ = stream.read(&mut [0; 1024]);
            });
        }
    });
    address.to_string()
}

/// Settings, as a server of gRPC begins.
const SETTINGS: &[u8] = b"\0\0\x06\x04\0\0\0\0\0\0\x05\0\0\x40\0";

#[test]
fn a_healthy_collector() {
    let collector = Collector::start();
    assert_eq!(only(&at(&collector.url())), (Cause::Arrived, "arrived".to_owned()));
    let mut paths: Vec<_> = collector.requests().into_iter().map(|request| request.path).collect();
    paths.sort();
    assert_eq!(paths, ["/v1/logs", "/v1/metrics", "/v1/traces"]);
    assert_eq!(collector.spans()[0].name, "trackside.doctor");
}

#[test]
fn a_healthy_receiver_and_one_that_wants_a_token() {
    let collector = Collector::start();
    let sink = || Sink::forward(&collector.url());
    let open = Receiver::builder().listen("127.0.0.1:0").sink(sink()).threads(1).start().unwrap();
    assert_eq!(only(&at(&open.addresses()[0].to_string())).0, Cause::Arrived);
    open.shutdown(WITHIN).unwrap();

    let locked = Receiver::builder().listen("127.0.0.1:0").sink(sink()).token("right-token");
    let locked = locked.threads(1).start().unwrap();
    let endpoint = locked.addresses()[0].to_string();
    let with = |token: &str| {
        let config = TelemetryConfig::default().with_endpoint(&endpoint);
        let config = config.with_header("authorization", &format!("Bearer {token}"));
        examine(&with_variables(config, &[]), WITHIN).unwrap()
    };
    assert_eq!(only(&with("right-token")).0, Cause::Arrived);
    let examination = with("wrong-token");
    let (cause, sentence) = only(&examination);
    assert_eq!(cause, Cause::Unauthorized, "{sentence}");
    assert!(sentence.starts_with("it does not take the token: "), "{sentence}");
    assert!(!examination.to_json().contains("wrong-token"), "no secret is shown");
    locked.shutdown(WITHIN).unwrap();
}

#[test]
fn each_trouble_has_its_own_sentence() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    let (missing, locked) = (answering(404), answering(401));
    let (moved, busy) = (answering(301), answering(503));
    let refusing = answering(400);
    let grpc = telling(SETTINGS);
    let http = Collector::start();
    let http = http.url().replace("http://", "");
    let table = [
        (
            format!("http://{nobody}"),
            Cause::NothingListens,
            "nothing listens there: start the collector",
        ),
        (
            missing.url(),
            Cause::Path,
            "there is no OTLP at this path: OTEL_EXPORTER_OTLP_ENDPOINT is a base",
        ),
        (moved.url(), Cause::Path, "answered 301"),
        (
            locked.url(),
            Cause::Unauthorized,
            "it wants other credentials: set OTEL_EXPORTER_OTLP_HEADERS",
        ),
        (busy.url(), Cause::Busy, "it takes nothing just now"),
        (refusing.url(), Cause::Refused, "it refused the request"),
        (
            format!("http://{grpc}"),
            Cause::SpeaksGrpc,
            "it speaks gRPC, and was sent OTLP over HTTP/1.1",
        ),
        (format!("capnp://{grpc}"), Cause::SpeaksGrpc, "it speaks gRPC, and was sent Cap'n Proto"),
        (
            format!("http://{}", telling(b"\x15\x03\x01\0\x02\x02\x46")),
            Cause::SpeaksTls,
            "it speaks TLS",
        ),
        (
            format!("http://{}", telling(b"SSH-2.0-OpenSSH_9.6\r\n")),
            Cause::SpeaksOther,
            "does not speak HTTP",
        ),
        (format!("capnp://{nobody}"), Cause::NothingListens, "nothing listens there"),
        (format!("capnp://{http}"), Cause::SpeaksHttp, "write it as http://"),
        (
            "http://host.invalid:4318".to_owned(),
            Cause::Name,
            "does not resolve: correct \"host.invalid\"",
        ),
    ];
    for (endpoint, cause, words) in table {
        let examination = at(&endpoint);
        let found = only(&examination);
        assert_eq!(found.0, cause, "{endpoint}: {examination}");
        assert!(found.1.contains(words), "{endpoint}: {}", found.1);
    }
}

#[test]
fn a_peer_that_never_answers_has_its_time_and_no_more() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let config = TelemetryConfig::default();
    let config = config.with_endpoint(&format!("http://{}", silent.local_addr().unwrap()));
    let examination = examine(&with_variables(config, &[]), Duration::from_millis(200)).unwrap();
    assert_eq!(only(&examination).0, Cause::Timeout, "{examination}");
}

#[test]
fn what_is_off_is_said_and_is_a_fault_where_it_was_not_asked_for() {
    let look = |variables: &[(&str, &str)]| {
        let config = with_variables(TelemetryConfig::default(), variables);
        let examination = examine(&config, WITHIN).unwrap();
        let causes: Vec<_> = examination.findings().iter().map(|one| one.cause).collect();
        (examination.is_healthy(), causes)
    };
    assert_eq!(look(&[]), (false, vec![Cause::Off; 3]), "nothing is sent anywhere");
    let collector = Collector::start();
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url());
    let off = [endpoint, ("OTEL_LOGS_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "console")];
    assert_eq!(look(&off), (true, vec![Cause::Arrived, Cause::NotTried, Cause::Off]));
    let wrong = [endpoint, ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "carrier/pigeon")];
    assert_eq!(look(&wrong), (false, vec![Cause::Arrived, Cause::Arrived, Cause::Unusable]));
}

#[test]
fn the_json_is_one_object() {
    let collector = Collector::start();
    let json: serde_json::Value = serde_json::from_str(&at(&collector.url()).to_json()).unwrap();
    assert_eq!(json["healthy"], true);
    assert_eq!(json["findings"][0]["cause"], "arrived");
    assert_eq!(json["findings"][0]["arrived"], true);
    assert!(json["settings"].as_array().unwrap().len() > 10);
    assert_eq!(json["diagnostics"], serde_json::json!([]));
}
