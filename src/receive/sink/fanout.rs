//! One batch to all sinks, or to none.

use std::sync::Arc;

use super::entry::{Batch, Waiting};
use super::{Queue, SinkPlan};
use crate::receive::settings::Durability;
use crate::receive::verdict::{Answers, Verdict};
use crate::receive::windows::Claim;

/// The queues of all sinks.
#[derive(Debug)]
pub(in crate::receive) struct Fanout {
    queues: Vec<Arc<Queue>>,
    wants_otlp: bool,
    durability: Durability,
}

/// Whether a batch was taken.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::receive) enum Offer {
    Taken,
    SentBack,
}

impl Fanout {
    pub(in crate::receive) fn new(plans: &[SinkPlan], durability: Durability) -> Self {
        let queue =
            |plan: &SinkPlan| Queue::new(plan.name.clone(), plan.is_required, plan.queue_bytes);
        Self {
            queues: plans.iter().map(queue).collect(),
            wants_otlp: plans.iter().any(SinkPlan::wants_otlp),
            durability,
        }
    }

    pub(in crate::receive) fn queues(&self) -> &[Arc<Queue>] {
        &self.queues
    }

    /// Whether a batch has to be there as OTLP.
    pub(in crate::receive) fn wants_otlp(&self) -> bool {
        self.wants_otlp
    }

    /// Queues a batch for every sink, unless one that is required has no room. `claim` gets its verdict
    /// now or, with `forwarded`, from the last of the required sinks.
    pub(in crate::receive) fn offer(&self, batch: Batch, claim: Claim) -> Offer {
        let bytes = batch.len();
        let batch = Arc::new(batch);
        let required = || self.queues.iter().filter(|queue| queue.is_required());
        let mut reserved: Vec<&Arc<Queue>> = Vec::new();
        for queue in required() {
            if !queue.reserve(bytes) {
                reserved.iter().for_each(|queue| queue.release(bytes));
                let reason = format!("the queue of the sink {} is full", queue.name());
                claim.settle(Verdict::retry(reason));
                return Offer::SentBack;
            }
            reserved.push(queue);
        }
        let answers = match self.durability {
            Durability::Forwarded => {
                Some(Answers::new(batch.items.into(), required().count(), claim))
            }
            _ => {
                claim.settle(Verdict::Accepted);
                None
            }
        };
        for queue in &self.queues {
            let batch = Arc::clone(&batch);
            if queue.is_required() {
                queue.push(Waiting { batch, answers: answers.clone() });
            } else if queue.reserve(bytes) {
                queue.push(Waiting { batch, answers: None });
            } else {
                let (account, items) = (queue.account(batch.signal), batch.items.into());
                account.take_on(items);
                account.settle(items, &account.queue_full);
            }
        }
        Offer::Taken
    }
}
