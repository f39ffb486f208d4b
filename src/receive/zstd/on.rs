//! Frames compressed with zstd.

use super::rows::{Refusal, inflate};

/// Whether frames compressed with zstd can be read.
#[allow(dead_code, reason = "the greeting of the listener says it")]
pub(crate) const SUPPORTED: bool = true;

/// The largest window that is followed, as a power of two: more memory than this no frame may ask for.
const WINDOW_BITS: u32 = 23;

/// The frame's inside, which is `length` bytes long or refused.
pub(crate) fn decompress(data: &[u8], length: usize) -> Result<Vec<u8>, Refusal> {
    let broken = |error| Refusal::Malformed(format!("the frame is not zstd: {error}"));
    let mut decoder = zstd::stream::read::Decoder::with_buffer(data).map_err(broken)?;
    decoder.window_log_max(WINDOW_BITS).map_err(broken)?;
    inflate(decoder, "zstd", length)
}
