//! Batches of spans into frames, and out of them.

use std::hint::black_box;
use std::time::Instant;

use trackside::measuring::{Decode, Encode, EncodeSdk, SPANS};
use trackside::receive::Receiver;

use crate::allocations::allocations;
use crate::{BATCH, BATCHES};

/// Before anything is counted, so that no memory has to grow.
const WARM_UP: usize = 4;

/// Batches of which the median is taken.
const TIMED: usize = 1500;

/// Such an operation begins with what is done and ends with the format. Where it is `timed`, the nanoseconds of a
/// span are printed.
pub fn run(operation: &str, timed: bool) -> bool {
    let Some((what, format)) = operation.split_once('-') else { return false };
    match what {
        "encode" => match format.strip_prefix("sdk-columns-") {
            Some(shape) => {
                let mut encode = EncodeSdk::new(shape);
                measured(timed, || drop(black_box(encode.batch())));
            }
            None => {
                let mut encode = Encode::new(format);
                measured(timed, || drop(black_box(encode.batch())));
            }
        },
        "decode" => {
            let decode = Decode::new(format);
            measured(timed, || _ = black_box(decode.batch()));
        }
        "bytes" => match format.strip_suffix("-zstd") {
            Some(format) => println!("{}", Encode::new(format).compressed() / SPANS),
            None => println!("{}", Encode::new(format).batch().len() / SPANS),
        },
        "allocations" => {
            let mut encode = Encode::new(format);
            // It has no memory yet: a counter that says none here would say none for ever.
            assert_ne!(allocations(|| drop(encode.batch())), 0);
            (0..WARM_UP).for_each(|_| drop(encode.batch()));
            println!("{}", allocations(|| drop(black_box(encode.batch()))));
        }
        // Never asked for: what only dead code calls is taken away by thin LTO, and the dead code is not.
        "receive" => drop(Receiver::builder().start()),
        _ => return false,
    }
    true
}

/// As many spans as there are operations of any other kind.
fn measured(timed: bool, mut batch: impl FnMut()) {
    (0..WARM_UP).for_each(|_| batch());
    if !timed {
        (0..BATCH * BATCHES / SPANS).for_each(|_| crate::measured_batch(&mut batch));
        return;
    }
    let mut times = [0; TIMED];
    for time in &mut times {
        let begin = Instant::now();
        batch();
        *time = begin.elapsed().as_nanos();
    }
    times.sort_unstable();
    println!("{}", times[TIMED / 2] / SPANS as u128);
}
