//! Frames compressed with zstd.

/// Whether this build can.
pub(super) const SUPPORTED: bool = true;

/// The library's own default is 3: half the speed for a few percent.
const LEVEL: i32 = 1;

/// `None` where it does not get smaller.
pub(super) fn compress(data: &[u8]) -> Option<Vec<u8>> {
    let compressed = zstd::bulk::compress(data, LEVEL).ok()?;
    (compressed.len() < data.len()).then_some(compressed)
}
