//! The memory of messages that were sent, for those that come.

use std::mem;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

/// More is not kept: a batch that is as large is rare.
const MOST: usize = 1024 * 1024;

/// The last message's memory, once nobody reads it any more. Nobody waits for it either: new memory costs less, and
/// in the child of a fork the lock may be held for ever.
#[derive(Clone, Debug, Default)]
pub(super) struct Spare(Arc<Mutex<Vec<u8>>>);

/// A message, and where its memory belongs.
struct Lent {
    bytes: Vec<u8>,
    home: Spare,
}

impl Spare {
    /// Empty, with room for so many bytes.
    pub(super) fn take(&self, capacity: usize) -> Vec<u8> {
        let mut bytes =
            self.0.try_lock().map_or_else(|_| Vec::new(), |mut kept| mem::take(&mut *kept));
        if bytes.capacity() < capacity {
            return Vec::with_capacity(capacity);
        }
        bytes.clear();
        bytes
    }

    /// Bytes whose memory comes back with the last clone's drop, on whatever thread.
    pub(super) fn lend(&self, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { bytes, home: self.clone() })
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.bytes.capacity() <= MOST {
            if let Ok(mut kept) = self.home.0.try_lock() {
                // What was kept is dropped with this.
                mem::swap(&mut *kept, &mut self.bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_with_the_last_clone() {
        let spare = Spare::default();
        let mut bytes = spare.take(100);
        bytes.extend([1; 50]);
        let memory = bytes.as_ptr();
        let lent = spare.lend(bytes);
        let clone = lent.clone();
        drop(lent);
        let other = spare.take(10);
        assert_ne!(other.as_ptr(), memory, "it is read still");
        assert_eq!(clone, [1; 50][..]);
        drop(clone);
        let again = spare.take(100);
        assert_eq!((again.as_ptr(), again.len()), (memory, 0));
    }

    #[test]
    fn a_giant_is_not_kept() {
        let spare = Spare::default();
        drop(spare.lend(spare.take(MOST + 1)));
        assert_eq!(spare.take(0).capacity(), 0);
    }
}
