//! A build without the feature `zstd`.

use super::rows::Refusal;

/// Whether frames compressed with zstd can be read.
#[allow(dead_code, reason = "the greeting of the listener says it")]
pub(crate) const SUPPORTED: bool = false;

pub(crate) fn decompress(_data: &[u8], _length: usize) -> Result<Vec<u8>, Refusal> {
    let sentence = "the frame is compressed with zstd, which this receiver was built without: \
                    enable its feature `zstd`, or send frames uncompressed";
    Err(Refusal::Unsupported(sentence.to_owned()))
}

/// See `on`.
pub(crate) fn decompress_into(_: &[u8], _: &mut [u8]) -> Option<usize> {
    None
}
