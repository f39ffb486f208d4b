//! Clients that are newer than this receiver, or wrong: told in a sentence that the receiver says too.

use super::client::{Said, dial, fill, request, rows, run};
use super::{SOON, assert_conserved, receiver, unique};
use crate::receive::Sink;
use crate::schema::ingest_capnp::frame::{self, Compression, Format};
use crate::schema::ingest_capnp::outcome::{Durability, Rejection};
use crate::schema::ingest_capnp::{batch, session};

/// What is done to a batch that is right but for that.
type Change = fn(batch::Builder<'_>);

fn frame(batch: batch::Builder<'_>, change: impl FnOnce(frame::Builder<'_>)) {
    let Ok(batch::body::Frame(Ok(frame))) = batch.get_body().which() else {
        panic!("it has a frame")
    };
    change(frame);
}

const WRONG: [(Rejection, &str, Change); 8] = [
    (Rejection::Unsupported, "frames of format 4 cannot be read here: send what", |batch| {
        frame(batch, |mut frame| frame.set_format(Format::OtlpProtobuf));
    }),
    (Rejection::Malformed, "the frame names no format", |batch| {
        frame(batch, |mut frame| frame.set_format(Format::Unset));
    }),
    (Rejection::Unsupported, "frames of compression 3 cannot be read here: send", |batch| {
        frame(batch, |mut frame| frame.set_compression(Compression::Lz4));
    }),
    (Rejection::Malformed, "the frame cannot be decompressed as gzip: ", |batch| {
        frame(batch, |mut frame| frame.set_compression(Compression::Gzip));
    }),
    (Rejection::Malformed, "crc32c of the frame's ", |batch| {
        frame(batch, |mut frame| frame.set_crc32c(1));
    }),
    (Rejection::Malformed, "the batch holds 1 items, and itemCount announces 9", |mut batch| {
        batch.set_item_count(9);
    }),
    (Rejection::Malformed, "the batch has no body", |batch| {
        batch.init_body().set_none(());
    }),
    (Rejection::Malformed, "the batch names no signal", |mut batch| {
        batch.set_signal(batch::Signal::Unset);
    }),
];

#[test]
fn what_cannot_be_read_is_said_at_both_ends_and_counted() {
    for (number, (expected, words, change)) in WRONG.into_iter().enumerate() {
        let running = receiver().sink(Sink::files(unique("bad-input"))).start().unwrap();
        let announced = run(async || {
            let client = dial(&running.addresses()[0]).await.log_in(None).await.unwrap();
            let good = rows(&request("shop", &[1]));
            let mut announced = 0;
            let sent = client.send(|mut batch| {
                fill(batch.reborrow(), 1, 1, 1, &good);
                change(batch.reborrow());
                announced = batch.get_item_count();
            });
            let (said, _) = sent.await.unwrap();
            let Said::Rejected(reason, detail) = said else { panic!("{number} was not refused") };
            assert_eq!(reason, expected, "{detail}");
            assert!(detail.starts_with(words), "{detail}");
            // The connection is as good as before.
            assert_eq!(client.export(1, 2, &[2]).await, Said::Accepted(Durability::Memory));
            u64::from(announced)
        });
        let said = running.diagnostics().join("\n");
        assert!(said.contains("a batch of 127.0.0.1 was refused for good: "), "{said}");
        assert!(said.contains(words), "{said}");
        let counts = running.shutdown(SOON).unwrap();
        assert_conserved(&counts);
        assert_eq!((counts.traces.refused, counts.traces.taken), (announced, 1));
        assert_eq!((counts.connections.failed, counts.connections.panicked), (0, 0));
    }
}

/// Behaviour hangs on the lists of the hello; the number is for logs.
#[test]
fn a_client_of_a_newer_protocol_is_served() {
    let running = receiver().sink(Sink::files(unique("newer"))).start().unwrap();
    run(async || {
        let dialled = dial(&running.addresses()[0]).await;
        let mut request = dialled.gateway.open_request();
        let mut hello = request.get().init_hello();
        hello.set_protocol_minor(u16::MAX);
        hello.init_formats(1).set(0, Format::Columns);
        let answer = request.send().promise.await.unwrap();
        let session: session::Client = answer.get().unwrap().get_session().unwrap();
        let mut export = session.export_request();
        let good = rows(&super::request("shop", &[1]));
        fill(export.get().init_batch(), 1, 1, 1, &good);
        let answer = export.send().promise.await.unwrap();
        let outcome = answer.get().unwrap().get_outcome().unwrap();
        assert!(matches!(outcome.which(), Ok(crate::schema::ingest_capnp::outcome::Accepted(()))));
    });
    assert_eq!(running.shutdown(SOON).unwrap().traces.taken, 1);
}
