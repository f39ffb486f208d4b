//! Frames: what they announce and what they hold.

use std::io::Write as _;

use capnp::message::{Builder, HeapAllocator};
use capnp::serialize_packed;
use proptest::collection::vec;
use proptest::prelude::*;

use super::hand_made::{
    Envelope, LIMITS, PLAIN, bytes, one_span, refused, take, take_batch, take_call,
};
use crate::receive::rows::Refusal;
use crate::receive::rows::unpack::unpack;
use crate::schema::ingest_capnp::batch::Signal;
use crate::schema::ingest_capnp::frame::{Compression, Format};

fn gzipped(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn packed(message: &Builder<HeapAllocator>) -> Vec<u8> {
    let mut packed = Vec::new();
    serialize_packed::write_message(&mut packed, message).unwrap();
    packed
}

#[test]
fn one_message_in_each_form() {
    let message = one_span(|_| {});
    let plain = bytes(&message);
    let request = take(PLAIN, &plain).unwrap().to_otlp().unwrap();
    assert!(!request.is_empty());

    let as_packed = Envelope { format: Format::RowsPacked, ..PLAIN };
    let announced = Some(plain.len() as u32);
    let as_gzip = Envelope { compression: Compression::Gzip, uncompressed: announced, ..PLAIN };
    let packed = packed(&message);
    let announced = Some(packed.len() as u32);
    let as_both = Envelope { format: Format::RowsPacked, uncompressed: announced, ..as_gzip };
    let forms = [
        take(as_packed, &packed),
        take(as_gzip, &gzipped(&plain)),
        take(as_both, &gzipped(&packed)),
        take_batch(|mut batch| {
            batch.set_signal(Signal::Traces);
            batch.set_item_count(1);
            let rows = message.get_root_as_reader().unwrap();
            batch.init_body().set_rows(rows).unwrap();
        }),
    ];
    for (index, payload) in forms.into_iter().enumerate() {
        let payload = payload.unwrap();
        assert_eq!((payload.signal(), payload.items()), (Signal::Traces, 1));
        assert_eq!(payload.to_otlp().unwrap(), request, "form {index}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let plain = bytes(&one_span(|_| {}));
    let length = plain.len();
    let cases: [(Envelope, &[u8], &str); 9] = [
        (
            Envelope { signal: Signal::Unset, ..PLAIN },
            &plain,
            "malformed: the batch names no signal",
        ),
        (
            Envelope { format: Format::Unset, ..PLAIN },
            &plain,
            "malformed: the frame names no format",
        ),
        (
            Envelope { format: Format::OtlpProtobuf, ..PLAIN },
            &plain,
            "unsupported: frames of format 4",
        ),
        (
            Envelope { compression: Compression::Lz4, ..PLAIN },
            &plain,
            "unsupported: frames of compression 3",
        ),
        (Envelope { crc32c: Some(7), ..PLAIN }, &plain, "and 0x00000007 is announced"),
        (Envelope { uncompressed: Some(1), ..PLAIN }, &plain, "uncompressedBytes announces 1"),
        (
            Envelope { uncompressed: Some(u32::MAX), ..PLAIN },
            &plain,
            "too large: the frame holds 4294967295 bytes, 1048576 at most",
        ),
        (PLAIN, &plain[..length - 3], "not whole words"),
        (
            Envelope { compression: Compression::Gzip, ..PLAIN },
            &plain,
            "cannot be decompressed as gzip",
        ),
    ];
    for (envelope, data, sentence) in cases {
        let said = refused(take(envelope, data));
        assert!(said.contains(sentence), "{said}");
    }
    let said = refused(take_batch(|mut batch| batch.set_signal(Signal::Logs)));
    assert_eq!(said, "malformed: the batch has no body");
    let large = vec![0; LIMITS.uncompressed_bytes + 8];
    let said = refused(take(PLAIN, &large));
    assert!(said.contains("too large: the frame holds 1048584 bytes"), "{said}");
}

#[test]
fn numbers_of_a_newer_schema() {
    // The fourth word of the batch: itemCount, signal, the body's member.
    let mut message = capnp::message::Builder::new_default();
    message.init_root::<crate::schema::ingest_capnp::batch::Builder<'_>>().set_signal(Signal::Logs);
    let call = bytes(&message);
    let numbered = |place: usize, number: u8| {
        let mut call = call.clone();
        call[16 + 24 + place] = number;
        refused(take_call(&call))
    };
    assert!(numbered(4, 9).contains("unsupported: signal 9"), "{}", numbered(4, 9));
    assert!(numbered(6, 5).contains("unsupported: body 5"), "{}", numbered(6, 5));
}

#[test]
fn bombs_stop_at_what_is_announced() {
    let zeros = vec![0; 8 << 20];
    let bomb = gzipped(&zeros);
    assert!(bomb.len() < 100_000);
    let announced = Envelope { compression: Compression::Gzip, uncompressed: Some(4096), ..PLAIN };
    let said = refused(take(announced, &bomb));
    assert!(said.contains("holds more than the 4096 bytes announced"), "{said}");

    // Two bytes for each 2,048.
    let bomb = [0, 255].repeat(1000);
    let said = refused(take(Envelope { format: Format::RowsPacked, ..PLAIN }, &bomb));
    assert!(said.contains("too large: the packed message is longer than 1048576 bytes"), "{said}");
}

#[test]
fn packed_bytes_that_end_too_early() {
    for packed in [&[1][..], &[0], &[0xff, 1, 2, 3], &[0xff, 1, 2, 3, 4, 5, 6, 7, 8, 2, 9]] {
        assert!(matches!(unpack(packed, 1 << 20), Err(Refusal::Malformed(_))), "{packed:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Words of few and of many zeros.
    #[test]
    fn unpacking_undoes_packing(
        words in vec(prop_oneof![Just([0; 8]), any::<[u8; 8]>(), Just([1, 0, 0, 2, 0, 0, 0, 0])], 0..600),
    ) {
        let mut message = Builder::new_default();
        message.set_root::<capnp::data::Owned>(&words.concat()[..]).unwrap();
        let unpacked = unpack(&packed(&message), 1 << 20).unwrap();
        prop_assert!(unpacked.as_bytes() == bytes(&message));
    }

    #[test]
    fn unpacking_never_panics(packed in vec(any::<u8>(), 0..300)) {
        if let Ok(words) = unpack(&packed, 4096) {
            prop_assert!(words.as_bytes().len() <= 4096);
        }
    }
}
