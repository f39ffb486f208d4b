//! OTLP as JSON lines, appended to a file for each signal.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::entry::Batch;
use super::pause::pause;
use super::{Entry, Queue};
use crate::encode::json::JsonEncoder;
use crate::health::diagnostics::{Diagnostics, Level};
use crate::receive::counts::Signal;
use crate::receive::rows::Refusal;

pub(super) async fn serve(directory: &Path, queue: &Arc<Queue>, diagnostics: &Diagnostics) {
    let mut files: [Option<File>; 3] = Default::default();
    loop {
        let entry = queue.next().await;
        let file = &mut files[entry.batch().signal as usize];
        deliver(directory, file, entry, queue, diagnostics).await;
    }
}

/// Writes a batch until it is in the file. A line that could not be written whole is taken back.
async fn deliver(
    directory: &Path,
    file: &mut Option<File>,
    entry: Entry,
    queue: &Queue,
    diagnostics: &Diagnostics,
) {
    let path = directory.join(format!("{}.jsonl", entry.batch().signal.name()));
    let name = queue.name();
    let mut failures = 0;
    loop {
        let (batch, to, open) = (Arc::clone(entry.batch()), path.clone(), file.take());
        let written = tokio::task::spawn_blocking(move || write(&batch, &to, open)).await;
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
    Line(File),
    Refused(Refusal),
}

fn write(batch: &Batch, path: &Path, open: Option<File>) -> io::Result<Written> {
    let mut encoder = match batch.signal {
        Signal::Traces => JsonEncoder::traces(),
        Signal::Metrics => JsonEncoder::metrics(),
        Signal::Logs => JsonEncoder::logs(),
    };
    if let Err(refusal) = batch.payload.read(|rows| rows.lend(&mut encoder)) {
        return Ok(Written::Refused(refusal));
    }
    let mut file = match open {
        Some(file) => file,
        None => append_to(path)?,
    };
    let length = file.metadata()?.len();
    if let Err(error) = file.write_all(&encoder.finish()) {
        // If this fails too, the next line begins behind a torn one.
        drop(file.set_len(length));
        return Err(error);
    }
    Ok(Written::Line(file))
}

/// Opens a file to append to. A last line without an end, which a killed process left, gets one: it
/// alone is lost.
fn append_to(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_gets_its_end() {
        let directory = std::env::temp_dir().join(format!("trackside-torn-{}", std::process::id()));
        let path = directory.join("traces.jsonl");
        let mut file = append_to(&path).unwrap();
        file.write_all(b"{}\n{\"torn").unwrap();
        drop(file);
        drop(append_to(&path).unwrap());
        drop(append_to(&path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}\n{\"torn\n");
        fs::remove_dir_all(directory).unwrap();
    }
}
