//! The ring, the completion and the metrics' cell under loom: every interleaving, and every older value
//! that a load may still see.

#[path = "../../../src/record/metric/cells/cell.rs"]
mod cell;
#[path = "../../../src/pipeline/completion.rs"]
mod completion;
#[path = "../../../src/pipeline/ring/mod.rs"]
mod ring;

/// In the place of `src/pipeline/sync.rs` and `src/record/metric/cells/sync.rs`.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
    pub(crate) use loom::sync::{Arc, Condvar, Mutex};
    pub(crate) use loom::thread::yield_now as pause;

    /// Of a cell: fewer words, fewer interleavings.
    pub(crate) const BUCKETS: usize = 2;

    /// A slot whose users loom watches.
    #[derive(Default)]
    pub(crate) struct Owner(loom::cell::UnsafeCell<()>);

    impl Owner {
        pub(crate) fn read(&self) {
            self.0.with(|_| ());
        }

        pub(crate) fn write(&self) {
            self.0.with_mut(|_| ());
        }
    }
}

use std::time::{Duration, Instant};

use loom::thread;

use completion::Completion;
use ring::{Consumer, Gauge, Producer, Pushed, ring_of};
use sync::{Arc, Mutex};
use trackside_models::record;

/// The smallest ring: records of up to 8 bytes take one or two words, longer ones are boxed.
const WORDS: usize = 8;

/// A ring whose next slot is `at`.
fn ring_at(at: usize) -> (Producer, Consumer) {
    let (mut producer, mut consumer) = ring_of(WORDS);
    for _ in 0..at {
        assert_eq!(producer.push(&[], &[]), Pushed::Stored);
        assert_eq!(consumer.drain(1, |_| {}), 1);
    }
    (producer, consumer)
}

/// Pushes records `first..=last`; gives back the numbers of those that were stored.
fn push(
    producer: &mut Producer,
    numbers: std::ops::RangeInclusive<u64>,
    length: usize,
) -> Vec<u64> {
    let stored = |number: &u64| producer.push(&[], &[&record(*number, length)]) != Pushed::Refused;
    numbers.filter(stored).collect()
}

/// Takes what is there, and checks that it is the front of `expected`.
fn take(consumer: &mut Consumer, got: &mut u64, length: usize) {
    consumer.drain(usize::MAX, |bytes| {
        *got += 1;
        assert_eq!(bytes, record(*got, length));
    });
}

#[track_caller]
fn assert_sum(gauge: &Gauge, offered: u64, taken: u64) {
    assert_eq!(gauge.offered(), offered);
    assert_eq!(gauge.offered(), taken + gauge.waiting() + gauge.refused());
}

/// Records 1 to 3, none refused, taken while they are pushed.
fn hand_over(start: usize, length: usize) {
    loom::model(move || {
        let (mut producer, mut consumer) = ring_at(start);
        let gauge = consumer.gauge();
        let pushing = thread::spawn(move || push(&mut producer, 1..=3, length));
        let mut got = 0;
        take(&mut consumer, &mut got, length);
        take(&mut consumer, &mut got, length);
        assert_eq!(pushing.join().unwrap(), [1, 2, 3]);
        take(&mut consumer, &mut got, length);
        assert_eq!(got, 3);
        assert_sum(&gauge, start as u64 + 3, start as u64 + got);
    });
}

#[test]
fn records_arrive_whole_and_in_order() {
    hand_over(0, 7);
}

#[test]
fn padding_is_skipped() {
    hand_over(5, 8);
}

#[test]
fn boxed_records_arrive_whole() {
    hand_over(3, 9);
}

#[test]
fn slots_are_used_again_only_when_released() {
    loom::model(|| {
        // Slots 1 to 6; the next record needs a padding in slot 7 and then one that is released.
        let (mut producer, mut consumer) = ring_at(1);
        let gauge = consumer.gauge();
        let mut stored = push(&mut producer, 1..=3, 8);
        assert_eq!(stored, [1, 2, 3]);
        let pushing = thread::spawn(move || push(&mut producer, 4..=6, 8));
        let mut got = Vec::new();
        consumer.drain(2, |bytes| got.push(bytes.to_vec()));
        consumer.drain(2, |bytes| got.push(bytes.to_vec()));
        stored.extend(pushing.join().unwrap());
        consumer.drain(usize::MAX, |bytes| got.push(bytes.to_vec()));
        assert_eq!(got, stored.iter().map(|number| record(*number, 8)).collect::<Vec<_>>());
        assert_eq!(gauge.refused(), 6 - stored.len() as u64);
        assert_sum(&gauge, 1 + 6, 1 + got.len() as u64);
    });
}

#[test]
fn a_full_ring_refuses_and_counts() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring_at(0);
        let gauge = consumer.gauge();
        assert_eq!(push(&mut producer, 1..=5, 8), [1, 2, 3, 4]);
        let pushing = thread::spawn(move || push(&mut producer, 5..=5, 8).len() as u64);
        let mut got = 0;
        consumer.drain(1, |bytes| {
            got += 1;
            assert_eq!(bytes, record(1, 8));
        });
        let stored = pushing.join().unwrap();
        assert_eq!(gauge.refused(), 2 - stored);
        assert_eq!(gauge.waiting(), 3 + stored);
        assert_sum(&gauge, 6, got);
    });
}

#[test]
fn closed_before_the_last_drain_loses_nothing() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring_at(6);
        let gauge = consumer.gauge();
        let pushing = thread::spawn(move || assert_eq!(push(&mut producer, 1..=2, 8), [1, 2]));
        let mut got = 0;
        for _ in 0..3 {
            let is_closed = consumer.is_closed();
            take(&mut consumer, &mut got, 8);
            if is_closed {
                assert_eq!(got, 2);
                assert_sum(&gauge, 6 + 2, 6 + got);
            }
        }
        pushing.join().unwrap();
    });
}

#[test]
fn the_last_to_leave_frees_the_rest() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring_at(0);
        let gauge = consumer.gauge();
        let pushing = thread::spawn(move || assert_eq!(push(&mut producer, 1..=2, 9), [1, 2]));
        let mut got = 0;
        take(&mut consumer, &mut got, 9);
        drop(consumer);
        // What is still waiting belongs to whoever drops last: this gauge, or the producer.
        assert!(gauge.offered() <= 2);
        drop(gauge);
        pushing.join().unwrap();
    });
}

#[test]
fn a_gauge_never_sees_more_taken_than_pushed() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring_at(0);
        let gauge = consumer.gauge();
        let pushing = thread::spawn(move || push(&mut producer, 1..=2, 0).len());
        let looking = thread::spawn(move || {
            // An underflow in `waiting` would panic.
            assert!(gauge.waiting() <= 2);
            assert!(gauge.offered() <= 2);
        });
        let mut got = 0;
        take(&mut consumer, &mut got, 0);
        take(&mut consumer, &mut got, 0);
        assert_eq!(pushing.join().unwrap(), 2);
        looking.join().unwrap();
    });
}

#[test]
fn no_wake_is_lost() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring_at(0);
        let gauge = consumer.gauge();
        let wake = Arc::new(Mutex::new(false));
        let mut offer = {
            let wake = Arc::clone(&wake);
            move || {
                if producer.push(&[], &[]) == Pushed::HighWater {
                    *wake.lock().unwrap() = true;
                }
            }
        };
        (0..5).for_each(|_| offer());
        let pushing = thread::spawn(move || (0..5).for_each(|_| offer()));
        // A worker that does nothing unless it is woken, and takes then what it finds.
        let mut work = || {
            let is_woken = std::mem::take(&mut *wake.lock().unwrap());
            if is_woken {
                consumer.drain(usize::MAX, |_| {});
            }
        };
        work();
        work();
        pushing.join().unwrap();
        work();
        assert!(gauge.waiting() <= 4, "more than half full, and nobody was told");
    });
}

#[test]
fn an_answer_reaches_a_thread_that_waits() {
    loom::model(|| {
        let completion = Arc::new(Completion::default());
        let answering = {
            let completion = Arc::clone(&completion);
            thread::spawn(move || completion.complete(7))
        };
        // loom's clock never strikes: without the answer, this is a deadlock that loom reports.
        assert_eq!(completion.wait(Instant::now() + Duration::from_secs(3600)), Some(7));
        answering.join().unwrap();
    });
}

#[test]
fn an_answer_wakes_a_future() {
    loom::model(|| {
        let completion = Arc::new(Completion::default());
        let answering = {
            let completion = Arc::clone(&completion);
            thread::spawn(move || {
                completion.complete(7);
                completion.complete(8);
            })
        };
        let answer = loom::future::block_on(std::future::poll_fn(|cx| completion.poll(cx)));
        assert_eq!(answer, 7, "the first answer stands");
        answering.join().unwrap();
    });
}

/// What a reader finds is all of some records and nothing of the next: no field runs ahead of another.
#[test]
fn a_cell_is_read_as_of_one_moment() {
    const RECORDS: [(usize, u64, u64); 2] = [(0, 7, 1), (1, 3, 1)];
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let (mut writer, reader) = cell::cell();
        let reading = thread::spawn(move || reader.read());
        let mut expected = vec![cell::Totals::default()];
        for (bucket, value, interval) in RECORDS {
            writer.record(bucket, value, interval);
            let mut totals = expected[expected.len() - 1];
            totals.record(bucket, value, interval);
            expected.push(totals);
        }
        let found = reading.join().expect("it does not panic");
        assert!(expected.contains(&found), "{found:?}");
    });
}
