//! Spans as text for a person: one tree for each trace.
//!
//! ```text
//! trace 4bf92f3577b34da6a3ce929d0e0e4736 · checkout · 12.4 ms · 3 spans · 1 error
//!   12.4 ms ━━━━━━━━━━━━━━━━━━━━ POST /orders (server)  http.route=/orders
//!   8.10 ms   ━━━━━━━━━━━━━━     ├─ db.query (client)  ✗ deadlock
//!  +6.00 ms             •        │    • retry  attempt=2
//!    950 µs                   ━━ └─ render
//! ```
//!
//! The left column is how long a span took, or when in its span an event happened; the next one
//! shows where in the trace that was.

mod escape;
#[allow(dead_code, reason = "only a receiver gathers")]
mod gathering;
mod logs;
mod metrics;
mod paint;
mod quantile;
mod span;
#[cfg(test)]
mod tests;
mod time;
mod tree;
mod unit;

use std::sync::Arc;

use bytes::Bytes;

use self::escape::clip;
use self::span::Node;
use crate::encode::view::SpanView;

#[allow(unused_imports, reason = "only a receiver gathers")]
pub(crate) use self::gathering::{Drawn, Gathering};
pub(crate) use self::logs::LogsConsole;
pub(crate) use self::metrics::MetricsConsole;

/// Gathers spans and hands out text.
#[derive(Debug)]
pub(crate) struct ConsoleEncoder {
    /// `service.name`, safe to show.
    service: Arc<str>,
    color: bool,
    nodes: Vec<Node>,
    len: usize,
}

impl ConsoleEncoder {
    /// Of the resource only `service.name` is shown.
    pub(crate) fn new(resource: &[(String, String)], color: bool) -> Self {
        Self { service: service_name(resource).into(), color, nodes: Vec::new(), len: 0 }
    }

    /// Adds a span to the batch.
    pub(crate) fn span(&mut self, span: &impl SpanView) {
        let node = Node::new(span, &self.service, self.color);
        self.len += node.len();
        self.nodes.push(node);
    }

    /// About how long the text will be: it is drawn when all spans are there.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many spans are in the batch.
    #[cfg(test)]
    pub(crate) fn spans(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The text, a blank line after each tree; the encoder is ready for the next batch.
    pub(crate) fn finish(&mut self) -> Bytes {
        let text = tree::draw(&self.nodes, self.color);
        self.nodes.clear();
        self.len = 0;
        Bytes::from(text)
    }
}

/// `service.name`, safe to show.
fn service_name(resource: &[(String, String)]) -> String {
    let service = resource.iter().find(|(key, _)| key == "service.name");
    service.map_or_else(String::new, |(_, name)| clip(name))
}
