//! The login, and what can be wrong with it.

use super::super::super::zstd;
use super::*;

const TOKEN: &[u8] = b"correct horse battery";

fn with_token(address: SocketAddr, token: &'static [u8]) -> CapnpPlan {
    CapnpPlan { token: Some(Token::new(Bytes::from_static(token))), ..plan(address) }
}

#[test]
fn the_token_opens_the_session() {
    run(async {
        let receiver = Receiver::start([]).await;
        *receiver.script.token.borrow_mut() = Some(TOKEN.to_vec());
        let exporter = exporter(&with_token(receiver.address, TOKEN));
        assert_eq!(exporter.send(&frame(1, "rows")).await, delivered());
    });
}

/// Small enough to follow the login at once, or not.
#[test]
fn a_wrong_token_is_refused_and_not_shown() {
    for size in [10, 100_000] {
        run(async {
            let receiver = Receiver::start([]).await;
            *receiver.script.token.borrow_mut() = Some(TOKEN.to_vec());
            let wrong = exporter(&with_token(receiver.address, b"wrong horse"));
            let error = refused(wrong.send(&frame(1, vec![1; size])).await);
            assert!(error.contains("unauthorized: ***"), "{error}");
            let none = exporter(&plan(receiver.address));
            let error = refused(none.send(&frame(1, vec![1; size])).await);
            assert!(error.contains("no token was sent: set the header authorization"), "{error}");
            assert_eq!(receiver.seen(), [], "nothing got through");
        });
    }
}

#[test]
fn a_login_that_fails_is_said_as_it_is() {
    let text = || "of a kind".to_owned();
    let table = [
        (capnp::Error::unimplemented(text()), false, "though it speaks Cap'n Proto: of a kind"),
        (capnp::Error::failed("unsupported: newer".to_owned()), false, "unsupported: newer"),
        (capnp::Error::overloaded(text()), true, "overloaded: of a kind"),
        (capnp::Error::failed(text()), true, "failed: of a kind"),
    ];
    for (error, is_retried, words) in table {
        run(async {
            let receiver = Receiver::start([]).await;
            *receiver.script.login_fails.borrow_mut() = Some(error);
            let exporter = exporter(&plan(receiver.address));
            let outcome = exporter.send(&frame(1, "rows")).await;
            let said = if is_retried { retried(outcome).0 } else { refused(outcome) };
            assert!(said.contains(words), "{said}");
        });
    }
}

#[test]
fn a_login_without_an_answer_ends_in_time() {
    run(async {
        let receiver = Receiver::start([]).await;
        receiver.script.login_hangs.set(true);
        let limit = Duration::from_millis(200);
        let plan = CapnpPlan { timeout: Some(limit), ..plan(receiver.address) };
        let exporter = exporter(&plan);
        let (error, sent) = retried(exporter.send(&frame(1, vec![1; 100_000])).await);
        assert!(error.contains("no login within 200ms") && !sent, "{error}");
        receiver.script.login_hangs.set(false);
        assert_eq!(exporter.send(&frame(1, "rows")).await, delivered());
        assert_eq!(receiver.script.connections.get(), 2);
    });
}

/// The number is for logs: what is done hangs on the lists.
#[test]
fn a_receiver_of_a_newer_protocol_is_sent_to() {
    run(async {
        let receiver = Receiver::start([]).await;
        receiver.script.protocol_minor.set(u16::MAX);
        let exporter = exporter(&plan(receiver.address));
        assert_eq!(exporter.send(&frame(1, "rows")).await, delivered());
        assert_eq!(exporter.send(&frame(2, "rows")).await, delivered());
    });
}

/// Only where this build can.
#[test]
fn frames_are_compressed_where_the_receiver_reads_it() {
    run(async {
        let receiver = Receiver::start([]).await;
        let rows = vec![1; 100_000];
        for (asked, reads, expected) in [
            (Compression::None, true, false),
            (Compression::OffMachine, true, false),
            (Compression::Zstd, false, false),
            (Compression::Zstd, true, zstd::SUPPORTED),
        ] {
            receiver.script.reads_zstd.set(reads);
            let plan = CapnpPlan { compression: asked, ..plan(receiver.address) };
            assert_eq!(exporter(&plan).send(&frame(1, rows.clone())).await, delivered());
            let seen = receiver.seen().pop().unwrap();
            assert_eq!((seen.zstd, seen.uncompressed), (expected, 100_000), "{asked:?}");
            // The compressor's own mark.
            assert_eq!(seen.bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]), expected);
        }
    });
}
