//! The memory of frames, used again.

use bytes::Bytes;

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
        self.0 = frame.clone();
        frame
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
