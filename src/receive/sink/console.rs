//! Text on standard output.

use std::future::pending;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::{Entry, Queue};
use crate::encode::console::{Drawn, Gathering};
use crate::health::diagnostics::{Diagnostics, Level};
use crate::receive::counts::Signal;

/// Draws what comes; a trace once it has been silent for `quiet`.
pub(super) async fn serve(
    quiet: Duration,
    color: bool,
    queue: &Arc<Queue>,
    diagnostics: &Diagnostics,
) {
    let mut gathering = Gathering::new(quiet, color);
    loop {
        let is_urgent = queue.is_urgent();
        if is_urgent {
            // It may have become so while something else was shown, and nothing more may come.
            show(gathering.finish(), queue, diagnostics).await;
        }
        let due = gathering.due().filter(|_| !is_urgent);
        tokio::select! {
            biased;
            entry = queue.next() => gather(entry, &mut gathering),
            () = until(due) => {}
            () = queue.hurried(), if !is_urgent => {}
        }
        let drawn =
            if queue.is_urgent() { gathering.finish() } else { gathering.draw(Instant::now()) };
        show(drawn, queue, diagnostics).await;
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => pending().await,
    }
}

fn gather(entry: Entry, gathering: &mut Gathering) {
    match entry.batch().payload.read(|rows| rows.lend(gathering)) {
        Ok(()) => entry.absorbed(),
        Err(refusal) => entry.refused(refusal.to_string()),
    }
}

/// Writes what is drawn, and counts it.
async fn show(drawn: Drawn, queue: &Queue, diagnostics: &Diagnostics) {
    let Drawn { text, spans, points, logs } = drawn;
    if text.is_empty() {
        return;
    }
    // A pipe that nobody reads blocks.
    let write = move || {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    };
    let written = tokio::task::spawn_blocking(write).await;
    let error = match written {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(error) = &error {
        let line = format!("the console takes nothing: {error}");
        queue.noted(&line);
        diagnostics.say(Level::Warn, "console", &line);
    }
    for (signal, items) in
        [(Signal::Traces, spans), (Signal::Metrics, points), (Signal::Logs, logs)]
    {
        let account = queue.account(signal);
        let to = if error.is_some() { &account.rejected } else { &account.forwarded };
        account.settle(items, to);
    }
}
