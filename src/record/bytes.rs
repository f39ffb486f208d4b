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

/// Whether two texts are the same. Most are short, and for those a call costs more than the look.
#[inline(always)]
pub(super) fn are_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && match one.len() {
            8..=16 => have_same_ends::<8>(one, other),
            4..8 => have_same_ends::<4>(one, other),
            2..4 => have_same_ends::<2>(one, other),
            17..=32 => have_same_ends::<16>(one, other),
            _ => one == other,
        }
}

#[inline(always)]
fn have_same_ends<const N: usize>(one: &[u8], other: &[u8]) -> bool {
    one.first_chunk::<N>() == other.first_chunk() && one.last_chunk::<N>() == other.last_chunk()
}

/// The first `N` bytes, which are all zero where there are fewer, and what is behind them.
#[inline(always)]
pub(super) fn first<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    match bytes.split_first_chunk() {
        Some((first, rest)) => (*first, rest),
        None => ([0; N], &[]),
    }
}

/// Reads little-endian numbers and pieces off the front; short input reads as zero and empty.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    #[inline(always)]
    pub(super) fn piece(&mut self, length: usize) -> &'a [u8] {
        let (piece, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        piece
    }

    #[inline(always)]
    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        self.piece(N).try_into().unwrap_or([0; N])
    }

    #[inline(always)]
    pub(super) fn u8(&mut self) -> u8 {
        u8::from_le_bytes(self.array())
    }

    #[inline(always)]
    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    #[inline(always)]
    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    #[inline(always)]
    pub(super) fn u128(&mut self) -> u128 {
        u128::from_le_bytes(self.array())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_same_where_every_byte_is() {
        let text: Vec<u8> = (0..80).collect();
        for length in 0..text.len() {
            let (one, mut other) = (&text[..length], text[..length].to_vec());
            assert!(are_same(one, &other));
            assert!(!are_same(one, &text[..length + 1]));
            for at in 0..length {
                other[at] ^= 1;
                assert!(!are_same(one, &other), "{at} of {length}");
                other[at] ^= 1;
            }
        }
    }
}
