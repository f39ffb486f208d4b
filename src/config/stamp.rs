//! Whether a file has to be read again.

use std::path::Path;
use std::time::SystemTime;

/// When a file was written, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(SystemTime, u64);

impl Stamp {
    /// `None` where there is no such file, or no look at it.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        Some(Self(file.modified().ok()?, file.len()))
    }
}
