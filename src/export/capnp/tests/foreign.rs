//! Whatever else may listen there.

use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::compat::{TokioAsyncReadCompatExt as _, TokioAsyncWriteCompatExt as _};

/// What is said of a peer that answers its first bytes with `answer`, and then closes or does not.
fn said_of(answer: &'static [u8], closes: bool) -> (String, bool) {
    run(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let limit = Some(Duration::from_millis(300));
        let plan = CapnpPlan { timeout: limit, ..plan(listener.local_addr().unwrap()) };
        drop(spawn_local(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut some = [0; 64];
            let _ = stream.read(&mut some).await;
            let _ = stream.write_all(answer).await;
            if !closes {
                std::future::pending::<()>().await;
            }
        }));
        let exporter = exporter(&plan);
        retried(exporter.send(&frame(1, vec![1; 100_000])).await)
    })
}

#[test]
fn what_is_no_receiver_is_named() {
    let http = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let table: [(&[u8], bool, &str); 7] = [
        (http, true, "not a Cap'n Proto receiver: it answered as HTTP does"),
        (http, false, "not a Cap'n Proto receiver: it answered as HTTP does"),
        (b"\x15\x03\x03\x00\x02\x02\x46", false, "not a Cap'n Proto receiver: it answered as TLS"),
        (b"220 mail.example ESMTP\r\n", false, "not a Cap'n Proto receiver: what came is not"),
        (b"\0\0\0\0\xff\xff\xff\xff", false, "not a Cap'n Proto receiver: a frame of more than"),
        (b"", false, "no login within 300ms"),
        (b"", true, ""),
    ];
    for (answer, closes, words) in table {
        let (error, sent) = said_of(answer, closes);
        assert!(error.contains(words), "{error}");
        assert!(!sent, "{error}");
    }
}

#[test]
fn nobody_there_is_said() {
    run(async {
        let refusing = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
        let (error, sent) = retried(exporter(&plan(refusing)).send(&frame(1, "rows")).await);
        assert!(error.contains("Connection refused") && !sent, "{error}");

        let target = Target::Tcp { host: "no-such-host.invalid".to_owned(), port: 4319 };
        let unknown = CapnpPlan { target, ..plan(refusing) };
        let (error, sent) = retried(exporter(&unknown).send(&frame(1, "rows")).await);
        assert!(error.contains("capnp://no-such-host.invalid:4319"), "{error}");
        assert!(!sent);

        let target = Target::Unix("/nonexistent/receiver".into());
        let absent = CapnpPlan { target, ..plan(refusing) };
        let (error, sent) = retried(exporter(&absent).send(&frame(1, "rows")).await);
        assert!(error.contains("cannot connect to /nonexistent/receiver: No such file"), "{error}");
        assert!(!sent);
    });
}

/// A bootstrap without our interface.
#[test]
fn another_service_over_capnp_is_named() {
    struct Other;
    impl crate::schema::ingest_capnp::session::Server for Other {}
    run(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(spawn_local(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let other: crate::schema::ingest_capnp::session::Client = capnp_rpc::new_client(Other);
            let budget = crate::network::Budget::new(1 << 20);
            let limits = crate::network::Limits::server();
            let (system, _) =
                crate::network::serve(stream.into_split(), &limits, &budget, other.client);
            system.await.unwrap();
        }));
        let error = refused(exporter(&plan(address)).send(&frame(1, "rows")).await);
        assert!(
            error.contains("not a receiver of telemetry, though it speaks Cap'n Proto"),
            "{error}"
        );
    });
}

/// An unmodified server over the stock network, over a Unix socket.
#[test]
fn the_stock_network_takes_our_batches() {
    run(async {
        let path = std::env::temp_dir().join(format!("trackside-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let script = Rc::new(receiver::Script::default());
        let gate = receiver::gate(&script);
        drop(spawn_local(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (read, write) = stream.into_split();
            let network = capnp_rpc::twoparty::VatNetwork::new(
                read.compat(),
                write.compat_write(),
                capnp_rpc::rpc_twoparty_capnp::Side::Server,
                capnp::message::ReaderOptions::new(),
            );
            capnp_rpc::RpcSystem::new(Box::new(network), Some(gate.client)).await.unwrap();
        }));
        let target = Target::Unix(path.clone());
        let plan = CapnpPlan { target, ..plan(([127, 0, 0, 1], 1).into()) };
        let exporter = exporter(&plan);
        for (sequence, size) in [(1, 10), (2, 1_000_000)] {
            assert_eq!(exporter.send(&frame(sequence, vec![1; size])).await, delivered());
        }
        assert_eq!(script.seen.borrow().len(), 2);
        std::fs::remove_file(&path).unwrap();
    });
}
