//! One producer's buffer: a single-producer, single-consumer ring of variable-length records.
//!
//! A record is contiguous and starts with a word of its own: `length << 2 | form`. Where a record
//! does not fit before the end of the storage, a padding word fills the rest. A record that is
//! large for the ring travels as one boxed slice instead. A push publishes by one release store of
//! `tail`; a full ring refuses the record and counts it.
//!
//! `tests/models` holds the proofs: run `scripts/models` after a change here.

mod gauge;
mod write;

use std::cell::UnsafeCell;
use std::iter;
use std::mem::MaybeUninit;
use std::ptr;

use super::sync::{Arc, AtomicBool, AtomicU64, AtomicUsize, Ordering, Owner};
pub(crate) use gauge::Gauge;
use write::write;

const WORD: usize = size_of::<u64>();
/// A boxed record's pointer is stored in one word.
const _: () = assert!(size_of::<*mut u8>() <= WORD && align_of::<*mut u8>() <= align_of::<u64>());

/// The forms of a slot.
const INLINE: u64 = 0;
const BOXED: u64 = 1;
const PADDING: u64 = 2;

/// Words of the longest record that is pushed at once, beside its first one.
pub(crate) const AT_ONCE: usize = 4096;

/// Makes a ring of `bytes` (rounded up to a power of two, at least 1 KiB).
pub(crate) fn ring(bytes: usize) -> (Producer, Consumer) {
    ring_of(bytes.max(1024).next_power_of_two() / WORD)
}

/// Makes a ring of so many words: a power of two, at least 8, so that the longest record fits
/// beside the padding before it.
pub(crate) fn ring_of(words: usize) -> (Producer, Consumer) {
    assert!(words.is_power_of_two() && words >= 8, "a ring of {words} words");
    // Positions overflow after one lap, not after years: arithmetic that cannot is found at once.
    let start = words.wrapping_neg();
    let shared = Arc::new(Shared {
        storage: Box::new_uninit_slice(words),
        owners: iter::repeat_with(Owner::default).take(words).collect(),
        written: Written {
            tail: AtomicUsize::new(start),
            pushed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        },
        read: Read { head: AtomicUsize::new(start), taken: AtomicU64::new(0) },
    });
    let consumer = Consumer { shared: Arc::clone(&shared) };
    let mut producer = Producer {
        shared,
        head_seen: start,
        looked: start,
        tail: start,
        signalled: start,
        room: 0,
    };
    producer.measure();
    (producer, consumer)
}

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Stored,
    /// Stored, and the ring is more than half full: time to wake the consumer.
    ///
    /// Said again only when half a ring has been pushed since. A consumer that was woken takes what
    /// was there then, so this never misses a ring that is more than half full after it. One that
    /// stops at its limit has to come back by itself.
    HighWater,
    /// The ring was full; the record is gone and counted.
    Refused,
}

/// The recording thread's end.
pub(crate) struct Producer {
    shared: Arc<Shared>,
    /// The consumer's position when last looked at; it is never past the real one.
    head_seen: usize,
    /// `tail` at that look.
    looked: usize,
    tail: usize,
    /// `tail` at the last `HighWater`.
    signalled: usize,
    /// Words from `tail` on that are free, contiguous and below the high-water mark: what fits there
    /// goes without a further look.
    room: usize,
}

/// The worker's end.
pub(crate) struct Consumer {
    shared: Arc<Shared>,
}

struct Shared {
    /// Words for their alignment only: they hold bytes.
    storage: Box<[MaybeUninit<UnsafeCell<u64>>]>,
    /// Nothing here; under loom, the check that no slot has two users at once.
    owners: Box<[Owner]>,
    written: Written,
    read: Read,
}

/// What the producer writes; aligned, to keep the two ends off each other's cache line.
#[repr(align(128))]
struct Written {
    /// In words, counted up for ever and wrapping; the slot is `position & (words - 1)`.
    tail: AtomicUsize,
    pushed: AtomicU64,
    refused: AtomicU64,
    closed: AtomicBool,
}

/// What the consumer writes.
#[repr(align(128))]
struct Read {
    head: AtomicUsize,
    taken: AtomicU64,
}

// SAFETY: slots from `head` up to `tail` belong to the consumer, the others to the producer. Each
// end exists once, is not `Clone`, and hands slots over by a release store that the other acquires.
unsafe impl Send for Shared {}
// SAFETY: as above; `Gauge` reads only the atomics.
unsafe impl Sync for Shared {}

impl Producer {
    /// Appends one record, given as words and pieces behind them.
    pub(crate) fn push(&mut self, head: &[u64], pieces: &[&[u8]]) -> Pushed {
        if self.push_at_once(head, pieces) {
            Pushed::Stored
        } else {
            self.push_with_care(head, pieces)
        }
    }

    /// Appends one record where that needs nothing but the copy; false, and nothing is done, elsewhere.
    ///
    /// Both lists are of constant length where it is called, so that it comes without loops.
    #[inline(always)]
    pub(crate) fn push_at_once(&mut self, head: &[u64], pieces: &[&[u8]]) -> bool {
        let length = length(head, pieces);
        let words = 1 + length.div_ceil(WORD);
        if words > self.room {
            return false;
        }
        self.shared.check(self.tail, words, Owner::write);
        // SAFETY: so many slots from `tail` on are free and contiguous, by what `room` is.
        unsafe { write(self.shared.slot(self.tail), length, head, pieces) };
        self.room -= words;
        self.advance(words);
        true
    }

    /// `push` with all that may have to be done: a look at the consumer, padding, a box, a signal.
    #[cold]
    fn push_with_care(&mut self, head: &[u64], pieces: &[&[u8]]) -> Pushed {
        let length = length(head, pieces);
        let pushed = if length > self.shared.bytes() / 8 {
            self.push_boxed(head, pieces, length)
        } else {
            let words = 1 + length.div_ceil(WORD);
            let Some(slot) = self.reserve(words) else {
                return self.refuse();
            };
            // SAFETY: the slots are reserved and contiguous.
            unsafe { write(slot, length, head, pieces) };
            self.publish(words)
        };
        self.measure();
        pushed
    }

    fn push_boxed(&mut self, head: &[u64], pieces: &[&[u8]], length: usize) -> Pushed {
        // First the slots: a full ring must not cost an allocation.
        let Some(slot) = self.reserve(2) else {
            return self.refuse();
        };
        let mut record = Vec::new();
        if record.try_reserve_exact(length).is_err() {
            return self.refuse();
        }
        head.iter().for_each(|word| record.extend_from_slice(&word.to_ne_bytes()));
        pieces.iter().for_each(|piece| record.extend_from_slice(piece));
        let pointer = Box::into_raw(record.into_boxed_slice()).cast::<u8>();
        // SAFETY: the slots are reserved. The pointer is stored as one, to keep its provenance.
        unsafe {
            slot.write((length as u64) << 2 | BOXED);
            slot.add(1).cast::<*mut u8>().write(pointer);
        }
        self.publish(2)
    }

    /// Counts a record that could not even be tried.
    #[allow(clippy::needless_pass_by_ref_mut, reason = "a counter has one writer")]
    pub(crate) fn refuse(&mut self) -> Pushed {
        bump(&self.shared.written.refused);
        Pushed::Refused
    }

    /// The first of so many contiguous slots, the producer's own until `publish`.
    ///
    /// Padding to the end of the storage goes out with the next record, so the consumer always
    /// finds a record behind it.
    fn reserve(&mut self, words: usize) -> Option<*mut u64> {
        let size = self.shared.storage.len();
        let to_end = size - (self.tail & (size - 1));
        let padding = if words > to_end { to_end } else { 0 };
        if self.fill() + padding + words > size {
            self.look();
            if self.fill() + padding + words > size {
                return None;
            }
        }
        if padding > 0 {
            self.shared.check(self.tail, 1, Owner::write);
            // SAFETY: the slot is free: there is room for the padding and for the record.
            unsafe { self.shared.slot(self.tail).write((padding as u64) << 2 | PADDING) };
            self.tail = self.tail.wrapping_add(padding);
        }
        self.shared.check(self.tail, words, Owner::write);
        Some(self.shared.slot(self.tail))
    }

    fn publish(&mut self, words: usize) -> Pushed {
        self.advance(words);
        let half = self.shared.storage.len() / 2;
        if self.fill() <= half || self.tail.wrapping_sub(self.signalled) < half {
            return Pushed::Stored;
        }
        self.look();
        if self.fill() <= half {
            return Pushed::Stored;
        }
        self.signalled = self.tail;
        Pushed::HighWater
    }

    /// Hands so many slots over, which are one record, with the padding before it if there is one.
    #[inline(always)]
    fn advance(&mut self, words: usize) {
        self.tail = self.tail.wrapping_add(words);
        // Before `tail`, so that nobody sees more records taken than pushed.
        bump(&self.shared.written.pushed);
        self.shared.written.tail.store(self.tail, Ordering::Release);
    }

    /// Finds `room` anew. No record that fits there is one that would be boxed.
    fn measure(&mut self) {
        let size = self.shared.storage.len();
        if self.fill() >= size / 2 && self.tail.wrapping_sub(self.looked) >= size / 4 {
            self.look();
        }
        let to_end = size - (self.tail & (size - 1));
        let to_half = (size / 2).saturating_sub(self.fill());
        self.room = to_half.min(to_end).min(1 + (size / WORD).min(AT_ONCE));
    }

    /// Slots in use, as far as the producer knows; never too few.
    fn fill(&self) -> usize {
        self.tail.wrapping_sub(self.head_seen)
    }

    /// Takes back the slots that the consumer has released.
    fn look(&mut self) {
        self.head_seen = self.shared.read.head.load(Ordering::Acquire);
        self.looked = self.tail;
    }
}

/// Bytes of a record; saturating, since a sum that wrapped would reserve less than is copied.
#[inline(always)]
fn length(head: &[u64], pieces: &[&[u8]]) -> usize {
    pieces.iter().fold(size_of_val(head), |sum: usize, piece| sum.saturating_add(piece.len()))
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.shared.written.closed.store(true, Ordering::Release);
    }
}

impl Consumer {
    /// The producer is gone. Read this before the last `drain`, not after.
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.written.closed.load(Ordering::Acquire)
    }

    /// Takes at most `limit` of the records that were there at the call, oldest first.
    ///
    /// A record counts as taken whether `take` returns or panics, so a panic loses that one only.
    pub(crate) fn drain(&mut self, limit: usize, take: impl FnMut(&[u8])) -> usize {
        // SAFETY: there is one consumer, and it is borrowed mutably.
        unsafe { self.shared.drain(limit, take) }
    }

    pub(crate) fn gauge(&self) -> Gauge {
        Gauge::of(&self.shared)
    }
}

impl Drop for Shared {
    /// Frees the boxes that nobody took.
    fn drop(&mut self) {
        // SAFETY: both ends are gone.
        unsafe { self.drain(usize::MAX, |_| {}) };
    }
}

/// Gives a record's slots back and counts it, whether `take` returns or panics.
struct Release<'a> {
    shared: &'a Shared,
    to: usize,
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        bump(&self.shared.read.taken);
        self.shared.read.head.store(self.to, Ordering::Release);
    }
}

impl Shared {
    fn bytes(&self) -> usize {
        self.storage.len() * WORD
    }

    /// # Safety
    ///
    /// Only for the consumer, or for the last one to leave.
    unsafe fn drain(&self, limit: usize, mut take: impl FnMut(&[u8])) -> usize {
        let tail = self.written.tail.load(Ordering::Acquire);
        let mut head = self.read.head.load(Ordering::Relaxed);
        let mut taken = 0;
        while head != tail && taken < limit {
            self.check(head, 1, Owner::read);
            let slot = self.slot(head);
            // SAFETY: before `tail`, and a record or a padding starts here.
            let word = unsafe { slot.read() };
            let (form, length) = (word & 3, (word >> 2) as usize);
            let words = match form {
                INLINE => 1 + length.div_ceil(WORD),
                BOXED => 2,
                _ => {
                    head = head.wrapping_add(length);
                    continue;
                }
            };
            self.check(head, words, Owner::read);
            let release = Release { shared: self, to: head.wrapping_add(words) };
            if form == INLINE {
                // SAFETY: the producer wrote `length` bytes in one run behind the word, and does
                // not touch them before `release` is dropped.
                take(unsafe { std::slice::from_raw_parts(slot.add(1).cast(), length) });
            } else {
                // SAFETY: the word holds what `Box::into_raw` gave for `length` bytes. It is read
                // once, since `release` moves `head` past it in any case.
                let record: Box<[u8]> = unsafe {
                    let pointer = slot.add(1).cast::<*mut u8>().read();
                    Box::from_raw(ptr::slice_from_raw_parts_mut(pointer, length))
                };
                take(&record);
            }
            // Still ours until here.
            self.check(head, words, Owner::read);
            drop(release);
            head = head.wrapping_add(words);
            taken += 1;
        }
        taken
    }

    fn check(&self, position: usize, words: usize, access: fn(&Owner)) {
        // Nothing outside of loom, not even a loop.
        if size_of::<Owner>() > 0 {
            let mask = self.storage.len() - 1;
            (0..words).for_each(|word| access(&self.owners[position.wrapping_add(word) & mask]));
        }
    }

    /// The slot's address; only its owner may use it.
    fn slot(&self, position: usize) -> *mut u64 {
        let index = position & (self.storage.len() - 1);
        // Derived from the whole storage, since a record spans several slots.
        self.storage.as_ptr().cast::<u64>().cast_mut().wrapping_add(index)
    }
}

/// One writer only, so no locked instruction.
fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
}
