//! OTLP over HTTP to a collector, by the crate's own exporter.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use super::pause::pause;
use super::{Entry, Queue};
use crate::config::plan::OtlpPlan;
use crate::export::{Frame, HttpExporter, Outcome};
use crate::health::diagnostics::{Diagnostics, Level};

/// One lane: a connection for each signal, one request at a time.
pub(super) async fn serve(plans: &[OtlpPlan; 3], queue: &Arc<Queue>, diagnostics: &Diagnostics) {
    let sent = Rc::new(Cell::new(false));
    let mut exporters = plans.each_ref().map(|plan| HttpExporter::new(plan, None, sent.clone()));
    loop {
        let entry = queue.next().await;
        let exporter = &mut exporters[entry.batch().signal as usize];
        deliver(exporter, entry, &sent, queue, diagnostics).await;
    }
}

/// Sends a batch until it is answered for good.
async fn deliver(
    exporter: &mut HttpExporter,
    mut entry: Entry,
    sent: &Cell<bool>,
    queue: &Queue,
    diagnostics: &Diagnostics,
) {
    let batch = Arc::clone(entry.batch());
    let frame = Frame {
        body: batch.otlp.clone().into(),
        items: batch.items,
        exporter: batch.exporter,
        sequence: batch.sequence,
    };
    let (name, noun) = (queue.name(), batch.signal.noun());
    let say = |level, topic: &str, line: &str| {
        diagnostics.say(level, &format!("{topic} {noun} {name}"), line);
    };
    let mut failures = 0;
    loop {
        // From here on the peer may have it, also where the attempt is cut off.
        let was_sent = entry.is_sent;
        entry.is_sent = true;
        sent.set(false);
        match exporter.send(&frame).await {
            Outcome::Delivered { rejected, message } => {
                if queue.recovered() {
                    say(Level::Info, "recovered", &format!("{name} takes {noun} again"));
                }
                if rejected > 0 || message.is_some() {
                    let words = message.as_deref().unwrap_or_default();
                    let line = format!("{name} rejected {rejected} of {} {noun}: {words}", batch.items);
                    queue.noted(&line);
                    say(Level::Warn, "partial", &line);
                }
                return entry.taken(rejected, message);
            }
            Outcome::Refused { error } | Outcome::Unconfirmed { error } => {
                queue.noted(&error);
                let line = format!("{name} refused {} {noun} for good: {error}", batch.items);
                say(Level::Warn, "refused", &line);
                return entry.refused(error);
            }
            Outcome::TooLarge { error } => {
                queue.noted(&error);
                say(Level::Warn, "too large", &format!("{name}: {error}"));
                return entry.too_large(error);
            }
            Outcome::Retry { error, after, sent } => {
                entry.is_sent = was_sent | sent;
                failures += 1;
                if queue.failed(&error) {
                    let line = format!("{name} does not take {noun}: {error}; they wait");
                    say(Level::Warn, "failing", &line);
                }
                pause(queue, failures, after).await;
            }
        }
    }
}
