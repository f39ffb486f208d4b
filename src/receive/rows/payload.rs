//! A batch taken out of its call.

use std::sync::OnceLock;

#[cfg(test)]
use bytes::Bytes;
use capnp::message::{Builder, HeapAllocator};
use capnp::serialize;

use super::check::Found;
use super::checked::Announced;
use super::words::Words;
use super::{Refusal, Rows, frame};
use crate::schema::ingest_capnp::batch::{self, Signal, body};
use crate::schema::ingest_capnp::rows;

/// What one batch may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The message once it is decompressed and unpacked.
    pub(crate) uncompressed_bytes: usize,
    /// The batch as OTLP: a text is written there as often as it is named, so this can be far more.
    pub(crate) otlp_bytes: usize,
}

/// What the root of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Rows,
    Columns,
}

/// The message of a batch, owned, not checked but for its envelope.
#[derive(Debug)]
pub(crate) struct Payload {
    signal: Signal,
    items: u32,
    message: Words,
    layout: Layout,
    otlp_bytes: usize,
    /// What the check has found: the message stays as it is, so one check is enough for all that read it.
    found: OnceLock<Found>,
}

impl Payload {
    /// Copies the body out of the call, decompressed and unpacked.
    pub(crate) fn take(batch: batch::Reader<'_>, limits: &Limits) -> Result<Self, Refusal> {
        let signal = match batch.get_signal() {
            Ok(Signal::Unset) => {
                return Err(Refusal::Malformed("the batch names no signal".to_owned()));
            }
            Ok(signal) => signal,
            Err(unknown) => {
                let number = unknown.0;
                let sentence = format!("signal {number}: traces, metrics and logs are taken here");
                return Err(Refusal::Unsupported(sentence));
            }
        };
        let (message, layout) = match batch.get_body().which() {
            Ok(body::None(())) => {
                return Err(Refusal::Malformed("the batch has no body".to_owned()));
            }
            Ok(body::Rows(rows)) => (copied(rows?, limits)?, Layout::Rows),
            Ok(body::Frame(frame)) => frame::message(frame?, limits)?,
            Err(unknown) => {
                let number = unknown.0;
                let sentence = format!("body {number}: rows and frames are taken here");
                return Err(Refusal::Unsupported(sentence));
            }
        };
        let items = batch.get_item_count();
        let (otlp_bytes, found) = (limits.otlp_bytes, OnceLock::new());
        Ok(Self { signal, items, message, layout, otlp_bytes, found })
    }

    /// Never unset.
    pub(crate) fn signal(&self) -> Signal {
        self.signal
    }

    /// As announced; once `read` has succeeded, as it is.
    pub(crate) fn items(&self) -> u32 {
        self.items
    }

    /// Bytes of memory.
    pub(crate) fn len(&self) -> usize {
        self.message.as_bytes().len()
    }

    /// Checks the whole message unless that was done before, then lends it to `take`.
    ///
    /// What `take` gives is valid only if this succeeds: so it should build something, and send nothing.
    pub(crate) fn read<T>(&self, take: impl FnOnce(&Rows<'_>) -> T) -> Result<T, Refusal> {
        let message = self.message.as_bytes();
        let known = self.found.get().copied();
        let announced = Announced {
            signal: self.signal,
            items: self.items,
            otlp_bytes: self.otlp_bytes,
            known,
        };
        let (taken, found) = match self.layout {
            Layout::Rows => Rows::read(message, &announced, take)?,
            Layout::Columns => Rows::read_columns(message, &announced, take)?,
        };
        self.found.get_or_init(|| found);
        Ok(taken)
    }

    /// The `Export*ServiceRequest` of the signal.
    #[cfg(test)]
    pub(crate) fn to_otlp(&self) -> Result<Bytes, Refusal> {
        self.read(|rows| rows.to_otlp())
    }
}

/// Rows that stand in the call itself, as a message of their own.
fn copied(rows: rows::Reader<'_>, limits: &Limits) -> Result<Words, Refusal> {
    // Counted first: pointers to one place are copied each for itself.
    let size = rows.total_size()?;
    if size.cap_count != 0 {
        return Err(Refusal::Malformed("rows hold no capabilities".to_owned()));
    }
    let bytes = usize::try_from(size.word_count).unwrap_or(usize::MAX).saturating_mul(8);
    if bytes > limits.uncompressed_bytes {
        return Err(Refusal::TooLarge(format!(
            "the rows take {bytes} bytes, {} at most are taken: send smaller batches",
            limits.uncompressed_bytes
        )));
    }
    let words = u32::try_from(size.word_count + 1).unwrap_or(u32::MAX);
    let mut message = Builder::new(HeapAllocator::new().first_segment_words(words));
    message.set_root(rows)?;
    let bytes = serialize::write_message_to_words(&message);
    Words::copied(&bytes).ok_or_else(|| Refusal::Malformed("not whole words".to_owned()))
}
