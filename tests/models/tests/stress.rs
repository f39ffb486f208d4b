//! The ring between two real threads.

#[path = "../../../src/pipeline/ring/mod.rs"]
mod ring;
#[path = "../../../src/pipeline/sync.rs"]
mod sync;

use std::thread;
use std::time::{Duration, Instant};

use ring::{Consumer, Pushed, ring};
use trackside_models::{length, record};

const RECORDS: u64 = if cfg!(miri) { 500 } else { 1_000_000 };
const BYTES: usize = 4096;
const INLINE: usize = BYTES / 8;
/// Long enough for any machine: a test that gets here hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Checks a record that starts with its number; gives the number back.
fn check(bytes: &[u8]) -> u64 {
    let (number, rest) = bytes.split_first_chunk().expect("a number first");
    let number = u64::from_le_bytes(*number);
    assert_eq!(rest, record(number, length(number, INLINE)));
    number
}

fn bytes_of(number: u64) -> (Vec<u8>, [u8; 8]) {
    (record(number, length(number, INLINE)), number.to_le_bytes())
}

/// Takes until the producer is gone; `idle` runs after each drain that found nothing.
fn consume(mut consumer: Consumer, idle: fn()) -> u64 {
    let (mut taken, mut last) = (0, None);
    loop {
        let is_closed = consumer.is_closed();
        let drained = consumer.drain(64, |bytes| {
            let number = check(bytes);
            assert!(last < Some(number), "{number} came after {last:?}");
            last = Some(number);
        });
        taken += drained as u64;
        match (drained, is_closed) {
            (0, true) => return taken,
            (0, false) => idle(),
            _ => {}
        }
    }
}

#[test]
fn made_is_taken_and_refused() {
    let (mut producer, consumer) = ring(BYTES);
    let gauge = consumer.gauge();
    let taking = thread::spawn(|| {
        // It begins with a full ring.
        while consumer.gauge().refused() == 0 {
            thread::yield_now();
        }
        consume(consumer, thread::yield_now)
    });
    let mut stored = 0;
    for number in 0..RECORDS {
        let (bytes, number) = bytes_of(number);
        stored += u64::from(producer.push(&[], &[&number, &bytes]) != Pushed::Refused);
    }
    drop(producer);
    let taken = taking.join().unwrap();
    assert_eq!(taken, stored);
    assert_eq!(RECORDS, taken + gauge.refused());
    assert!(gauge.refused() > 0 && taken > 0);
    assert_eq!(gauge.offered(), RECORDS);
    assert_eq!(gauge.waiting(), 0);
}

/// The consumer sleeps whenever it finds nothing, and only `HighWater` and the end wake it: one
/// lost wake, and the producer finds the ring full for ever.
#[test]
fn a_sleeping_consumer_is_woken() {
    let (mut producer, consumer) = ring(BYTES);
    let taking = thread::spawn(|| consume(consumer, thread::park));
    for number in 0..RECORDS {
        let (bytes, number) = bytes_of(number);
        let full_since = Instant::now();
        loop {
            match producer.push(&[], &[&number, &bytes]) {
                Pushed::Stored => break,
                Pushed::HighWater => {
                    taking.thread().unpark();
                    break;
                }
                Pushed::Refused if taking.is_finished() => break,
                Pushed::Refused => {
                    assert!(full_since.elapsed() < PATIENCE, "nobody woke the consumer");
                    thread::yield_now();
                }
            }
        }
    }
    drop(producer);
    taking.thread().unpark();
    assert_eq!(taking.join().unwrap(), RECORDS);
}
