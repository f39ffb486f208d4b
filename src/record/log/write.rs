//! From what is said to the thread's ring.

use std::sync::Arc;

use crate::pipeline::clock;
use crate::telemetry::Value;
use crate::testing::Sink;

use super::super::attributes::AttributeBuffer;
use super::super::local::{Lane, Local};
use super::super::values::{STR, alone};
use super::{Body, Entry, HEAD, LogLimits};

/// More than this is given back when a text is cleared.
const KEEP: usize = 4096;

/// What a record is made with; its memory stays for the next one.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) attributes: AttributeBuffer,
    /// For `Body::Written`.
    pub(crate) text: String,
}

impl Local {
    /// Records what `write` says, if anything.
    #[inline(always)]
    pub(in crate::record) fn log<'a>(
        &self,
        gate: u32,
        write: impl FnOnce(LogLimits, &mut Scratch) -> Option<Entry<'a>>,
    ) {
        let Some((limits, capture)) = self.log_settings(gate) else {
            return;
        };
        // Taken out, since a value's `Display` may itself log.
        let mut scratch = self.scratch.take().unwrap_or_default();
        let Some(entry) = write(limits, &mut scratch) else {
            return;
        };
        let ids = match entry.context {
            Some(ids) => ids,
            None => self.current_ids(),
        };
        self.record_log(&entry, ids, &scratch, capture);
        scratch.attributes.clear();
        scratch.text.clear();
        if scratch.text.capacity() > KEEP {
            scratch.text.shrink_to(KEEP);
        }
        self.scratch.set(Some(scratch));
    }

    #[inline(always)]
    fn record_log(
        &self,
        entry: &Entry<'_>,
        (trace, span, flags): (u128, u64, u8),
        scratch: &Scratch,
        capture: Option<Arc<Sink>>,
    ) {
        let now = clock::ticks();
        let mut made = Vec::new();
        let (body_tag, body) = match &entry.body {
            Body::None => (0, &[][..]),
            Body::Written => (STR, scratch.text.as_bytes()),
            Body::Value(Value::Str(text)) => (STR, text.as_bytes()),
            Body::Value(value) => alone(*value, &mut made),
        };
        let (scope, event_name) = (entry.scope.as_bytes(), entry.event_name.as_bytes());
        let (severity_text, bytes) = (entry.severity_text.as_bytes(), scratch.attributes.bytes());
        let pair = |low: u32, high: usize| (u64::from(low) | (high as u64) << 32).to_le();
        let bits = u32::from_le_bytes([entry.severity, body_tag, flags, 0]);
        // Made twice where the first try fails, so that the first one is made in the ring and not before.
        let head = || -> [u64; HEAD / 8] {
            [
                pair(bits, scratch.attributes.dropped() as usize),
                (trace as u64).to_le(),
                ((trace >> 64) as u64).to_le(),
                span.to_le(),
                entry.at.unwrap_or(now).to_le(),
                entry.observed.unwrap_or(now).to_le(),
                pair(body.len() as u32, scope.len()),
                pair(event_name.len() as u32, severity_text.len()),
                (bytes.len() as u64).to_le(),
            ]
        };
        // Few records have the two, and a piece costs even where it is empty.
        if capture.is_none()
            && event_name.is_empty()
            && severity_text.is_empty()
            && self.push_to_ring(Lane::Logs, &head(), &[body, scope, bytes])
        {
            return;
        }
        self.record_log_anyhow(head(), [body, scope, event_name, severity_text, bytes], capture);
    }

    #[cold]
    fn record_log_anyhow(
        &self,
        head: [u64; HEAD / 8],
        pieces: [&[u8]; 5],
        capture: Option<Arc<Sink>>,
    ) {
        match capture {
            Some(capture) => {
                let head = head.iter().flat_map(|word| word.to_ne_bytes());
                capture.take_log(&head.chain(pieces.concat()).collect::<Vec<_>>());
            }
            None => self.push_anyhow(Lane::Logs, &head, &pieces),
        }
    }
}
