//! The capability of a peer that has logged in.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use capnp::Error;
use tokio::time::timeout;

use super::connection::REVOKED;
use super::counts::Signal;
use super::credentials::Principal;
use super::link::{Call, Link};
use super::rows::{self, Payload, Refusal};
use super::settings::Durability;
use super::shared::Shared;
use super::sink::{Batch, Offer};
use super::verdict::{Awaited, Verdict};
use super::windows::{Claim, Known};
use crate::health::diagnostics::Level;
use crate::schema::ingest_capnp::{self as ingest, batch, outcome, session};

/// `Session` of the schema.
pub(super) struct Session {
    shared: Arc<Shared>,
    principal: Principal,
    link: Rc<Link>,
    accepted: Cell<u64>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, principal: Principal, link: Rc<Link>) -> Self {
        Self { shared, principal, link, accepted: Cell::new(0) }
    }

    /// Checks a batch, and hands it to the sinks unless it was here before. All of it happens in one
    /// step, so that a call that is cancelled has either done it or not.
    fn take(&self, batch: batch::Reader<'_>) -> Step {
        let items = u64::from(batch.get_item_count());
        let (low, high) = (batch.get_exporter_low(), batch.get_exporter_high());
        let sequence = batch.get_sequence();
        let signal = batch.get_signal().ok().and_then(Signal::of);
        // What names no signal is counted with the spans: it has to be counted somewhere.
        let arrivals = self.shared.arrivals(signal.unwrap_or(Signal::Traces));
        let exporter = u128::from(high) << 64 | u128::from(low);
        let (claim, awaited) = match self.shared.windows.look((self.principal, exporter), sequence)
        {
            Known::Taken => {
                arrivals.duplicate.add(items);
                return Step::Known(Verdict::Duplicate);
            }
            Known::Pending(awaited) => {
                return Step::Again { awaited, signal: signal.unwrap_or(Signal::Traces), items };
            }
            Known::New(claim, awaited) => (claim, awaited),
        };
        #[cfg(test)]
        super::tests::panic_if_asked(low);
        match self.checked(batch) {
            Ok((batch, cut)) => self.offer(batch, cut, claim, awaited),
            Err(refusal) => {
                arrivals.refused.add(items);
                self.refused(&refusal.to_string());
                let verdict = Verdict::Rejected {
                    reason: refusal.rejection(),
                    detail: refusal.detail().to_owned(),
                };
                claim.settle(verdict.clone());
                Step::Known(verdict)
            }
        }
    }

    /// Whoever logs in with another token brings it again.
    fn send_back(&self, batch: batch::Reader<'_>) -> Step {
        let signal = batch.get_signal().ok().and_then(Signal::of).unwrap_or(Signal::Traces);
        self.shared.arrivals(signal).sent_back.add(batch.get_item_count().into());
        Step::Known(Verdict::retry(REVOKED))
    }

    /// Says what the exporter is told too.
    fn refused(&self, why: &str) {
        let line = format!("a batch of {} was refused for good: {why}", self.link.peer);
        self.shared.diagnostics.say(Level::Warn, &format!("batch {}", self.link.peer), &line);
    }

    /// The batch, of which every byte was looked at, and the values that no OTLP can be made of.
    fn checked(&self, batch: batch::Reader<'_>) -> Result<(Batch, u64), Refusal> {
        let limits = &self.shared.settings.limits;
        let limits = rows::Limits {
            uncompressed_bytes: limits.uncompressed_bytes,
            otlp_bytes: limits.uncompressed_bytes,
        };
        let payload = Payload::take(batch, &limits)?;
        let signal = Signal::of(payload.signal());
        let signal = signal.ok_or_else(|| Refusal::Malformed("no signal".to_owned()))?;
        let (otlp, cut) = if self.shared.sinks.wants_otlp() {
            payload.read(|rows| (rows.to_otlp(), rows.cut_values()))?
        } else {
            payload.read(|_| (bytes::Bytes::new(), 0))?
        };
        let items = payload.items();
        let (exporter, sequence) = (batch.get_exporter_low(), batch.get_sequence());
        Ok((Batch { payload, signal, items, exporter, sequence, otlp }, cut))
    }

    fn offer(&self, batch: Batch, cut: u64, claim: Claim, awaited: Awaited) -> Step {
        let (signal, items) = (batch.signal, batch.items.into());
        let arrivals = self.shared.arrivals(signal);
        match self.shared.sinks.offer(batch, claim) {
            Offer::Taken => {
                arrivals.taken.add(items);
                arrivals.cut_values.add(cut);
            }
            Offer::SentBack => arrivals.sent_back.add(items),
        }
        let warning = (cut > 0).then(|| {
            let noun = signal.noun();
            let why = "deeper than OTLP's decoders look";
            format!("{cut} arrays and maps were left out of the {noun}: they lie {why}")
        });
        Step::First { awaited, warning }
    }

    /// The verdict, or "not yet" where the sinks take their time.
    async fn verdict(&self, step: Step) -> Verdict {
        match step {
            Step::Known(verdict) => verdict,
            Step::First { awaited, warning } => {
                let verdict = self.wait(awaited).await;
                match warning {
                    Some(warning) => verdict.with_warning(&warning),
                    None => verdict,
                }
            }
            Step::Again { awaited, signal, items } => {
                let mut verdict = self.wait(awaited).await;
                let arrivals = self.shared.arrivals(signal);
                match verdict {
                    Verdict::Accepted => {
                        arrivals.duplicate.add(items);
                        verdict = Verdict::Duplicate;
                    }
                    Verdict::Duplicate | Verdict::Partial { .. } => arrivals.duplicate.add(items),
                    Verdict::Retry { .. } => arrivals.sent_back.add(items),
                    Verdict::Rejected { .. } => arrivals.refused.add(items),
                }
                verdict
            }
        }
    }

    async fn wait(&self, mut awaited: Awaited) -> Verdict {
        let limit = self.shared.settings.limits.answer;
        let given = timeout(limit, awaited.wait_for(Option::is_some)).await;
        match given {
            Ok(Ok(verdict)) => verdict.clone().unwrap_or_else(|| Verdict::retry("no verdict")),
            Ok(Err(_)) => Verdict::retry("the batch was given up"),
            Err(_) => Verdict::retry(format!("the sinks have not answered within {limit:?}")),
        }
    }

    fn credit(&self, credit: ingest::credit::Builder<'_>) {
        credit_of(&self.shared, &self.link, credit);
    }

    fn answer(&self, verdict: &Verdict, mut out: outcome::Builder<'_>) {
        if verdict.is_taken() {
            self.accepted.set(self.accepted.get() + 1);
            out.set_durability(match self.shared.settings.durability {
                Durability::Forwarded => outcome::Durability::Forwarded,
                _ => outcome::Durability::Memory,
            });
        }
        self.credit(out.reborrow().init_credit());
        match verdict {
            Verdict::Accepted => out.set_accepted(()),
            Verdict::Duplicate => out.set_duplicate(()),
            // Accepted, with something to say.
            Verdict::Partial { rejected: 0, message } => {
                out.set_accepted(());
                out.set_warning(message);
            }
            Verdict::Partial { rejected, message } => {
                let mut partial = out.init_partial();
                partial.set_rejected_items(*rejected);
                partial.set_message(message);
            }
            Verdict::Retry { after_millis, reason } => {
                let mut retry = out.init_retry();
                retry.set_after_millis(*after_millis);
                retry.set_reason(reason);
            }
            Verdict::Rejected { reason, detail } => {
                let mut rejected = out.init_rejected();
                rejected.set_reason(*reason);
                rejected.set_detail(detail);
            }
        }
    }
}

/// How far a batch got without waiting.
enum Step {
    Known(Verdict),
    First { awaited: Awaited, warning: Option<String> },
    Again { awaited: Awaited, signal: Signal, items: u64 },
}

/// What a client may do next: nothing more, where the connection is to end.
pub(super) fn credit_of(shared: &Shared, link: &Link, mut credit: ingest::credit::Builder<'_>) {
    let limits = &shared.settings.limits;
    if !(link.is_closing() || shared.is_draining()) {
        credit.set_max_in_flight_batches(limits.window_batches);
        credit.set_max_in_flight_bytes(limits.window_bytes);
    }
    credit.set_max_batch_bytes(limits.batch_bytes as u64);
    credit.set_max_uncompressed_bytes(limits.uncompressed_bytes as u64);
}

impl session::Server for Session {
    async fn export(
        self: Rc<Self>,
        params: session::ExportParams,
        mut results: session::ExportResults,
    ) -> Result<(), Error> {
        let _call = Call::begin(&self.link);
        let step = match params.get().and_then(|params| params.get_batch()) {
            Ok(batch) if self.shared.is_revoked(&self.link) => self.send_back(batch),
            Ok(batch) => self.take(batch),
            Err(error) => {
                let detail = format!("not a batch that can be read: {error}");
                // How many items it has stands in it: only its exporter can count them.
                self.refused(&detail);
                Step::Known(Verdict::Rejected { reason: outcome::Rejection::Malformed, detail })
            }
        };
        // The message gives its room back before anybody is waited for.
        drop(params);
        let verdict = self.verdict(step).await;
        self.answer(&verdict, results.get().init_outcome());
        Ok(())
    }

    async fn ping(
        self: Rc<Self>,
        params: session::PingParams,
        mut results: session::PingResults,
    ) -> Result<(), Error> {
        let nonce = params.get()?.get_nonce();
        let mut results = results.get();
        results.set_nonce(nonce);
        self.credit(results.init_credit());
        Ok(())
    }

    async fn close(
        self: Rc<Self>,
        _: session::CloseParams,
        mut results: session::CloseResults,
    ) -> Result<(), Error> {
        self.link.close();
        self.link.idle().await;
        results.get().set_accepted_batches(self.accepted.get());
        Ok(())
    }
}
