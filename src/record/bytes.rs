//! Reading packed records, and writing short ones.

/// Copies slices of equal length. Most are short, and for those a call costs more than the copy.
#[inline(always)]
pub(super) fn copy(to: &mut [u8], from: &[u8]) {
    match from.len() {
        8..=16 => ends::<8>(to, from),
        4..8 => ends::<4>(to, from),
        17..=32 => ends::<16>(to, from),
        _ => to.copy_from_slice(from),
    }
}

/// The first and the last `N` bytes, which together are all.
#[inline(always)]
fn ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) {
        to[..N].copy_from_slice(first);
        let at = to.len() - N;
        to[at..].copy_from_slice(last);
    }
}

/// Reads little-endian numbers and pieces off the front; short input reads as zero and empty.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn piece(&mut self, length: usize) -> &'a [u8] {
        let (piece, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        piece
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        self.piece(N).try_into().unwrap_or([0; N])
    }

    pub(super) fn u8(&mut self) -> u8 {
        u8::from_le_bytes(self.array())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    pub(super) fn u128(&mut self) -> u128 {
        u128::from_le_bytes(self.array())
    }
}
