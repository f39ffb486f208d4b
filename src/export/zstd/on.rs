//! Frames compressed with zstd.

use std::cell::RefCell;
use std::io::Read as _;

use zstd::bulk::Compressor;

/// Whether this build can.
pub(super) const SUPPORTED: bool = true;

/// The library's own default, and that of other exporters; 1 is half the work for a few percent more bytes.
const LEVEL: i32 = 3;

/// The largest window that is followed, as a power of two.
const WINDOW_BITS: u32 = 23;

thread_local! {
    /// Its tables take longer to set up than a small frame takes to compress. All links of a process are on one
    /// thread or two.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// `None` where it does not get smaller.
pub(super) fn compress(data: &[u8]) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::new(LEVEL).ok()?),
        };
        let compressed = compressor.compress(data).ok()?;
        (compressed.len() < data.len()).then_some(compressed)
    })
}

/// At most so many bytes of what was compressed; `None` where it is broken.
#[allow(dead_code, reason = "for answers of gRPC")]
pub(super) fn decompress(data: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let mut decoder = zstd::stream::read::Decoder::with_buffer(data).ok()?;
    // As much memory as an answer may have, and no more.
    decoder.window_log_max(WINDOW_BITS).ok()?;
    decoder.take(most as u64).read_to_end(&mut plain).ok()?;
    Some(plain)
}
