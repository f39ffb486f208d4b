//! A build without the feature `zstd`.

/// Whether this build can.
pub(super) const SUPPORTED: bool = false;

pub(super) fn compress(_data: &[u8], _cuts: &[usize]) -> Option<Vec<u8>> {
    None
}
