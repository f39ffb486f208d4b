//! The bytes of a record, written to slots that are the caller's.

use std::ptr;

/// Writes one record: its first word, and what it says.
///
/// # Safety
///
/// The record's slots must be the caller's, contiguous, and `length` what head and pieces have in all.
#[inline(always)]
pub(super) unsafe fn write(slot: *mut u64, length: usize, head: &[u64], pieces: &[&[u8]]) {
    // SAFETY: by the caller's promise.
    unsafe {
        slot.write((length as u64) << 2 | super::INLINE);
        ptr::copy_nonoverlapping(head.as_ptr(), slot.add(1), head.len());
        let mut to = slot.add(1 + head.len()).cast::<u8>();
        for piece in pieces {
            copy(piece, to);
            to = to.add(piece.len());
        }
    }
}

/// Copies one piece. Most are short, and for those a call costs more than the copy.
///
/// # Safety
///
/// There must be room for it at `to`.
#[inline(always)]
unsafe fn copy(piece: &[u8], to: *mut u8) {
    let (from, length) = (piece.as_ptr(), piece.len());
    // SAFETY: the pieces that are read and written overlap, and do not go beyond the piece.
    unsafe {
        match length {
            0 => {}
            1..4 => {
                to.write(from.read());
                to.add(length / 2).write(from.add(length / 2).read());
                to.add(length - 1).write(from.add(length - 1).read());
            }
            4..8 => ends::<u32>(from, to, length),
            8..=16 => ends::<u64>(from, to, length),
            17..=32 => ends::<u128>(from, to, length),
            _ => ptr::copy_nonoverlapping(from, to, length),
        }
    }
}

/// The first and the last of `length` bytes, which together are all.
///
/// # Safety
///
/// `length` is from once to twice the size of a `T`.
#[inline(always)]
unsafe fn ends<T>(from: *const u8, to: *mut u8, length: usize) {
    let last = length - size_of::<T>();
    // SAFETY: both are inside of the `length` bytes.
    unsafe {
        let (first, end) =
            (from.cast::<T>().read_unaligned(), from.add(last).cast::<T>().read_unaligned());
        to.cast::<T>().write_unaligned(first);
        to.add(last).cast::<T>().write_unaligned(end);
    }
}
