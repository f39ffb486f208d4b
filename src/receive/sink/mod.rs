//! Where batches go: several sinks at once, each with a queue, repeats and an account of its own.

mod console;
mod counting;
mod entry;
mod fanout;
mod fields;
mod file;
mod forward;
mod pause;
mod queue;
mod settings;

pub(super) use entry::{Batch, Entry};
pub(super) use fanout::{Fanout, Offer};
#[cfg(measuring)]
pub(crate) use fields::sum_of_fields;
pub(super) use queue::Queue;
pub use settings::Sink;
pub(super) use settings::{Kind, SinkPlan};

use std::sync::Arc;

use tokio::task::spawn_local;

use crate::health::diagnostics::{Diagnostics, Level};

/// Serves a queue on this thread until the runtime ends; starts again after a panic, which costs what
/// was under way.
pub(super) fn spawn(plan: SinkPlan, queue: Arc<Queue>, diagnostics: Arc<Diagnostics>) {
    for _ in 0..plan.lanes() {
        let (plan, queue, diagnostics) = (plan.clone(), queue.clone(), diagnostics.clone());
        spawn_local(async move {
            loop {
                let (plan, queue, heard) = (plan.clone(), queue.clone(), diagnostics.clone());
                let name = queue.name().to_owned();
                let served = spawn_local(async move {
                    match plan.kind {
                        Kind::Forward(plans) => forward::serve(&plans, &queue, &heard).await,
                        Kind::File(directory) => file::serve(&directory, &queue, &heard).await,
                        Kind::Counting => counting::serve(&queue).await,
                        Kind::Console { quiet, color } => {
                            console::serve(quiet, color, &queue, &heard).await;
                        }
                    }
                });
                let Err(error) = served.await else {
                    return;
                };
                let line = format!("the sink {name} panicked and was restarted: {error}");
                diagnostics.say(Level::Warn, &format!("panic {name}"), &line);
            }
        });
    }
}
