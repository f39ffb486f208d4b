//! The traces of a batch, of which there are fewer than spans.

/// As many are found again without a search.
const KNOWN: usize = 64;

/// Ids of traces in the order of their first span. One that is forgotten meanwhile stands here twice.
#[derive(Debug)]
pub(super) struct Traces {
    ids: Vec<u128>,
    /// Where the last trace of each kind stands, by some of its bits.
    known: [u32; KNOWN],
}

impl Default for Traces {
    fn default() -> Self {
        Self { ids: Vec::new(), known: [0; KNOWN] }
    }
}

impl Traces {
    /// The number of a trace, which is added if it is new.
    #[inline]
    pub(super) fn index(&mut self, id: u128) -> u32 {
        let place = (id ^ id >> 64) as usize % KNOWN;
        let known = self.known[place];
        if self.ids.get(known as usize) == Some(&id) {
            return known;
        }
        let index = self.ids.len() as u32;
        self.ids.push(id);
        self.known[place] = index;
        index
    }

    pub(super) fn ids(&self) -> &[u128] {
        &self.ids
    }

    pub(super) fn clear(&mut self) {
        self.ids.clear();
        self.known = [0; KNOWN];
    }
}
