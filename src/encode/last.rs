//! The memory of frames, used again.

use bytes::Bytes;

/// More is not kept: a frame that is as large is rare.
const MOST: usize = 1024 * 1024;

/// The last frame of an encoder, to get its memory back once nobody else holds it.
#[derive(Debug, Default)]
pub(crate) struct Last(Bytes);

impl Last {
    /// An empty buffer: the last frame's, or a new one of this size.
    pub(crate) fn buffer(&mut self, size: usize) -> Vec<u8> {
        match std::mem::take(&mut self.0).try_into_mut() {
            Ok(mut unshared) => {
                unshared.clear();
                Vec::from(unshared)
            }
            Err(_) => Vec::with_capacity(size),
        }
    }

    /// What was made in such a buffer.
    pub(crate) fn keep(&mut self, frame: Bytes) -> Bytes {
        if frame.len() <= MOST {
            self.0 = frame.clone();
        }
        frame
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
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
        let frame = last.keep(buffer.into());
        let mut other = last.buffer(100);
        assert_ne!(other.as_ptr(), memory, "it is read still");
        assert_eq!(frame, [1; 50][..]);
        other.push(2);
        let memory = other.as_ptr();
        drop(last.keep(other.into()));
        let again = last.buffer(100);
        assert_eq!((again.as_ptr(), again.len()), (memory, 0));
    }

    #[test]
    fn a_giant_is_not_kept() {
        let mut last = Last::default();
        drop(last.keep(vec![0; MOST + 1].into()));
        assert_eq!(last.buffer(0).capacity(), 0);
    }
}
