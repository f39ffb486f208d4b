//! The memory of frames, used again.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// More is not kept: a frame that is as large is rare.
pub(super) const MOST: usize = 1024 * 1024;

/// The last frame of an encoder, to get its memory back once nobody else holds it.
#[derive(Debug, Default)]
pub(crate) struct Last {
    buffer: Bytes,
    /// The frame in it, which may be shorter.
    length: usize,
}

impl Last {
    /// The last frame's buffer, as it was left, or a new one of this capacity.
    pub(crate) fn buffer(&mut self, size: usize) -> BytesMut {
        let last = std::mem::take(&mut self.buffer).try_into_mut();
        last.unwrap_or_else(|_| BytesMut::with_capacity(size))
    }

    /// What was made in such a buffer, and fills it.
    pub(crate) fn keep_all(&mut self, buffer: BytesMut) -> Bytes {
        let all = 0..buffer.len();
        self.keep(buffer, all)
    }

    /// What was made in such a buffer, which is `within` it.
    pub(crate) fn keep(&mut self, mut buffer: BytesMut, within: Range<usize>) -> Bytes {
        // Splitting makes the handle that is shared, which stays with the buffer from then on; `freeze` alone
        // would make one that does not.
        let whole = buffer.split().freeze();
        let frame = whole.slice(within);
        *self = Self::default();
        if whole.len() <= MOST {
            *self = Self { buffer: whole, length: frame.len() };
        }
        frame
    }

    /// The last frame's length; a giant's is forgotten.
    pub(crate) fn len(&self) -> usize {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_once_nobody_reads_it() {
        let mut last = Last::default();
        let mut buffer = last.buffer(100);
        buffer.extend([1; 50]);
        let memory = buffer.as_ptr();
        let frame = last.keep(buffer, 10..40);
        let mut other = last.buffer(100);
        assert_ne!(other.as_ptr(), memory, "it is read still");
        assert_eq!(frame, [1; 30][..]);
        other.extend([2]);
        let memory = other.as_ptr();
        drop(last.keep_all(other));
        let again = last.buffer(100);
        assert_eq!((again.as_ptr(), &again[..]), (memory, &[2][..]));
    }

    #[test]
    fn the_handle_comes_back_too() {
        let mut last = Last::default();
        let mut frame = || {
            let mut buffer = last.buffer(100);
            buffer.clear();
            buffer.extend([1; 50]);
            drop(last.keep(buffer, 10..40));
        };
        frame();
        assert_eq!(allocation_counter::measure(frame).count_total, 0);
    }

    #[test]
    fn a_giant_is_not_kept() {
        let mut last = Last::default();
        drop(last.keep_all(BytesMut::zeroed(MOST + 1)));
        assert_eq!(last.buffer(0).capacity(), 0);
    }
}
