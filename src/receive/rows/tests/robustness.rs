//! Whatever the bytes are: an answer, no panic, and no more memory than the limits say.

use allocation_counter::measure;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::hand_made::{Envelope, PLAIN, take_within};
use super::prost_samples;
use super::prost_source::Source;
use crate::encode::capnp::StreamEncoder;
use crate::encode::capnp::columns::ColumnsStream;
use crate::receive::rows::Limits;
use crate::schema::ingest_capnp::batch::Signal;
use crate::schema::ingest_capnp::frame::{Compression, Format};

/// Small, so that it shows.
const LIMITS: Limits = Limits { uncompressed_bytes: 256 << 10, otlp_bytes: 256 << 10 };

/// What a frame may cost at most beside its own bytes: the message in two forms, its table, the view of a
/// metric and the request, each of which may stand twice while it grows.
const MEMORY: u64 = 2 * 5 * (256 << 10);

/// What is done to a message.
#[derive(Clone, Debug)]
pub(super) enum Harm {
    Flip(Index, u8),
    /// A pointer is one word, and most of its small changes still lead somewhere.
    Word(Index, u8, u8),
    Cut(Index),
    Copy(Index, Index),
}

pub(super) fn harm() -> impl Strategy<Value = Vec<Harm>> {
    let one = prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, by)| Harm::Flip(at, by)),
        4 => (any::<Index>(), 0..8_u8, 0..8_u8).prop_map(|(at, byte, bit)| Harm::Word(at, byte, bit)),
        1 => any::<Index>().prop_map(Harm::Cut),
        3 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Harm::Copy(from, to)),
    ];
    vec(one, 1..6)
}

pub(super) fn harmed(mut bytes: Vec<u8>, harms: &[Harm]) -> Vec<u8> {
    for harm in harms {
        let words = bytes.len() / 8;
        if words == 0 {
            break;
        }
        match harm {
            Harm::Flip(at, by) => {
                let at = at.index(bytes.len());
                bytes[at] ^= by;
            }
            Harm::Word(at, byte, bit) => {
                bytes[8 * at.index(words) + usize::from(*byte)] ^= 1 << bit
            }
            Harm::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Harm::Copy(from, to) => {
                let (from, to) = (8 * from.index(words), 8 * to.index(words));
                bytes.copy_within(from..from + 8, to);
            }
        }
    }
    bytes
}

/// Takes, checks and converts the bytes as what they were, in each form.
fn assert_harmless(
    from: &impl Source,
    mut encoder: StreamEncoder,
    signal: Signal,
    harms: &[Harm],
) -> Result<(), TestCaseError> {
    from.lend(&mut encoder);
    let message = harmed(encoder.finish().to_vec(), harms);
    let forms = [
        (Format::RowsStandard, Compression::None),
        (Format::RowsPacked, Compression::None),
        (Format::RowsStandard, Compression::Gzip),
    ];
    forms.into_iter().try_for_each(|(format, compression)| {
        let envelope = Envelope { signal, items: from.items(), format, compression, ..PLAIN };
        assert_taken_within(envelope, &message)
    })
}

fn assert_taken_within(envelope: Envelope, message: &[u8]) -> Result<(), TestCaseError> {
    {
        let mut answer = Ok(());
        let allocated = measure(|| {
            let payload = take_within(envelope, message, &LIMITS);
            if let Ok(payload) = payload {
                answer = payload.to_otlp().map(|request| {
                    assert!(request.len() <= LIMITS.otlp_bytes);
                });
            }
        });
        // The call's own message is built within: its segments grow to twice the frame.
        let bound = MEMORY + 4 * message.len() as u64;
        prop_assert!(
            allocated.bytes_max <= bound,
            "{} bytes at once, {} at most, for {}: {:?}",
            allocated.bytes_max,
            bound,
            message.len(),
            answer
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn traces(request in prost_samples::traces(), harms in harm()) {
        assert_harmless(&request, StreamEncoder::traces(), Signal::Traces, &harms)?;
    }

    #[test]
    fn traces_as_columns(
        request in prost_samples::traces(),
        harms in harm(),
        items in proptest::option::weighted(0.2, any::<u32>()),
    ) {
        let mut encoder = ColumnsStream::new();
        request.lend(&mut encoder);
        let message = harmed(encoder.finish().to_vec(), &harms);
        let items = items.unwrap_or_else(|| request.items());
        assert_taken_within(Envelope { items, format: Format::Columns, ..PLAIN }, &message)?;
    }

    #[test]
    fn metrics(request in prost_samples::metrics(), harms in harm()) {
        assert_harmless(&request, StreamEncoder::metrics(), Signal::Metrics, &harms)?;
    }

    #[test]
    fn logs(request in prost_samples::logs(), harms in harm()) {
        assert_harmless(&request, StreamEncoder::logs(), Signal::Logs, &harms)?;
    }

    #[test]
    fn bytes_of_no_message(bytes in vec(any::<u8>(), 0..400), format in 0..3_usize) {
        let format = [Format::RowsStandard, Format::RowsPacked, Format::Columns][format];
        if let Ok(payload) = take_within(Envelope { format, ..PLAIN }, &bytes, &LIMITS) {
            prop_assert!(payload.to_otlp().is_err());
        }
    }
}
