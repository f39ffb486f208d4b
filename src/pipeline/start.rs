//! Starting the worker's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use crate::config::plan::Plan;
use crate::error::Error;
use crate::health::diagnostics::{Diagnostics, Level};
use crate::record::local;
use crate::record::start::choose_sampler;

use super::clock;
use super::set_current;
use super::shared::Shared;
use super::worker::Worker;

/// A pipeline and its thread.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Starts the thread; from then on each signal that has an exporter is recorded.
pub(crate) fn start(plan: &Plan, diagnostics: Arc<Diagnostics>) -> Result<Running, Error> {
    clock::start();
    let shared = Arc::new(Shared::new(plan, diagnostics));
    // Built here, so that a refusal is this call's error. One helper thread, for what blocks.
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .on_thread_start(local::suppress)
        .thread_name("trackside-helper")
        .build()
        .map_err(|error| Error::start(format!("cannot start the telemetry runtime: {error}")))?;
    let runtime = Background(Some(runtime));
    let sampler = plan.sampler;
    let (plan, of_thread) = (plan.clone(), Arc::clone(&shared));
    let thread = std::thread::Builder::new()
        .name("trackside".into())
        .spawn(move || run(runtime, &plan, &of_thread))
        .map_err(|error| Error::start(format!("cannot start the telemetry thread: {error}")))?;
    choose_sampler(sampler);
    set_current(Arc::clone(&shared));
    Ok(Running { shared, thread: Mutex::new(Some(thread)) })
}

/// A runtime whose end never waits: not for a look-up that hangs, and not in a host's async code,
/// where a plain drop would panic.
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

fn run(runtime: Background, plan: &Plan, shared: &Arc<Shared>) {
    local::suppress();
    // Exporters of the SDK's must not be traced by the SDK either.
    let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
    let tasks = LocalSet::new();
    let worked = catch_unwind(AssertUnwindSafe(|| {
        let runtime = runtime.0.as_ref().expect("only the drop takes it");
        tasks.block_on(runtime, async { Worker::new(plan, Arc::clone(shared)).run().await })
    }));
    drop(tasks);
    drop(runtime);
    shared.has_stopped();
    shared.diagnostics.say_the_rest();
    if worked.is_ok() {
        shared.diagnostics.tell(Level::Info, "stopped", "telemetry has shut down");
    }
    let answers = worked.unwrap_or_else(|_| {
        let line = "the telemetry thread panicked; telemetry has stopped";
        shared.diagnostics.say(Level::Warn, "panic", line);
        Vec::new()
    });
    for (request, result) in answers {
        request.done.complete(result);
    }
    drop(shared.take_requests());
}

impl Running {
    /// Waits for the thread that has given its last answer.
    pub(crate) fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic was reported by the thread itself.
            let _ = thread.join();
        }
    }
}
