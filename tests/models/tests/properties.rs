//! The ring against a model queue: random pushes, drains and panics, many times around.

#[path = "../../../src/pipeline/ring/mod.rs"]
mod ring;
#[path = "../../../src/pipeline/sync.rs"]
mod sync;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use proptest::collection::vec;
use proptest::prelude::*;

use ring::{Consumer, Producer, Pushed, ring};
use trackside_models::record;

#[derive(Clone, Debug)]
enum Step {
    /// One record of pieces of these lengths.
    Push(Vec<usize>),
    /// A record that could not even be tried.
    Refuse,
    Drain {
        limit: usize,
    },
    /// A drain whose `take` panics at this record.
    Panic {
        at: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let short = vec(0..40_usize, 0..4);
    let medium = vec(0..1_000_usize, 0..4);
    let long = vec(2_000..20_000_usize, 1..3);
    let step = prop_oneof![
        30 => short.prop_map(Step::Push),
        30 => medium.prop_map(Step::Push),
        2 => long.prop_map(Step::Push),
        1 => Just(Step::Refuse),
        // Fewer are taken than pushed: the ring is often full.
        20 => (0..4_usize).prop_map(|limit| Step::Drain { limit }),
        1 => Just(Step::Drain { limit: usize::MAX }),
        1 => (0..4_usize).prop_map(|at| Step::Panic { at }),
    ];
    // Miri takes a hundred times as long.
    vec(step, 1..if cfg!(miri) { 60 } else { 1_000 })
}

/// What the ring should hold, and how full it should be.
struct Model {
    producer: Producer,
    consumer: Consumer,
    words: usize,
    /// Records in the ring, each with the words that it keeps, padding included.
    waiting: VecDeque<(Vec<u8>, usize)>,
    /// Words pushed, and the same at the last `HighWater`.
    tail: usize,
    signalled: usize,
    offered: u64,
    refused: u64,
    taken: u64,
}

impl Model {
    fn new(bytes: usize) -> Self {
        let (producer, consumer) = ring(bytes);
        assert_eq!(consumer.gauge().bytes(), bytes);
        assert!(consumer.gauge().is_same(&consumer.gauge()));
        assert!(!consumer.gauge().is_same(&ring(bytes).1.gauge()));
        Self {
            producer,
            consumer,
            words: bytes / 8,
            waiting: VecDeque::new(),
            tail: 0,
            signalled: 0,
            offered: 0,
            refused: 0,
            taken: 0,
        }
    }

    fn fill(&self) -> usize {
        self.waiting.iter().map(|(_, words)| words).sum()
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Push(lengths) => self.push(lengths),
            Step::Refuse => {
                assert_eq!(self.producer.refuse(), Pushed::Refused);
                self.offered += 1;
                self.refused += 1;
            }
            Step::Drain { limit } => {
                let expected = self.waiting.len().min(*limit);
                let (consumer, waiting) = (&mut self.consumer, &mut self.waiting);
                let taken = consumer.drain(*limit, |bytes| {
                    let (expected, _) = waiting.pop_front().expect("a record that was pushed");
                    assert_eq!(bytes, expected);
                });
                assert_eq!(taken, expected);
                self.taken += taken as u64;
            }
            Step::Panic { at } => self.panic(*at),
        }
        let gauge = self.consumer.gauge();
        assert_eq!(gauge.offered(), self.offered);
        assert_eq!(gauge.refused(), self.refused);
        assert_eq!(gauge.waiting(), self.waiting.len() as u64);
        assert_eq!(self.offered, self.taken + gauge.waiting() + gauge.refused());
    }

    fn push(&mut self, lengths: &[usize]) {
        self.offered += 1;
        // Some records begin with words.
        let head = self.offered as usize % 3;
        let bytes = record(self.offered, head * 8 + lengths.iter().sum::<usize>());
        let (words, mut rest) = bytes.split_at(head * 8);
        let words: Vec<_> = words
            .chunks_exact(8)
            .map(|word| u64::from_ne_bytes(word.try_into().unwrap()))
            .collect();
        let split = |length: &usize| {
            let (piece, others) = rest.split_at(*length);
            rest = others;
            piece
        };
        let pieces: Vec<_> = lengths.iter().map(split).collect();
        let is_boxed = bytes.len() > self.words;
        let needed = 1 + if is_boxed { 1 } else { bytes.len().div_ceil(8) };
        let to_end = self.words - self.tail % self.words;
        let padding = if needed > to_end { to_end } else { 0 };
        let fits = self.fill() + padding + needed <= self.words;
        let pushed = self.producer.push(&words, &pieces);
        assert_eq!(pushed != Pushed::Refused, fits);
        if !fits {
            self.refused += 1;
            return;
        }
        self.tail += padding + needed;
        self.waiting.push_back((bytes, padding + needed));
        let half = self.words / 2;
        let is_high = self.fill() > half && self.tail - self.signalled >= half;
        assert_eq!(pushed == Pushed::HighWater, is_high);
        if is_high {
            self.signalled = self.tail;
        }
    }

    fn panic(&mut self, at: usize) {
        let is_reached = at < self.waiting.len();
        let (consumer, waiting, taken) = (&mut self.consumer, &mut self.waiting, &mut self.taken);
        let mut seen = 0;
        let drained = catch_unwind(AssertUnwindSafe(|| {
            consumer.drain(usize::MAX, |bytes| {
                let (expected, _) = waiting.pop_front().expect("a record that was pushed");
                assert_eq!(bytes, expected);
                *taken += 1;
                if seen == at {
                    // Without the hook's message.
                    resume_unwind(Box::new("wanted"));
                }
                seen += 1;
            })
        }));
        match drained {
            Ok(_) => assert!(!is_reached),
            Err(payload) if payload.downcast_ref() == Some(&"wanted") => assert!(is_reached),
            Err(payload) => resume_unwind(payload),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ring_is_a_queue(steps in steps(), power in 10..15_u32) {
        let mut model = Model::new(1 << power);
        steps.iter().for_each(|step| model.step(step));
        let Model { producer, mut consumer, mut waiting, .. } = model;
        assert!(!consumer.is_closed());
        drop(producer);
        assert!(consumer.is_closed());
        // Some are taken, the others are left behind: a leak check finds what is not freed.
        consumer.drain(waiting.len() / 2, |bytes| assert_eq!(bytes, waiting.pop_front().unwrap().0));
    }

    #[test]
    fn sizes_round_up(bytes in 0..100_000_usize) {
        let size = ring(bytes).1.gauge().bytes();
        prop_assert!(size >= bytes.max(1024) && size.is_power_of_two());
        prop_assert!(size == 1024 || size / 2 < bytes);
    }
}

/// Each length up to 32 is copied in its own way, and longer ones at once; all of them after heads of 0 to 2 words,
/// at every place of the ring, and with a second piece that begins at any byte.
#[test]
fn every_length_is_copied_whole() {
    let (mut producer, mut consumer) = ring(1024);
    let seconds =
        if cfg!(miri) { [0, 13].as_slice() } else { &[0, 1, 3, 7, 13, 16, 29, 32, 45, 300] };
    for (head, first, second) in (0..3_u64)
        .flat_map(|head| (0..=40).map(move |first| (head, first)))
        .flat_map(|(head, first)| seconds.iter().map(move |second| (head, first, *second)))
    {
        let words: Vec<_> = (0..head).map(|word| !word).collect();
        let (first, second) = (record(head, first), record(head + 1, second));
        let mut expected: Vec<_> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        expected.extend(first.iter().chain(&second));
        assert_eq!(producer.push(&words, &[&first, &second]), Pushed::Stored);
        assert_eq!(consumer.drain(9, |bytes| assert_eq!(bytes, expected)), 1);
    }
}

/// One slice, many times: longer than any memory.
#[test]
#[cfg_attr(miri, ignore = "Miri keeps a gigabyte of zeroes")]
fn a_record_beyond_all_memory_is_refused() {
    let (mut producer, mut consumer) = ring(1024);
    // Zeroes that are never touched take no memory.
    let piece = vec![0; 1 << 30];
    let pieces = vec![piece.as_slice(); 1 << 18];
    assert_eq!(producer.push(&[], &pieces), Pushed::Refused);
    assert_eq!(producer.push(&[], &[b"next"]), Pushed::Stored);
    assert_eq!(consumer.drain(9, |bytes| assert_eq!(bytes, b"next")), 1);
    assert_eq!(consumer.gauge().refused(), 1);
}
