//! What people get wrong about Cap'n Proto: a clear sentence at both ends, nothing panics, nothing is lost
//! without being counted. What no exporter of ours sends is in `src/receive/tests/bad_input.rs`.

#![cfg(all(feature = "telemetry", feature = "receive"))]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use support::collector::Collector;
use support::{SOON, assert_conserved, config, receiver, record, serial, start, wait_until};
use trackside::receive::{Receiver, Sink};
use trackside::telemetry::{self, Signal};

/// Endpoints of exporters, and what is said of them; `tests/no_tls.rs` has those of TLS.
const ENDPOINTS: [(&str, &str); 6] = [
    ("capnp://localhost", "the port is missing"),
    ("capnp://localhost:", "write it as capnp://host:4319"),
    ("capnp://localhost:none", "write it as capnp://host:4319"),
    ("capnp+tcp://localhost:4319", "the scheme is not known; use capnp:// or capnp+unix:"),
    ("capnp://localhost:4319/v1/traces", "Cap'n Proto has no paths; end it after the port"),
    ("capnp+unix:relative.sock", "not the absolute path of a socket"),
];

#[test]
fn an_endpoint_that_is_none_is_said_and_nothing_is_pretended() {
    let _turn = serial();
    for (endpoint, words) in ENDPOINTS {
        let telemetry = start(endpoint, &[]);
        record("work", 3);
        let said = telemetry.status().diagnostics.join("\n");
        assert!(said.contains("OTEL_EXPORTER_OTLP_ENDPOINT") && said.contains(words), "{said}");
        assert!(telemetry.report().to_string().contains(words), "{endpoint}");
        assert_eq!(assert_conserved(&telemetry).recorded, 0, "{endpoint}: spans are off");
        telemetry.shutdown(SOON).unwrap();

        let argued = telemetry::init(config(&[]).with_endpoint(endpoint));
        let error = argued.expect_err(endpoint).to_string();
        assert!(error.contains(words), "{endpoint}: {error}");
    }
}

#[test]
fn an_address_of_a_receiver_that_is_none_is_said() {
    let listening = |address: &str| Receiver::builder().listen(address).sink(Sink::console(false));
    let forwarding = |url: &str| Receiver::builder().listen("127.0.0.1:0").forward(url);
    for (builder, words) in [
        (listening("127.0.0.1"), "listen(\"127.0.0.1\"): the port is missing"),
        (listening("capnp://127.0.0.1"), "the port is missing"),
        (listening("ftp://127.0.0.1:4319"), "the scheme is not known; write 127.0.0.1:4319"),
        (listening("127.0.0.1:4319/v1/traces"), "an address has no path"),
        (listening("capnps://127.0.0.1:4319"), "TLS"),
        (forwarding("localhost"), "not a URL; write it as http://host:4318"),
        (forwarding("capnp://localhost:4319"), "by OTLP over HTTP alone; write it as http://"),
    ] {
        let error = builder.start().expect_err(words).to_string();
        assert!(error.starts_with("receiver: ") && error.contains(words), "{error}");
    }
}

/// Sends five spans to an endpoint; gives their account, and all that was said here.
fn sent_to(endpoint: &str, variables: &[(&str, &str)], words: &str) -> (Signal, String) {
    let telemetry = start(endpoint, &[variables, &[("OTEL_BSP_SCHEDULE_DELAY", "1")]].concat());
    record("work", 5);
    let said = || format!("{:?}", telemetry.status());
    wait_until(words, || said().contains(words));
    // What would be tried again for ever is given up here, and counted.
    let _ = telemetry.shutdown(Duration::from_millis(50));
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.recorded, traces.delivered, traces.waiting), (5, 0, 0), "{traces:?}");
    (traces, said())
}

#[test]
fn a_wrong_token_or_none_is_said_at_both_ends() {
    let _turn = serial();
    let collector = Collector::start();
    let receiver = receiver::forwarding("127.0.0.1:0", &collector.url());
    let receiver = receiver.token("right-token").start().unwrap();
    let wrong = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20wrong-token");
    let endpoint = receiver::endpoint(&receiver);
    for (variables, words) in [
        (&[wrong][..], "unauthorized: the token is not one of this receiver's"),
        (
            &[],
            "unauthorized: this receiver wants a bearer token (no token was sent: set the header",
        ),
    ] {
        let (traces, said) = sent_to(&endpoint, variables, words);
        assert_eq!(traces.rejected, 5, "for good");
        assert!(!said.contains("wrong-token"), "{said}");
    }
    let said = receiver.diagnostics().join("\n");
    assert!(said.contains("127.0.0.1 was refused: unauthorized: "), "{said}");
    assert_eq!(receiver.counts().connections.unauthorized, 2);
    assert_eq!(receiver.counts().traces.announced, 0);
    receiver::end(&receiver);
}

#[test]
fn a_token_that_is_revoked_is_said_at_both_ends() {
    let _turn = serial();
    let collector = Collector::start();
    let file = std::env::temp_dir().join(format!("trackside-revoked-{}", std::process::id()));
    std::fs::write(&file, "old-token\n").unwrap();
    let receiver = receiver::forwarding("127.0.0.1:0", &collector.url());
    let receiver = receiver.token_file(&file).start().unwrap();
    let endpoint = receiver::endpoint(&receiver);
    let variables = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20old-token"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1"),
    ];
    let telemetry = start(&endpoint, &variables);
    record("before", 5);
    telemetry.force_flush(SOON).unwrap();
    std::fs::write(&file, "the-new-token\n").unwrap();
    wait_until("the session ends", || receiver.counts().connections.revoked == 1);
    record("after", 5);
    let said = || format!("{:?}", telemetry.status());
    let words = "unauthorized: the token is not one of this receiver's";
    wait_until("it is told", || said().contains(words));
    let _ = telemetry.shutdown(Duration::from_millis(50));
    let traces = assert_conserved(&telemetry);
    assert_eq!((traces.delivered, traces.rejected), (5, 5), "{traces:?}");

    let fresh = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20the-new-token");
    let telemetry = start(&endpoint, &[fresh]);
    record("anew", 5);
    telemetry.force_flush(SOON).unwrap();
    assert_eq!(assert_conserved(&telemetry).delivered, 5);
    std::fs::remove_file(&file).unwrap();
    receiver::end(&receiver);
}

#[test]
fn http_spoken_to_a_receiver_is_said_at_both_ends() {
    let _turn = serial();
    let collector = Collector::start();
    let receiver = receiver::start(&collector.url());
    let endpoint = receiver::endpoint(&receiver).replace("capnp://", "http://");
    let words =
        "This is a Cap'n Proto receiver for telemetry, not an HTTP server: set the endpoint";
    let (traces, _) = sent_to(&endpoint, &[], words);
    assert_eq!(traces.rejected, 5, "for good");
    let said = receiver.diagnostics().join("\n");
    assert!(said.contains("127.0.0.1 speaks HTTP, and was told"), "{said}");
    assert!(receiver.counts().connections.http > 0);
    receiver::end(&receiver);
}

#[test]
fn capnp_spoken_to_an_http_port_is_said() {
    let _turn = serial();
    // The port beside a receiver's own that is taken for it most easily, and an HTTP server of somebody else's.
    let receiver = receiver::forwarding("127.0.0.1:0", "http://127.0.0.1:9");
    let receiver = receiver.health("127.0.0.1:0").start().unwrap();
    let health = format!("capnp://{}", receiver.health_address().unwrap());
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let other = format!("capnp://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    for endpoint in [health, other] {
        let words = "not a Cap'n Proto receiver: it answered as HTTP does";
        let (traces, _) = sent_to(&endpoint, &[], words);
        // Tried again until the end. A small first batch follows the log-in at once, so it may have been sent.
        assert_eq!(traces.unconfirmed + traces.dropped.shutdown, 5, "{traces:?}");
    }
    receiver::end(&receiver);
}
