//! A receiver that speaks TLS: whom it lets in, what it says to the others, and certificates that change.

#![cfg(all(feature = "tls", feature = "receive"))]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use support::certificates::{Authority, Directory};
use support::collector::Collector;
use support::{SOON, assert_conserved, receiver, record, serial, start, wait_until};
use trackside::receive::{Address, Builder, Running};
use trackside::telemetry::Telemetry;

const ROOTS: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const SHOWN: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
const KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";

/// All that a receiver with TLS needs.
struct Site {
    directory: Directory,
    collector: Collector,
    roots: String,
}

impl Site {
    fn new() -> Self {
        let (directory, authority) = (Directory::new(), Authority::new("here"));
        authority.issue("localhost").write(&directory, "server");
        let roots = directory.write("ca.pem", &authority.pem);
        Self { directory, collector: Collector::start(), roots }
    }

    fn builder(&self) -> Builder {
        let [certificate, key] = ["server.pem", "server.key"].map(|name| self.directory.path(name));
        receiver::forwarding("127.0.0.1:0", &self.collector.url()).tls(certificate, key)
    }
}

fn port(receiver: &Running) -> u16 {
    match &receiver.addresses()[0] {
        Address::Tls(address) => address.port(),
        other => panic!("{other} is not TLS"),
    }
}

/// By the name that the certificate has.
fn endpoint(receiver: &Running, scheme: &str) -> String {
    format!("{scheme}://localhost:{}", port(receiver))
}

#[track_caller]
fn assert_kept(telemetry: &Telemetry, why: &[&str]) {
    assert!(telemetry.force_flush(Duration::from_millis(50)).is_err());
    wait_until("the failure", || telemetry.status().traces.last_error.is_some());
    let traces = assert_conserved(telemetry);
    assert_eq!((traces.waiting, traces.delivered), (10, 0), "{traces:#?}");
    let error = traces.last_error.expect("it is there");
    for word in why {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

#[test]
fn it_takes_what_comes_over_tls_and_ends_cleanly() {
    let _turn = serial();
    let site = Site::new();
    let receiver = site.builder().start().unwrap();
    assert!(receiver.addresses()[0].to_string().starts_with("capnps://127.0.0.1:"));
    let telemetry = start(&endpoint(&receiver, "capnps"), &[(ROOTS, &site.roots)]);
    for _ in 0..3 {
        record("work", 1000);
        telemetry.force_flush(SOON).unwrap();
    }
    assert_eq!(assert_conserved(&telemetry).delivered, 3000);
    assert_eq!(site.collector.spans().len(), 3000);
    telemetry.shutdown(SOON).unwrap();
    wait_until("the farewell", || receiver.counts().connections.open == 0);
    let connections = receiver.counts().connections;
    assert_eq!((connections.accepted, connections.failed), (1, 0), "{connections:?}");
    receiver::end(&receiver);
}

#[test]
fn only_clients_of_its_authority_are_let_in() {
    let _turn = serial();
    let site = Site::new();
    let clients = Authority::new("clients");
    let ca = site.directory.write("clients.pem", &clients.pem);
    let receiver = site.builder().client_certificates(ca).start().unwrap();
    let url = endpoint(&receiver, "capnps");
    let (certificate, key) = clients.issue("host").write(&site.directory, "right");
    let (other, its_key) = Authority::new("others").issue("host").write(&site.directory, "wrong");

    let telemetry = start(&url, &[(ROOTS, &site.roots)]);
    record("work", 10);
    assert_kept(&telemetry, &["wants a certificate of the client", SHOWN]);
    assert!(telemetry.shutdown(Duration::ZERO).is_err());
    let telemetry = start(&url, &[(ROOTS, &site.roots), (SHOWN, &other), (KEY, &its_key)]);
    record("work", 10);
    assert_kept(&telemetry, &["refused the client's certificate", &other]);
    assert!(telemetry.shutdown(Duration::ZERO).is_err());
    let counts = receiver.counts();
    assert!(counts.connections.handshakes >= 2, "{counts:?}");
    assert_eq!(counts.traces.announced, 0);
    let said = format!("{:?}", receiver.diagnostics());
    assert!(said.contains("it showed no certificate"), "{said}");

    let telemetry = start(&url, &[(ROOTS, &site.roots), (SHOWN, &certificate), (KEY, &key)]);
    record("work", 10);
    telemetry.force_flush(SOON).unwrap();
    assert_eq!(assert_conserved(&telemetry).delivered, 10);
    telemetry.shutdown(SOON).unwrap();
    receiver::end(&receiver);
}

#[test]
fn a_new_certificate_is_shown_without_a_restart_and_half_of_one_is_not() {
    let _turn = serial();
    let site = Site::new();
    let receiver = site.builder().start().unwrap();
    let next = Authority::new("next");
    let roots = site.directory.write("next.pem", &next.pem);
    let telemetry = start(&endpoint(&receiver, "capnps"), &[(ROOTS, &roots)]);
    record("work", 10);
    assert_kept(&telemetry, &["unknown authority"]);
    // The certificate is there, its key is still the old one.
    let renewed = next.issue("localhost");
    site.directory.write("server.pem", &renewed.certificate);
    wait_until("the complaint", || {
        format!("{:?}", receiver.diagnostics()).contains("not the key of the certificate")
    });
    assert_eq!(assert_conserved(&telemetry).waiting, 10, "the old pair is in use");
    renewed.write(&site.directory, "server");
    telemetry.force_flush(SOON).unwrap();
    assert_eq!(assert_conserved(&telemetry).delivered, 10);
    telemetry.shutdown(SOON).unwrap();
    receiver::end(&receiver);
}

#[test]
fn another_protocol_is_told_what_to_use() {
    let _turn = serial();
    let site = Site::new();
    let secured = site.builder().start().unwrap();
    let plain = receiver::start(&site.collector.url());
    let plain_port = receiver::endpoint(&plain).rsplit_once(':').unwrap().1.to_owned();
    let web = web();
    let roots = (ROOTS, &*site.roots);
    for (url, variables, words) in [
        (endpoint(&secured, "capnp"), &[][..], "use capnps://"),
        (format!("capnps://localhost:{plain_port}"), &[roots][..], "use capnp://"),
        (format!("https://localhost:{plain_port}"), &[roots], "use http://"),
        (format!("https://localhost:{web}"), &[roots], "use http://"),
        (format!("capnps://localhost:{web}"), &[roots], "use capnp://"),
    ] {
        let telemetry = start(&url, variables);
        record("work", 10);
        assert_kept(&telemetry, &[words]);
        // Nobody took a byte of it for telemetry.
        assert!(telemetry.shutdown(Duration::ZERO).is_err());
    }
    // A status 400 is an answer for good, here as everywhere.
    for (scheme, variables) in [("http", &[][..]), ("https", &[roots])] {
        let telemetry = start(&endpoint(&secured, scheme), variables);
        record("work", 10);
        telemetry.force_flush(SOON).unwrap();
        let traces = assert_conserved(&telemetry);
        assert_eq!(traces.rejected, 10, "{scheme}: {traces:?}");
        let error = traces.last_error.unwrap();
        assert!(error.contains("400") && error.contains("capnps://HOST:PORT"), "{scheme}: {error}");
        telemetry.shutdown(SOON).unwrap();
    }
    let counts = secured.counts().connections;
    assert!(counts.plaintext >= 2, "{counts:?}");
    assert_eq!(counts.http, 2, "{counts:?}");
    let said = format!("{:?}", secured.diagnostics());
    assert!(said.contains("speaks without TLS where there has to be TLS"), "{said}");
    assert!(said.contains("speaks HTTP"), "{said}");
    let said = format!("{:?}", plain.diagnostics());
    assert!(said.contains("speaks TLS"), "{said}");
    receiver::end(&secured);
    receiver::end(&plain);
}

/// The port of a web server, to which everything is a bad request.
fn web() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("a port").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // A client may break off wherever it likes.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    port
}

#[test]
fn a_server_that_never_shakes_hands_is_given_up_in_time() {
    let _turn = serial();
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    for scheme in ["https", "capnps"] {
        let limit = ("OTEL_EXPORTER_OTLP_TIMEOUT", "300");
        let telemetry = start(&format!("{scheme}://127.0.0.1:{port}"), &[limit]);
        record("work", 10);
        assert_kept(&telemetry, &["no TLS handshake", "300ms"]);
        assert!(telemetry.shutdown(Duration::ZERO).is_err());
        assert_eq!(telemetry.status().traces.unconfirmed, 0, "nothing was sent");
    }
}

/// Sends `bytes` and waits for the end of the connection.
fn ended_after(address: SocketAddr, bytes: &[u8]) -> Duration {
    let mut stream = TcpStream::connect(address).expect("a socket");
    stream.set_read_timeout(Some(SOON)).expect("a socket");
    let begin = Instant::now();
    // The other end may be gone within it.
    let _ = stream.write_all(bytes);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    begin.elapsed()
}

#[test]
fn a_handshake_has_a_deadline_and_a_size() {
    let site = Site::new();
    let limit = Duration::from_millis(300);
    let receiver = site.builder().login_timeout(limit).start().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port(&receiver)));
    // The beginning of a record of a handshake, and no more of it.
    let took = ended_after(address, &[0x16, 3, 1, 2, 0, 1]);
    assert!(took >= limit && took < SOON, "{took:?}");
    wait_until("the count", || receiver.counts().connections.not_logged_in == 1);

    // A hello of 60 KiB, a record after the other, of which 32 KiB are read.
    let mut hello = vec![1, 0, 0xf0, 0];
    hello.resize(60 * 1024, 0);
    let records = hello.chunks(8 * 1024).flat_map(|part| {
        let length = (part.len() as u16).to_be_bytes();
        [&[0x16, 3, 1, length[0], length[1]], part].concat()
    });
    ended_after(address, &records.collect::<Vec<u8>>());
    wait_until("the count", || receiver.counts().connections.handshakes == 1);
    let said = format!("{:?}", receiver.diagnostics());
    assert!(said.contains("the handshake is too long"), "{said}");

    // Whoever only looks whether somebody listens is no failure.
    drop(TcpStream::connect(address).unwrap());
    wait_until("all are gone", || receiver.counts().connections.open == 0);
    let counts = receiver.counts().connections;
    assert_eq!((counts.failed, counts.handshakes), (0, 1), "{counts:?}");
    receiver::end(&receiver);
}

#[test]
fn who_listens_to_others_needs_more_than_tls() {
    let site = Site::new();
    let open = |builder: Builder| builder.listen("0.0.0.0:0").start();
    let error = open(site.builder()).unwrap_err().to_string();
    assert!(error.contains("token") && error.contains("client_certificates"), "{error}");
    let clients = site.directory.write("clients.pem", &Authority::new("clients").pem);
    let builder = site.builder().client_certificates(&clients);
    let error = builder.clone().listen("capnp://0.0.0.0:0").start().unwrap_err().to_string();
    assert!(error.contains("capnp://0.0.0.0:0"), "no TLS, so no certificates: {error}");
    for builder in [builder, site.builder().token("secret")] {
        receiver::end(&open(builder).unwrap());
    }
    let mixed = site.builder().listen("capnp://127.0.0.1:0").start().unwrap();
    assert!(matches!(mixed.addresses(), [Address::Tls(_), Address::Tcp(_)]));
    receiver::end(&mixed);
}
