//! The targets of `scripts/fuzz`; the variable `TRACKSIDE_FUZZ` names one of them.
//!
//! An input may hold so much memory at one time, and none of it afterwards.
#![no_main]

use std::sync::OnceLock;

use allocation_counter::measure;
use libfuzzer_sys::fuzz_target;
use trackside::fuzzing;

const KIB: usize = 1024;

/// What inputs are given to, and what they may hold: so many bytes, and so many for each byte of theirs.
struct Target {
    take: fn(&[u8]),
    fixed: usize,
    each: usize,
}

fn target() -> &'static Target {
    static CHOSEN: OnceLock<Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("TRACKSIDE_FUZZ").unwrap_or_default();
        let target = |take, fixed, each| Target { take, fixed, each };
        match name.as_str() {
            // A runtime and a receiver; what a stranger may hold, frames of 64 KiB and answers of 16 KiB; behind a
            // log-in the half MiB that is set aside for a frame, of which no more is touched than comes.
            "frame" => target(fuzzing::frame, 1024 * KIB, 4),
            // The same with batches: each is held as its message, decompressed and as OTLP, which stand twice while
            // they grow, and all that are taken wait in the queue of the sink.
            "session" => target(fuzzing::session, 12 * fuzzing::UNCOMPRESSED, 4),
            // The message in two forms, its table, the view of a metric and the OTLP, each twice while it grows.
            "batch" => target(fuzzing::batch, 10 * fuzzing::UNCOMPRESSED, 4),
            "columns" => target(fuzzing::columns, 10 * fuzzing::UNCOMPRESSED, 4),
            "strings" => target(fuzzing::strings, 256 * KIB, 16),
            "context" => target(fuzzing::context, 256 * KIB, 64),
            // For the script's test of itself.
            "planted-panic" => target(|bytes| planted(bytes, b"fail"), 1024 * KIB, 0),
            "planted-much" => target(|bytes| planted(bytes, b"much"), 1024 * KIB, 0),
            "planted-stay" => target(|bytes| planted(bytes, b"stay"), 1024 * KIB, 0),
            other => panic!("TRACKSIDE_FUZZ is {other:?}, which is no target"),
        }
    })
}

/// Something that has to be found, behind four bytes that are compared at once: the fuzzer sees what is compared.
fn planted(bytes: &[u8], word: &[u8; 4]) {
    let wanted = std::hint::black_box(u32::from_le_bytes(*word));
    if bytes.first_chunk().map(|first| u32::from_le_bytes(*first)) != Some(wanted) {
        return;
    }
    match word {
        b"fail" => panic!("a planted panic"),
        b"much" => drop(std::hint::black_box(vec![0_u8; 2048 * KIB])),
        _ => std::mem::forget(std::hint::black_box(vec![0_u8; KIB])),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Target { take, fixed, each } = target();
    let (cost, budget) = (measure(|| take(bytes)), fixed + each * bytes.len());
    let most = cost.bytes_max;
    assert!(
        most <= budget as u64,
        "over the budget: {most} bytes at once for an input of {}, {budget} at most",
        bytes.len()
    );
    if cost.bytes_current > 0 {
        // What is made once for all inputs stays, and is not made again.
        let again = measure(|| take(bytes)).bytes_current;
        assert!(again <= 0, "memory stays: {again} bytes of each such input");
    }
});
