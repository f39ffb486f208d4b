//! The newest sampled call, or where there is none the newest, in each bucket of a series, since the last collection.

use super::sync::BUCKETS;

/// A span that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exemplar {
    pub(super) nanos: u64,
    /// When it ended, since the Unix epoch.
    pub(super) time: u64,
    /// 0 where there is no span, or none that was sampled.
    pub(super) trace: u128,
    pub(super) span: u64,
}

/// By bucket; nothing until the first.
#[derive(Clone, Debug, Default)]
pub(super) struct Exemplars(Option<Box<[Option<Exemplar>; BUCKETS]>>);

impl Exemplars {
    pub(super) fn put(&mut self, bucket: usize, exemplar: Exemplar) {
        let place = &mut self.0.get_or_insert_default()[bucket % BUCKETS];
        // A span is worth more than none.
        let worth = |of: Exemplar| (of.span != 0, of.time);
        if place.is_none_or(|old| worth(old) <= worth(exemplar)) {
            *place = Some(exemplar);
        }
    }

    /// Adds another's, the newer ones where both have one.
    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, exemplar) in other.iter() {
            self.put(bucket, *exemplar);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Exemplar)> {
        let buckets = self.0.iter().flat_map(|buckets| buckets.iter().enumerate());
        buckets.filter_map(|(bucket, exemplar)| Some((bucket, exemplar.as_ref()?)))
    }
}
