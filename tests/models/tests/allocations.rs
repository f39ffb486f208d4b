//! What the ring allocates, and that it gives everything back.

#[path = "../../../src/pipeline/ring/mod.rs"]
mod ring;
#[path = "../../../src/pipeline/sync.rs"]
mod sync;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ring::{Consumer, Producer, Pushed, ring};

/// Counts the allocations of each thread, since tests run side by side.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: passes everything on to `System`, and allocates nothing itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        LIVE.set(LIVE.get().wrapping_add(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Longer than what a ring of 1 KiB takes inline.
const LONG: [u8; 500] = [7; 500];

#[track_caller]
fn assert_no_leak(run: impl Fn()) {
    run();
    let before = LIVE.get();
    run();
    assert_eq!(LIVE.get(), before, "bytes that live on");
}

fn filled() -> (Producer, Consumer) {
    let (mut producer, consumer) = ring(1024);
    while producer.push(&[], &[&LONG]) != Pushed::Refused
        && producer.push(&[], &[b"short"]) != Pushed::Refused
    {}
    (producer, consumer)
}

#[test]
fn leftovers_are_freed_whoever_leaves_last() {
    assert_no_leak(|| {
        let (producer, consumer) = filled();
        drop(consumer);
        drop(producer);
    });
    assert_no_leak(|| {
        let (producer, mut consumer) = filled();
        drop(producer);
        assert_eq!(consumer.drain(5, |_| {}), 5);
    });
    assert_no_leak(|| {
        let (mut producer, consumer) = filled();
        let gauge = consumer.gauge();
        drop(consumer);
        assert_eq!(producer.push(&[], &[&LONG]), Pushed::Refused);
        drop(producer);
        assert!(gauge.waiting() > 0);
    });
}

#[test]
fn a_boxed_record_is_freed_when_take_panics() {
    assert_no_leak(|| {
        let (mut producer, mut consumer) = ring(1024);
        for _ in 0..3 {
            producer.push(&[], &[&LONG]);
        }
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            consumer.drain(1, |_| resume_unwind(Box::new(())));
        }));
        assert!(panicked.is_err());
        assert_eq!(consumer.drain(9, |bytes| assert_eq!(bytes, LONG)), 2);
    });
}

#[test]
fn an_inline_record_and_a_refusal_allocate_nothing() {
    let (mut producer, mut consumer) = filled();
    let before = ALLOCATIONS.get();
    for _ in 0..1000 {
        assert_eq!(producer.push(&[], &[&LONG]), Pushed::Refused);
    }
    consumer.drain(usize::MAX, |_| {});
    for _ in 0..1000 {
        assert_ne!(producer.push(&[], &[&LONG[..100], b"more"]), Pushed::Refused);
        assert_eq!(consumer.drain(9, |_| {}), 1);
    }
    assert_eq!(ALLOCATIONS.get(), before);
}
