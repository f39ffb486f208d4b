//! The frames that a destination has to answer for: those that wait, and those under way.

use std::collections::BTreeMap;

use crate::export::Frame;

/// By sequence, so the oldest comes first, whatever was tried before.
#[derive(Default)]
pub(super) struct Outstanding {
    frames: BTreeMap<u64, Entry>,
    /// Given to the newest frame.
    last: u64,
    /// Items of the frames under way.
    under_way: u64,
}

struct Entry {
    frame: Frame,
    is_under_way: bool,
}

impl Outstanding {
    /// Adds a frame under the next sequence.
    pub(super) fn add(&mut self, make: impl FnOnce(u64) -> Frame) {
        self.last += 1;
        let entry = Entry { frame: make(self.last), is_under_way: false };
        self.frames.insert(self.last, entry);
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// The oldest frame that waits; from here on it is under way.
    pub(super) fn start(&mut self) -> Option<Frame> {
        let entry = self.frames.values_mut().find(|entry| !entry.is_under_way)?;
        entry.is_under_way = true;
        self.under_way += u64::from(entry.frame.items);
        Some(entry.frame.clone())
    }

    /// The frame waits for its next attempt.
    pub(super) fn put_back(&mut self, sequence: u64) {
        if let Some(entry) = self.frames.get_mut(&sequence).filter(|entry| entry.is_under_way) {
            entry.is_under_way = false;
            self.under_way -= u64::from(entry.frame.items);
        }
    }

    /// Takes a frame out for good; `None` where that was done before.
    pub(super) fn settle(&mut self, sequence: u64) -> Option<Frame> {
        let entry = self.frames.remove(&sequence)?;
        if entry.is_under_way {
            self.under_way -= u64::from(entry.frame.items);
        }
        Some(entry.frame)
    }

    /// Whether this sequence and all before it are settled, in whatever order they were.
    pub(super) fn has_settled(&self, sequence: u64) -> bool {
        self.frames.keys().next().is_none_or(|oldest| *oldest > sequence)
    }

    /// Items of the frames under way.
    pub(super) fn under_way(&self) -> u64 {
        self.under_way
    }

    pub(super) fn sequences(&self) -> Vec<u64> {
        self.frames.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn with(frames: u64) -> Outstanding {
        let mut outstanding = Outstanding::default();
        for _ in 0..frames {
            outstanding.add(|sequence| Frame::new(Bytes::new().into(), 1, 7, sequence));
        }
        outstanding
    }

    fn start(outstanding: &mut Outstanding) -> Option<u64> {
        outstanding.start().map(|frame| frame.sequence)
    }

    #[test]
    fn the_oldest_is_next_also_when_it_comes_back() {
        let mut outstanding = with(3);
        assert_eq!(start(&mut outstanding), Some(1));
        assert_eq!(start(&mut outstanding), Some(2));
        outstanding.put_back(2);
        outstanding.put_back(1);
        let order: Vec<_> = std::iter::from_fn(|| start(&mut outstanding)).collect();
        assert_eq!(order, [1, 2, 3]);
    }

    #[test]
    fn a_sequence_is_settled_when_all_before_it_are() {
        let mut outstanding = with(3);
        assert!(outstanding.has_settled(0) && !outstanding.has_settled(1));
        assert!(outstanding.settle(2).is_some() && outstanding.settle(3).is_some());
        assert!(!outstanding.has_settled(2), "the first is not");
        assert!(outstanding.settle(1).is_some());
        assert!(outstanding.has_settled(3));
        assert!(outstanding.settle(1).is_none(), "only once");
    }
}
