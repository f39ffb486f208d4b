//! A build without the feature `zstd`.

/// Whether this build can.
pub(super) const SUPPORTED: bool = false;

pub(super) fn compress(_data: &[u8], _cuts: &[usize]) -> Option<Vec<u8>> {
    None
}

#[allow(dead_code, reason = "for answers of gRPC")]
pub(super) fn decompress(_data: &[u8], _most: usize) -> Option<Vec<u8>> {
    None
}
