//! OTLP as JSON lines, appended to a file for each signal.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::entry::Batch;
use super::pause::pause;
use super::{Entry, Queue};
use crate::encode::json::JsonEncoder;
use crate::export::LineFile;
use crate::health::diagnostics::{Diagnostics, Level};
use crate::receive::counts::Signal;
use crate::receive::rows::Refusal;

pub(super) async fn serve(directory: &Path, queue: &Arc<Queue>, diagnostics: &Diagnostics) {
    let mut files: [Option<LineFile>; 3] = Default::default();
    loop {
        let entry = queue.next().await;
        let file = &mut files[entry.batch().signal as usize];
        deliver(directory, file, entry, queue, diagnostics).await;
    }
}

/// Writes a batch until it is in the file. A line that could not be written whole is taken back.
async fn deliver(
    directory: &Path,
    file: &mut Option<LineFile>,
    entry: Entry,
    queue: &Queue,
    diagnostics: &Diagnostics,
) {
    let path = directory.join(format!("{}.jsonl", entry.batch().signal.name()));
    let name = queue.name();
    let mut failures = 0;
    loop {
        let batch = Arc::clone(entry.batch());
        let open = file.take().unwrap_or_else(|| LineFile::new(&path, None));
        let written = tokio::task::spawn_blocking(move || write(&batch, open)).await;
        let error = match written {
            Ok(Ok(Written::Line(open))) => {
                *file = Some(open);
                if queue.recovered() {
                    let line = format!("{name} takes what it is written again");
                    diagnostics.say(Level::Info, &format!("recovered {name}"), &line);
                }
                return entry.taken(0, None);
            }
            Ok(Ok(Written::Refused(refusal))) => return entry.refused(refusal.to_string()),
            Ok(Err(error)) => error.to_string(),
            Err(error) => return entry.refused(error.to_string()),
        };
        let error = format!("{}: {error}", path.display());
        failures += 1;
        if queue.failed(&error) {
            let line = format!("{name} cannot be written: {error}; what comes waits");
            diagnostics.say(Level::Warn, &format!("failing {name}"), &line);
        }
        pause(queue, failures, None).await;
    }
}

enum Written {
    Line(LineFile),
    Refused(Refusal),
}

fn write(batch: &Batch, mut file: LineFile) -> io::Result<Written> {
    let mut encoder = match batch.signal {
        Signal::Traces => JsonEncoder::traces(),
        Signal::Metrics => JsonEncoder::metrics(),
        Signal::Logs => JsonEncoder::logs(),
    };
    if let Err(refusal) = batch.payload.read(|rows| rows.lend(&mut encoder)) {
        return Ok(Written::Refused(refusal));
    }
    file.append(&encoder.finish())?;
    Ok(Written::Line(file))
}
