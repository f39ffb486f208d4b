//! A pipeline on the thread.

use std::sync::Arc;
use std::time::Instant;

use tokio::task::{LocalSet, spawn_local};

use crate::config::plan::Plan;
use crate::error::Error;
use crate::health::diagnostics::{Diagnostics, Level};

use super::clock;
use super::guests::Stay;
use super::set_current;
use super::shared::{Request, Shared};
use super::thread;
use super::worker::Worker;

/// A pipeline and its time on the thread.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) shared: Arc<Shared>,
    stay: Stay,
}

/// Starts it; from then on each signal that has an exporter is recorded.
pub(crate) fn start(plan: &Plan, diagnostics: Arc<Diagnostics>) -> Result<Running, Error> {
    clock::start();
    let shared = Arc::new(Shared::new(plan, diagnostics));
    let (plan, of_thread) = (plan.clone(), Arc::clone(&shared));
    let stay = thread::run(move |_| run(plan, of_thread))?;
    set_current(Arc::clone(&shared));
    Ok(Running { shared, stay })
}

/// The connections and tasks of a pipeline are its own, and end with it.
async fn run(plan: Plan, shared: Arc<Shared>) {
    let mut end = End { shared: Arc::clone(&shared), answers: None };
    let worked = spawn_local(async move {
        let tasks = LocalSet::new();
        tasks.run_until(async { Worker::new(&plan, shared).run().await }).await
    });
    end.answers = worked.await.ok();
}

type Answers = Vec<(Request, Result<(), Error>)>;

/// Says that the pipeline has stopped, and answers who waits for it, however it came to that.
struct End {
    shared: Arc<Shared>,
    /// `None` after a panic.
    answers: Option<Answers>,
}

impl Drop for End {
    fn drop(&mut self) {
        let Self { shared, answers } = self;
        shared.has_stopped();
        shared.diagnostics.say_the_rest();
        if answers.is_some() {
            shared.diagnostics.tell(Level::Info, "stopped", "telemetry has shut down");
        } else {
            let line = "the telemetry thread panicked; telemetry has stopped";
            shared.diagnostics.say(Level::Warn, "panic", line);
        }
        for (request, result) in answers.take().unwrap_or_default() {
            request.done.complete(result);
        }
        drop(shared.take_requests());
    }
}

impl Running {
    /// Waits for the end of a pipeline that has given its last answer, and of the thread where nobody else
    /// is on it.
    pub(crate) fn join(&self, deadline: Instant) {
        self.stay.join(deadline);
    }
}
