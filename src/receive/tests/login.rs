//! Who gets in, and what is told to those who do not.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::client::{Said, client, dial, run};
use super::{SOON, receiver, tcp, unique, wait_until};
use crate::receive::{Receiver, Sink};
use crate::schema::ingest_capnp::outcome::Durability;

#[test]
fn the_bootstrap_is_a_gateway_that_tells_what_is_read_here() {
    let running = receiver().sink(Sink::files(unique("gateway"))).start().unwrap();
    run(async || {
        let dialled = dial(&running.addresses()[0]).await;
        let answer = dialled.gateway.open_request().send().promise.await.unwrap();
        let answer = answer.get().unwrap();
        let hello = answer.get_hello().unwrap();
        assert_eq!(hello.get_name().unwrap().to_str().unwrap(), "trackside");
        assert_eq!(hello.get_formats().unwrap().len(), 3);
        let credit = answer.get_credit().unwrap();
        assert_eq!(credit.get_max_in_flight_batches(), 8);
        assert_eq!(credit.get_max_batch_bytes(), 16 << 20);
        let mut ping = answer.get_session().unwrap().ping_request();
        ping.get().set_nonce(42);
        let pong = ping.send().promise.await.unwrap();
        assert_eq!(pong.get().unwrap().get_nonce(), 42);
    });
}

#[test]
fn a_wrong_token_is_kept_waiting_told_and_never_shown() {
    let running = receiver()
        .sink(Sink::files(unique("token")))
        .token("first")
        .token("second")
        .start()
        .unwrap();
    let address = &running.addresses()[0];
    run(async || {
        for token in [Some(&b"hunter2"[..]), Some(b""), None] {
            let error = dial(address).await.log_in(token).await.err().unwrap();
            assert!(error.to_string().contains("unauthorized"), "{error}");
            assert!(!error.to_string().contains("hunter2"));
        }
        for token in ["first", "second"] {
            let client = dial(address).await.log_in(Some(token.as_bytes())).await.unwrap();
            assert_eq!(client.export(1, 1, &[1]).await, Said::Accepted(Durability::Memory));
        }
    });
    let counts = running.counts();
    assert_eq!(counts.connections.unauthorized, 3);
    assert_eq!(counts.traces.taken, 2, "each token has windows of its own");
    let lines = running.diagnostics().join("\n");
    assert!(lines.contains("127.0.0.1 was refused") && !lines.contains("hunter2"), "{lines}");
}

#[test]
fn who_does_not_log_in_is_closed() {
    let running = receiver()
        .sink(Sink::files(unique("idle")))
        .login_timeout(Duration::from_millis(50))
        .start()
        .unwrap();
    let mut silent = TcpStream::connect(tcp(&running.addresses()[0])).unwrap();
    silent.set_read_timeout(Some(SOON)).unwrap();
    assert_eq!(silent.read(&mut [0; 16]).unwrap(), 0, "closed without a word");
    run(async || {
        let dialled = dial(&running.addresses()[0]).await;
        assert!(dialled.handle.over().await.is_some());
    });
    wait_until("two were closed", || running.counts().connections.not_logged_in == 2);
    wait_until("none is open", || running.counts().connections.open == 0);
}

#[test]
fn http_gets_a_sentence() {
    let running = receiver().sink(Sink::files(unique("http"))).start().unwrap();
    let mut stream = TcpStream::connect(tcp(&running.addresses()[0])).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
        .write_all(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("Cap'n Proto receiver"), "{answer}");
    wait_until("it is counted", || running.counts().connections.http == 1);
}

#[test]
fn there_are_only_so_many_connections() {
    let running = receiver().sink(Sink::files(unique("many"))).max_connections(1).start().unwrap();
    let address = &running.addresses()[0];
    run(async || {
        let first = client(address).await;
        assert!(dial(address).await.log_in(None).await.is_err());
        assert_eq!(first.export(1, 1, &[1]).await, Said::Accepted(Durability::Memory));
    });
    assert_eq!(running.counts().connections.over_limit, 1);
    wait_until("the first has left", || running.counts().connections.open == 0);
    run(async || client(address).await.export(1, 2, &[2]).await);
}

#[test]
fn a_socket_file_is_for_its_owner() {
    let path = unique("socket");
    let running = Receiver::builder()
        .listen(&format!("unix:{}", path.display()))
        .token("not asked for here")
        .sink(Sink::files(unique("unix")))
        .start()
        .unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    run(async || {
        let client = client(&running.addresses()[0]).await;
        assert_eq!(client.export(1, 1, &[1]).await, Said::Accepted(Durability::Memory));
    });
    running.shutdown(SOON).unwrap();
    assert!(!path.exists());
}
