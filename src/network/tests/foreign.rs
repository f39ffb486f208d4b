//! Peers that speak something else.

use super::*;
use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;

/// Why a connection ended on which `bytes` came and then nothing more.
fn ended_by(bytes: &[u8]) -> Closed {
    run(async {
        let ((one, mut other), budget) = (duplex(1 << 16), Budget::new(1 << 20));
        let handle = server(split(one), &Limits::server(), &budget, Echo::default());
        other.write_all(bytes).await.unwrap();
        other.shutdown().await.unwrap();
        let why = handle.over().await.unwrap();
        assert_eq!(budget.held(), 0);
        why
    })
}

#[test]
fn what_it_is_is_said() {
    let table: [(&[u8], Cause, &str); 7] = [
        (b"", Cause::ByPeer, "closed the connection"),
        (b"GET / HTTP/1.1\r\n\r\n", Cause::Http, "speaks HTTP"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Cause::Http, "speaks HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", Cause::Tls, "speaks TLS"),
        (b"hello, world", Cause::Malformed, "not Cap'n Proto"),
        (b"\x08\0\0\0\0\0\0\0", Cause::Malformed, "more than 8 segments"),
        (b"\0\0\0\0\x09\0\0\0", Cause::Broken, "before it had sent one whole message"),
    ];
    for (bytes, cause, words) in table {
        let why = ended_by(bytes);
        assert_eq!(why.cause, cause, "{why}");
        assert!(why.detail.contains(words), "{why}");
    }
}

#[test]
fn an_empty_message_is_no_reason_to_panic() {
    for bytes in [&[0; 8][..], &[0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[0; 64]] {
        ended_by(bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        ended_by(&bytes);
    }

    /// A sound table with anything behind it.
    #[test]
    fn no_message_makes_it_panic(mut body in prop::collection::vec(any::<u8>(), 8..256)) {
        body.truncate(body.len() / 8 * 8);
        let mut bytes = vec![0; 4];
        bytes.extend_from_slice(&((body.len() / 8) as u32).to_le_bytes());
        // A root struct more often than chance would have it.
        if body[0] & 1 == 0 {
            body[..8].copy_from_slice(&[0, 0, 0, 0, 1, 0, 1, 0]);
        }
        bytes.append(&mut body);
        ended_by(&bytes);
    }
}
