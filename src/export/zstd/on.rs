//! Frames compressed with zstd.

use std::cell::RefCell;
use std::io;

use zstd::stream::raw::{Encoder, InBuffer, Operation as _, OutBuffer};
use zstd::zstd_safe::compress_bound;

/// Whether this build can.
pub(super) const SUPPORTED: bool = true;

/// Half the work of 3, which is the library's own default; with blocks that are cut where they should be, its
/// bytes are fewer than those of 3 without.
const LEVEL: i32 = 1;

/// In less than this, a block more costs more than it saves.
const CUT_FROM: usize = 16 * 1024;

thread_local! {
    /// Its tables take longer to set up than a small frame takes to compress. All links of a process are on one
    /// thread or two.
    static ENCODER: RefCell<Option<Encoder<'static>>> = const { RefCell::new(None) };
}

/// `None` where it does not get smaller. Each block of a frame has one code for all of its bytes: at the `cuts`,
/// which are in order, a new block begins, since what is on either side is of another kind.
pub(super) fn compress(data: &[u8], cuts: &[usize]) -> Option<Vec<u8>> {
    ENCODER.with_borrow_mut(|kept| {
        let encoder = match kept {
            Some(encoder) => encoder,
            None => kept.insert(Encoder::new(LEVEL).ok()?),
        };
        let compressed = written(encoder, data, cuts);
        if compressed.is_err() {
            // Who knows where it stands.
            *kept = None;
        }
        compressed.ok().filter(|compressed| compressed.len() < data.len())
    })
}

fn written(encoder: &mut Encoder<'static>, data: &[u8], cuts: &[usize]) -> io::Result<Vec<u8>> {
    let cuts = if data.len() < CUT_FROM { &[] } else { cuts };
    encoder.reinit()?;
    encoder.set_pledged_src_size(Some(data.len() as u64))?;
    // Room for all that it can become, and for the heads of more blocks: it is never asked twice.
    let room = compress_bound(data.len()) + 64 * (1 + cuts.len());
    let mut compressed = Vec::with_capacity(room);
    let mut output = OutBuffer::around(&mut compressed);
    let mut start = 0;
    let inside = cuts.iter().copied().filter(|cut| *cut < data.len());
    for end in inside.chain([data.len()]) {
        let part = data.get(start..end).unwrap_or_default();
        start += part.len();
        let mut input = InBuffer::around(part);
        while input.pos() < part.len() {
            encoder.run(&mut input, &mut output)?;
        }
        let left = if end == data.len() {
            encoder.finish(&mut output, true)?
        } else {
            encoder.flush(&mut output)?
        };
        if left != 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    compressed.shrink_to_fit();
    Ok(compressed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(compressed: &[u8]) -> Vec<u8> {
        zstd::decode_all(compressed).unwrap()
    }

    #[test]
    fn wherever_it_is_cut_it_is_read_as_it_was() {
        let data: Vec<u8> = (0..90_000_u32).map(|index| (index / 7 % 251) as u8).collect();
        for cuts in [&[][..], &[0], &[1, 2, 3], &[40_000, 40_000], &[90_000], &[5000, 89_999]] {
            let compressed = compress(&data, cuts).unwrap();
            assert!(read(&compressed) == data, "cut at {cuts:?}");
        }
        for length in [1000, CUT_FROM - 1, CUT_FROM] {
            assert!(read(&compress(&data[..length], &[500]).unwrap()) == data[..length]);
        }
    }

    #[test]
    fn cuts_that_make_no_sense_lose_nothing() {
        let data = vec![3; 50_000];
        for cuts in [&[60_000][..], &[20_000, 10_000]] {
            if let Some(compressed) = compress(&data, cuts) {
                assert!(read(&compressed) == data, "cut at {cuts:?}");
            }
        }
    }

    #[test]
    fn what_does_not_get_smaller() {
        assert_eq!(compress(&[], &[]), None);
        assert_eq!(compress(b"short", &[2]), None);
    }

    #[test]
    fn texts_beside_numbers_take_less_when_they_are_cut() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as u8
        };
        let texts = (0..20_000).map(|_| b"0123456789abcdef"[usize::from(random() % 16)]);
        let mut data: Vec<u8> = texts.collect();
        data.extend((0..20_000).map(|_| random()));
        let (whole, cut) = (compress(&data, &[]).unwrap(), compress(&data, &[20_000]).unwrap());
        assert!(cut.len() < whole.len(), "{} and {}", cut.len(), whole.len());
    }
}
