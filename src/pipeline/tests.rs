//! What two pipelines, or a pipeline and its end, do to each other; the roads are tested under `tests/`.

use std::sync::Arc;
use std::time::Instant;

use super::completion::Completion;
use super::{Request, Shared, retire, set_current};
use crate::config::TelemetryConfig;
use crate::health::diagnostics::Diagnostics;
use crate::record::gate;

fn shared() -> Arc<Shared> {
    let variables = vec![("OTEL_TRACES_EXPORTER".to_owned(), "console".to_owned())];
    let resolved = TelemetryConfig::default().with_variables(variables).plan();
    let plan = resolved.expect("no argument is bad").plan;
    Arc::new(Shared::new(&plan, Arc::new(Diagnostics::new(None, None))))
}

#[test]
fn nobody_waits_for_a_worker_that_is_gone() {
    for is_shutdown in [false, true] {
        let shared = shared();
        shared.has_stopped();
        let done = Arc::new(Completion::default());
        shared.request(Request { deadline: Instant::now(), is_shutdown, done: Arc::clone(&done) });
        let answer = done.wait(Instant::now()).expect("answered at once");
        assert!(answer.unwrap_err().to_string().contains("has stopped"));
    }
}

#[test]
fn the_end_of_an_old_pipeline_does_not_stop_the_new_one() {
    let (old, new) = (shared(), shared());
    set_current(Arc::clone(&old));
    set_current(Arc::clone(&new));
    // The last handle of the old one is dropped while `init` starts the new one.
    retire(&old);
    assert_ne!(gate::read() & gate::RECORDS, 0, "spans are recorded");
    retire(&new);
    assert_eq!(gate::read() & gate::RECORDS, 0);
}
