//! Frames compressed with zstd.

use std::cell::RefCell;

use zstd::bulk::Compressor;

/// Whether this build can.
pub(super) const SUPPORTED: bool = true;

/// The library's own default, and that of other exporters; 1 is half the work for a few percent more bytes.
const LEVEL: i32 = 3;

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
