//! Frames compressed with zstd.

use std::cell::RefCell;

use zstd::bulk::Decompressor;

use super::rows::{Refusal, inflate};

/// Whether frames compressed with zstd can be read.
#[allow(dead_code, reason = "the greeting of the listener says it")]
pub(crate) const SUPPORTED: bool = true;

/// The largest window that is followed, as a power of two: more memory than this no frame may ask for.
const WINDOW_BITS: u32 = 23;

thread_local! {
    /// Its tables take longer to set up than a small frame takes to be read.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The frame's inside into `room`, and how long it is: the quick way, which says nothing where it fails.
pub(crate) fn decompress_into(data: &[u8], room: &mut [u8]) -> Option<usize> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::new().ok()?),
        };
        decompressor.decompress_to_buffer(data, room).ok()
    })
}

/// The frame's inside, which is `length` bytes long or refused.
pub(crate) fn decompress(data: &[u8], length: usize) -> Result<Vec<u8>, Refusal> {
    let broken = |error| Refusal::Malformed(format!("the frame is not zstd: {error}"));
    let mut decoder = zstd::stream::read::Decoder::with_buffer(data).map_err(broken)?;
    decoder.window_log_max(WINDOW_BITS).map_err(broken)?;
    inflate(decoder, "zstd", length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compressed(data: &[u8]) -> Vec<u8> {
        zstd::encode_all(data, 1).unwrap()
    }

    #[test]
    fn what_was_compressed() {
        let plain = b"twice and twice and twice and twice".repeat(1000);
        assert_eq!(decompress(&compressed(&plain), plain.len()).as_ref(), Ok(&plain));
        assert_eq!(decompress(&compressed(b""), 0), Ok(Vec::new()));
        let mut room = vec![0; plain.len()];
        assert_eq!(decompress_into(&compressed(&plain), &mut room), Some(plain.len()));
        assert_eq!(room, plain);
    }

    #[test]
    fn a_bomb_stops_at_what_is_announced() {
        let bomb = compressed(&vec![0; 32 << 20]);
        assert!(bomb.len() < 8192);
        let said = decompress(&bomb, 4096).unwrap_err();
        assert_eq!(said.detail(), "the zstd frame holds more than the 4096 bytes announced");
        assert_eq!(decompress_into(&bomb, &mut [0; 4096]), None);
    }

    #[test]
    fn what_is_not_zstd_or_not_whole() {
        let whole = compressed(&[7; 5000]);
        for data in [&b"no zstd"[..], &whole[..whole.len() - 1], &[]] {
            let read = decompress(data, 5000);
            assert!(!matches!(read, Ok(read) if read.len() == 5000), "{data:?}");
        }
    }

    #[test]
    fn a_window_larger_than_ours() {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        let data = vec![0; 9 << 20];
        std::io::Write::write_all(&mut encoder, &data).unwrap();
        let frame = encoder.finish().unwrap();
        assert!(matches!(decompress(&frame, data.len()), Err(Refusal::Malformed(_))));
    }
}
