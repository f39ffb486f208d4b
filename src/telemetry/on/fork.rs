//! The host's handles across a fork: in the child they are the child's telemetry, which begins with its first use.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::config::{self, Report};
use crate::health::diagnostics::{Diagnostics, Hook, Level};
use crate::pipeline::{self, fork};
use crate::record::metric::{self, Meters};
use crate::record::{gate, local};

use super::handle::{CURRENT, Ending, Inner};

/// The telemetry of this process, where it is a child.
static OF_CHILD: Mutex<Option<Arc<Inner>>> = Mutex::new(None);

/// What the host's handles share; the last one gone ends the telemetry of the process that it is in.
pub(super) struct Owner {
    inner: Arc<Inner>,
    /// The process that `inner` belongs to.
    generation: u32,
}

impl Owner {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner, generation: fork::generation() }
    }

    /// The telemetry of this process; a child begins with this.
    pub(super) fn here(&self) -> Arc<Inner> {
        fork::resume();
        self.begun().unwrap_or_else(|| Arc::clone(&self.inner))
    }

    /// The same, if there is one yet.
    fn begun(&self) -> Option<Arc<Inner>> {
        if self.generation == fork::generation() {
            return Some(Arc::clone(&self.inner));
        }
        OF_CHILD.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(inner) = self.begun() {
            return inner.abandon();
        }
        fork::pend(None);
        gate::change(gate::ALL, 0);
    }
}

/// From now on a child of this process has telemetry of its own.
pub(super) fn watch() {
    fork::watch(prepare);
}

fn prepare() -> fork::InChild {
    let prepared = Prepared::new();
    Box::new(move || prepared.in_child())
}

/// A fork under way. Its parts are dropped in this order: the last handle may go with it, and shuts down.
struct Prepared {
    held: Vec<Box<dyn Any>>,
    current: MutexGuard<'static, Weak<Owner>>,
    report: Option<Report>,
    parents: Option<Arc<Inner>>,
    owner: Option<Arc<Owner>>,
}

impl Prepared {
    fn new() -> Self {
        // One after the other, in the order in which everybody takes them.
        let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = fork::hold();
        let owner = current.upgrade();
        let parents = owner.as_ref().and_then(|owner| owner.begun());
        let report = parents.as_ref().map(|inner| inner.report());
        let held = vec![
            pending,
            Box::new(OF_CHILD.lock().unwrap_or_else(PoisonError::into_inner)),
            Meters::hold(),
            pipeline::hold(),
            config::hold(),
        ];
        Self { held, current, report, parents, owner }
    }

    /// Alone in the child: what the parent had is forgotten, but for what is needed to begin.
    fn in_child(self) {
        let Self { held, current, report, parents, owner } = self;
        drop((held, current));
        local::forget();
        metric::forget();
        // What follows is never dropped: threads and sockets are the parent's.
        std::mem::forget(OF_CHILD.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let (Some(parents), Some(report)) = (parents, report) {
            let kept: &'static Arc<Inner> = Box::leak(Box::new(parents));

            // Where another thread is at it, it is just ending.
            let is_over = kept.ending.try_lock().map_or(true, |ending| ending.is_some());
            if kept.running.is_some() && !is_over {
                fork::pend(Some(Box::new(move || begin(kept, report))));
            } else {
                set_over(kept, report);
            }
        }
        // A child that had not begun leaves its own child what it was to begin with.
        pipeline::forget();
        drop(owner);
    }
}

/// The child's own pipeline, by the parent's plan.
fn begin(parents: &'static Inner, mut report: Report) {
    let diagnostics = Arc::new(Diagnostics::new(hook_of(parents), parents.plan.log_level));
    let running = match pipeline::start(&parents.plan, Arc::clone(&diagnostics)) {
        Ok(running) => Some(running),
        Err(error) => {
            gate::change(gate::ALL, 0);
            let line = format!("no telemetry after a fork: {error}");
            diagnostics.say(Level::Warn, "fork", &line);
            report.note(line);
            None
        }
    };
    set(Inner {
        running,
        plan: AssertUnwindSafe(parents.plan.0.clone()),
        hook: hook_of(parents).map(AssertUnwindSafe),
        report: Mutex::new(report),
        ending: Mutex::default(),
        diagnostics,
    });
}

/// The parent's was over before the fork, and so is the child's.
fn set_over(parents: &'static Inner, report: Report) {
    let over = Arc::new(Ending::default());
    over.complete(Ok(()));
    set(Inner {
        running: None,
        plan: AssertUnwindSafe(parents.plan.0.clone()),
        hook: None,
        report: Mutex::new(report),
        ending: Mutex::new(Some(over)),
        diagnostics: Arc::new(Diagnostics::new(None, None)),
    });
}

fn hook_of(parents: &Inner) -> Option<Hook> {
    parents.hook.as_ref().map(|hook| Arc::clone(&hook.0))
}

fn set(inner: Inner) {
    *OF_CHILD.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(inner));
}
