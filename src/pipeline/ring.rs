//! One producer's buffer: a single-producer, single-consumer ring of variable-length records.
//!
//! A record is contiguous and starts at a multiple of 8 bytes with a word of its own:
//! `length << 2 | form`. Where a record does not fit before the end of the storage, a padding word
//! fills the rest. A record that is large for the ring travels as one boxed slice instead.
//! A push is one release store; a full ring refuses the record and counts it.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr;

use super::sync::{Arc, AtomicBool, AtomicU64, AtomicUsize, Ordering, Owner};

const WORD: usize = 8;
/// The forms of a slot.
const INLINE: u64 = 0;
const BOXED: u64 = 1;
const PADDING: u64 = 2;

/// Makes a ring of `bytes` (rounded up to a power of two, at least 1 KiB).
pub(crate) fn ring(bytes: usize) -> (Producer, Consumer) {
    let words = (bytes.max(1024).next_power_of_two()) / WORD;
    let shared = Arc::new(Shared {
        storage: (0..words).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect(),
        owners: (0..words).map(|_| Owner::new()).collect(),
        head: Padded(AtomicUsize::new(0)),
        tail: Padded(AtomicUsize::new(0)),
        closed: AtomicBool::new(false),
        pushed: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        taken: AtomicU64::new(0),
    });
    (
        Producer { shared: Arc::clone(&shared), head_seen: 0, tail: 0, above: false },
        Consumer { shared },
    )
}

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Stored,
    /// Stored, and the ring has just become half full: time to wake the consumer.
    HighWater,
    /// The ring was full; the record is gone and counted.
    Refused,
}

/// The recording thread's end.
pub(crate) struct Producer {
    shared: Arc<Shared>,
    /// The consumer's position when last looked at; it only ever grows.
    head_seen: usize,
    tail: usize,
    /// The fill was above the high-water mark at the last push.
    above: bool,
}

/// The worker's end.
pub(crate) struct Consumer {
    shared: Arc<Shared>,
}

/// A look at a ring's counters, from any thread.
#[derive(Clone)]
pub(crate) struct Gauge {
    shared: Arc<Shared>,
}

struct Shared {
    storage: Box<[UnsafeCell<MaybeUninit<[u8; WORD]>>]>,
    /// Nothing here; under loom, the check that no slot has two users at once.
    owners: Box<[Owner]>,
    /// In words, counted up for ever; the slot is `position & (words - 1)`.
    head: Padded<AtomicUsize>,
    tail: Padded<AtomicUsize>,
    closed: AtomicBool,
    pushed: AtomicU64,
    refused: AtomicU64,
    taken: AtomicU64,
}

/// Keeps the two ends off each other's cache line.
#[repr(align(128))]
struct Padded<T>(T);

// SAFETY: slots from `head` up to `tail` belong to the consumer, the others to the producer. Each
// end exists once, is not `Clone`, and hands slots over by a release store that the other acquires.
unsafe impl Send for Shared {}
// SAFETY: as above; `Gauge` reads only the atomics.
unsafe impl Sync for Shared {}

impl Producer {
    /// Appends one record, given in pieces.
    pub(crate) fn push(&mut self, pieces: &[&[u8]]) -> Pushed {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        let words = self.shared.storage.len();
        if length > words * WORD / 8 {
            return self.push_boxed(pieces.concat().into_boxed_slice());
        }
        let Some(at) = self.reserve(1 + length.div_ceil(WORD)) else {
            return self.refuse();
        };
        self.shared.write(at, 0, &((length as u64) << 2 | INLINE).to_le_bytes());
        let mut offset = WORD;
        for piece in pieces {
            self.shared.write(at, offset, piece);
            offset += piece.len();
        }
        self.publish(1 + length.div_ceil(WORD))
    }

    /// Appends one record that is already boxed.
    fn push_boxed(&mut self, record: Box<[u8]>) -> Pushed {
        let Some(at) = self.reserve(2) else {
            return self.refuse();
        };
        self.shared.check(at, 2, Owner::write);
        let length = record.len() as u64;
        let pointer = Box::into_raw(record).cast::<u8>();
        self.shared.write(at, 0, &(length << 2 | BOXED).to_le_bytes());
        // SAFETY: the two words from `at` were just reserved, and a pointer fits in one. It is
        // stored as a pointer, so that it keeps its provenance.
        unsafe { self.shared.slot(at + 1).cast::<*mut u8>().write_unaligned(pointer) };
        self.publish(2)
    }

    /// Counts a record that could not even be tried.
    pub(crate) fn refuse(&mut self) -> Pushed {
        bump(&self.shared.refused);
        Pushed::Refused
    }

    /// Room for a record of so many words, contiguous; pads to the end of the storage if need be.
    fn reserve(&mut self, words: usize) -> Option<usize> {
        let size = self.shared.storage.len();
        let to_end = size - (self.tail & (size - 1));
        let padding = if words > to_end { to_end } else { 0 };
        let needed = padding + words;
        if self.tail + needed - self.head_seen > size {
            self.head_seen = self.shared.head.0.load(Ordering::Acquire);
            if self.tail + needed - self.head_seen > size {
                return None;
            }
        }
        if padding > 0 {
            self.shared.write(self.tail, 0, &((padding as u64) << 2 | PADDING).to_le_bytes());
            self.tail += padding;
        }
        Some(self.tail)
    }

    fn publish(&mut self, words: usize) -> Pushed {
        self.tail += words;
        bump(&self.shared.pushed);
        self.shared.tail.0.store(self.tail, Ordering::Release);
        let half = self.shared.storage.len() / 2;
        if self.tail - self.head_seen <= half {
            self.above = false;
            return Pushed::Stored;
        }
        self.head_seen = self.shared.head.0.load(Ordering::Acquire);
        let above = self.tail - self.head_seen > half;
        let crossed = above && !self.above;
        self.above = above;
        if crossed { Pushed::HighWater } else { Pushed::Stored }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
    }
}

impl Consumer {
    /// The producer is gone. Read this before the last `drain`, not after.
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Takes at most `limit` of the records that were there at the call, oldest first.
    ///
    /// A record counts as taken before `take` sees it, so a panic there loses that one only.
    pub(crate) fn drain(&mut self, limit: usize, take: impl FnMut(&[u8])) -> usize {
        self.shared.drain(limit, take)
    }

    pub(crate) fn gauge(&self) -> Gauge {
        Gauge { shared: Arc::clone(&self.shared) }
    }
}

/// Moves `head` on, whether `take` returns or panics.
struct Release<'a> {
    shared: &'a Shared,
    to: usize,
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        bump(&self.shared.taken);
        self.shared.head.0.store(self.to, Ordering::Release);
    }
}

impl Gauge {
    /// Records offered: stored or refused.
    pub(crate) fn offered(&self) -> u64 {
        self.shared.pushed.load(Ordering::Acquire) + self.refused()
    }

    /// Records that found the ring full.
    pub(crate) fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Acquire)
    }

    /// Records in the ring.
    pub(crate) fn waiting(&self) -> u64 {
        let taken = self.shared.taken.load(Ordering::Acquire);
        self.shared.pushed.load(Ordering::Acquire).saturating_sub(taken)
    }

    /// Both look at the same ring.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Bytes of storage.
    pub(crate) fn bytes(&self) -> usize {
        self.shared.storage.len() * WORD
    }
}

impl Drop for Shared {
    /// Frees the boxes that nobody took.
    fn drop(&mut self) {
        self.drain(usize::MAX, |_| {});
    }
}

impl Shared {
    /// For the consumer, or for the last one to leave.
    fn drain(&self, limit: usize, mut take: impl FnMut(&[u8])) -> usize {
        let tail = self.tail.0.load(Ordering::Acquire);
        let mut head = self.head.0.load(Ordering::Relaxed);
        let mut taken = 0;
        while head != tail && taken < limit {
            let (form, length) = self.head_word(head);
            match form {
                PADDING => {
                    head += length;
                    continue;
                }
                INLINE => {
                    let release = Release { shared: self, to: head + 1 + length.div_ceil(WORD) };
                    self.check(head + 1, length.div_ceil(WORD), Owner::read);
                    // SAFETY: the producer wrote `length` bytes after the word at `head`, all in
                    // one run, and does not touch them before `release` moves `head` past them.
                    take(unsafe { std::slice::from_raw_parts(self.slot(head + 1), length) });
                    head = release.to;
                }
                _ => {
                    self.check(head + 1, 1, Owner::read);
                    // SAFETY: the word holds what `Box::into_raw` gave. It is read once, since
                    // `head` moves past it before anything can fail.
                    let record: Box<[u8]> = unsafe {
                        let pointer = self.slot(head + 1).cast::<*mut u8>().read_unaligned();
                        Box::from_raw(ptr::slice_from_raw_parts_mut(pointer, length))
                    };
                    head += 2;
                    drop(Release { shared: self, to: head });
                    take(&record);
                }
            }
            taken += 1;
        }
        taken
    }

    fn check(&self, position: usize, words: usize, access: fn(&Owner)) {
        // A loop over nothing outside of loom.
        if size_of::<Owner>() > 0 {
            let mask = self.storage.len() - 1;
            (position..position + words).for_each(|word| access(&self.owners[word & mask]));
        }
    }

    /// The slot's address; only its current owner may use it.
    fn slot(&self, position: usize) -> *mut u8 {
        let index = position & (self.storage.len() - 1);
        // A pointer derived from the whole storage, since a record spans several slots.
        let base = self.storage.as_ptr().cast::<u8>().cast_mut();
        base.wrapping_add(index * WORD)
    }

    /// Copies bytes behind a reserved position.
    fn write(&self, position: usize, offset: usize, bytes: &[u8]) {
        debug_assert!(
            (position & (self.storage.len() - 1)) * WORD + offset + bytes.len()
                <= self.storage.len() * WORD
        );
        self.check(position + offset / WORD, bytes.len().div_ceil(WORD), Owner::write);
        // SAFETY: only the producer calls this, for words that it has reserved and not published.
        unsafe {
            ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                self.slot(position).wrapping_add(offset),
                bytes.len(),
            );
        }
    }

    fn head_word(&self, position: usize) -> (u64, usize) {
        self.check(position, 1, Owner::read);
        // SAFETY: the consumer reads a word at a record's start, which the producer has written.
        let word = u64::from_le_bytes(unsafe { self.slot(position).cast::<[u8; WORD]>().read() });
        (word & 3, (word >> 2) as usize)
    }
}

/// One writer only, so no locked instruction.
fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
}
