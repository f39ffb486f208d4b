//! Columns go to whoever reads them; to others the same spans go as rows.

use tokio::net::TcpListener;

use super::*;
use crate::encode::capnp::columns::{ColumnsEncoder, to_rows};
use crate::encode::capnp::texts_of_columns;
use crate::encode::sample::calls;
use crate::export::{Body, zstd};

/// Ten spans.
fn spans() -> (Frame, Bytes) {
    let mut encoder = ColumnsEncoder::new(&calls::resource(), "trackside", "1.2.3");
    calls::batch(10).iter().for_each(|span| encoder.span(span));
    let columns = encoder.finish();
    (Frame::new(Body::Columns(columns.clone()), 10, 7, 1), columns)
}

/// What was reached, and a byte more: the ids are random, of which 18 bytes a span and the 15 in the id of a
/// request cannot get less.
#[test]
fn a_call_takes_so_many_bytes_compressed() {
    let mut encoder = ColumnsEncoder::new(&calls::resource(), "acme.rpc", "1.0.0");
    calls::batch(512).iter().for_each(|span| encoder.span(span));
    let message = encoder.finish();
    let texts = texts_of_columns(&message).expect("a message of ours");
    assert!(message[texts.clone()].windows(5).any(|text| text == b"Batch"));
    let packed = zstd::compress(&message, &[texts.start, texts.end]).map(|all| all.len() / 512);
    assert_eq!(packed.is_some(), zstd::SUPPORTED);
    assert!(packed.is_none_or(|bytes| bytes <= 61), "{packed:?} bytes a span");
}

#[test]
fn a_receiver_that_lists_columns_gets_them() {
    run(async {
        let receiver = Receiver::start([]).await;
        receiver.script.reads_columns.set(true);
        let exporter = exporter(&plan(receiver.address));
        let (frame, columns) = spans();
        assert_eq!(exporter.send(&frame).await, delivered());
        assert_eq!(exporter.send(&super::frame(2, "rows")).await, delivered());
        let seen = receiver.seen();
        assert!(seen[0].columns && seen[0].bytes == columns);
        assert!(!seen[1].columns && seen[1].bytes == b"rows");
    });
}

#[test]
fn any_other_gets_rows() {
    run(async {
        let receiver = Receiver::start([]).await;
        let exporter = exporter(&plan(receiver.address));
        let (frame, columns) = spans();
        assert_eq!(exporter.send(&frame).await, delivered());
        let seen = receiver.seen();
        assert!(!seen[0].columns && seen[0].bytes == to_rows(&columns).unwrap());
        assert_eq!(seen[0].uncompressed as usize, seen[0].bytes.len());
    });
}

/// The frame is the same by its name, whatever it is sent as.
#[test]
fn an_older_receiver_in_the_place_of_a_newer_one_gets_rows_too() {
    run(async {
        let receiver = Receiver::start([Step::Hold]).await;
        receiver.script.reads_columns.set(true);
        let exporter = exporter(&plan(receiver.address));
        let (frame, columns) = spans();
        let send = spawn(&exporter, frame.clone());
        receiver.wait_for(1).await;
        let (address, script) = receiver.kill().await;
        retried(send.await.unwrap());
        script.reads_columns.set(false);
        let older = Receiver::over(TcpListener::bind(address).await.unwrap(), script);
        assert_eq!(exporter.send(&frame).await, delivered());
        let seen = older.seen();
        assert_eq!([seen[0].columns, seen[1].columns], [true, false]);
        assert_eq!((seen[0].exporter, seen[0].sequence), (seen[1].exporter, seen[1].sequence));
        assert!(seen[1].bytes == to_rows(&columns).unwrap());
    });
}
