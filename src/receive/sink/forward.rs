//! OTLP over HTTP to a collector, by the crate's own exporter.

use std::sync::Arc;

use super::pause::pause;
use super::{Entry, Queue};
use crate::config::plan::OtlpPlan;
use crate::export::{HttpExporter, Outcome};
use crate::health::diagnostics::{Diagnostics, Level};

/// One lane: a connection for each signal, one request at a time.
pub(super) async fn serve(plans: &[OtlpPlan; 3], queue: &Arc<Queue>, diagnostics: &Diagnostics) {
    let mut exporters = plans.each_ref().map(|plan| HttpExporter::new(plan, None));
    loop {
        let entry = queue.next().await;
        let exporter = &mut exporters[entry.batch().signal as usize];
        deliver(exporter, entry, queue, diagnostics).await;
    }
}

/// Sends a batch until it is answered for good.
async fn deliver(
    exporter: &mut HttpExporter,
    mut entry: Entry,
    queue: &Queue,
    diagnostics: &Diagnostics,
) {
    let batch = Arc::clone(entry.batch());
    let frame = entry.frame();
    let (name, noun) = (queue.name(), batch.signal.noun());
    let say = |level, topic: &str, line: &str| {
        diagnostics.say(level, &format!("{topic} {noun} {name}"), line);
    };
    let mut failures = 0;
    loop {
        let was_sent = frame.is_sent();
        match exporter.send(&frame).await {
            Outcome::Delivered { rejected, message } => {
                if queue.recovered() {
                    say(Level::Info, "recovered", &format!("{name} takes {noun} again"));
                }
                if rejected > 0 || message.is_some() {
                    let words = message.as_deref().unwrap_or_default();
                    let line =
                        format!("{name} rejected {rejected} of {} {noun}: {words}", batch.items);
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
                if !(was_sent | sent) {
                    frame.mark_unsent();
                }
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
