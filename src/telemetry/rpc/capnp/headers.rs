//! `schema/context.capnp` as a carrier of W3C headers.

use std::cell::OnceCell;
use std::io::Write as _;

use crate::context_capnp::trace_context;
use crate::telemetry::{Extract, Inject};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";

/// `00-<32 digits>-<16 digits>-<2 digits>`.
const LENGTH: usize = 55;

/// The headers that a received `TraceContext` stands for.
///
/// Without ids there is no `traceparent`; a text that is not UTF-8, or not there, is no header.
///
/// ```
/// use trackside::context_capnp::trace_context;
/// use trackside::telemetry::{self, rpc::capnp::Headers};
///
/// # fn serve(context: trace_context::Reader<'_>) {
/// let caller = telemetry::extract_from(&Headers::of(context));
/// # }
/// ```
pub struct Headers<'a> {
    context: trace_context::Reader<'a>,
    traceparent: OnceCell<[u8; LENGTH]>,
}

impl<'a> Headers<'a> {
    /// Reads nothing yet.
    #[must_use]
    pub const fn of(context: trace_context::Reader<'a>) -> Self {
        Self { context, traceparent: OnceCell::new() }
    }

    fn traceparent(&self) -> Option<&str> {
        let context = self.context;
        let (high, low) = (context.get_trace_id_high(), context.get_trace_id_low());
        let span = context.get_span_id();
        if (high == 0 && low == 0) || span == 0 {
            return None;
        }
        let text = self.traceparent.get_or_init(|| {
            let (mut text, flags) = ([0; LENGTH], context.get_flags());
            let written = write!(&mut text[..], "00-{high:016x}{low:016x}-{span:016x}-{flags:02x}");
            debug_assert!(written.is_ok(), "55 characters have room in 55 bytes");
            text
        });
        std::str::from_utf8(text).ok()
    }
}

impl Extract for Headers<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        if name.eq_ignore_ascii_case(TRACEPARENT) {
            return self.traceparent();
        }
        let text = if name.eq_ignore_ascii_case(TRACESTATE) && self.context.has_trace_state() {
            self.context.get_trace_state()
        } else if name.eq_ignore_ascii_case(BAGGAGE) && self.context.has_baggage() {
            self.context.get_baggage()
        } else {
            return None;
        };
        text.ok()?.to_str().ok()
    }
}

impl std::fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let values = [TRACEPARENT, TRACESTATE, BAGGAGE].map(|name| (name, self.get(name)));
        f.debug_map().entries(values).finish()
    }
}

impl Inject for trace_context::Builder<'_> {
    /// Replaces the fields that the header stands for: with `traceparent` the `tracestate` of the former one goes too.
    ///
    /// A `traceparent` that is not one leaves no context; other headers have no field, and are ignored.
    fn set(&mut self, name: &str, value: &str) {
        if name.eq_ignore_ascii_case(TRACEPARENT) {
            let [high, low, span, flags] = fields(value).unwrap_or_default();
            self.set_trace_id_high(high);
            self.set_trace_id_low(low);
            self.set_span_id(span);
            self.set_flags(flags as u8);
            if self.has_trace_state() {
                self.set_trace_state("");
            }
        } else if name.eq_ignore_ascii_case(TRACESTATE) {
            self.set_trace_state(value);
        } else if name.eq_ignore_ascii_case(BAGGAGE) {
            self.set_baggage(value);
        }
    }
}

/// Both halves of the trace id, the span id and the flags. Later versions may add fields behind these.
fn fields(value: &str) -> Option<[u64; 4]> {
    let mut parts = value.split('-');
    let mut number = |digits| {
        let part = parts.next().filter(|part| part.len() == digits)?;
        // The sign and the upper case, which Rust would take, are not W3C's.
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        part.bytes().all(is_digit).then(|| u128::from_str_radix(part, 16).ok())?
    };
    let (version, trace, span, flags) = (number(2)?, number(32)?, number(16)?, number(2)?);
    let known = version != 0xff && (version != 0 || parts.next().is_none());
    let whole = known && trace != 0 && span != 0;
    whole.then_some([(trace >> 64) as u64, trace as u64, span as u64, flags as u64])
}
