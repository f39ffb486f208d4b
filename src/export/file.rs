//! Lines appended to a file, which is put aside when it is full or old.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::Mutex;

use super::{Frame, Outcome};
use crate::config::plan::Rotation;

/// Digits of the milliseconds since 1970, until the year 2286.
const STAMP: usize = 13;

/// Writes frames to one file, on the helper thread, since a disk may block.
#[derive(Debug)]
pub(crate) struct FileExporter {
    path: PathBuf,
    rotation: Rotation,
    /// `None` while an attempt has it, and after one that was given up.
    file: Mutex<Option<LineFile>>,
}

impl FileExporter {
    pub(crate) fn new(path: &Path, rotation: Rotation) -> Self {
        Self { path: path.to_owned(), rotation, file: Mutex::new(None) }
    }

    /// A line that could not be written whole is not in the file, and may be tried again.
    pub(crate) async fn send(&self, frame: &Frame) -> Outcome {
        let mut kept = self.file.lock().await;
        let mut file =
            kept.take().unwrap_or_else(|| LineFile::new(&self.path, Some(self.rotation)));
        frame.mark_sent();
        let line = frame.body.wire();
        let write = move || {
            let written = file.append(&line);
            (file, written)
        };
        let failed = |cause: String| format!("{}: {cause}", self.path.display());
        match tokio::task::spawn_blocking(write).await {
            Ok((file, Ok(()))) => {
                *kept = Some(file);
                Outcome::Delivered { rejected: 0, message: None }
            }
            Ok((file, Err(cause))) => {
                *kept = Some(file);
                Outcome::Retry { error: failed(cause.to_string()), after: None, sent: false }
            }
            Err(error) => Outcome::Refused { error: failed(error.to_string()) },
        }
    }
}

/// A file of lines; it is opened, and its directory made, when there is something to write.
#[derive(Debug)]
pub(crate) struct LineFile {
    path: PathBuf,
    rotation: Option<Rotation>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    since: SystemTime,
}

impl LineFile {
    /// Without a rotation the file grows for ever.
    pub(crate) fn new(path: &Path, rotation: Option<Rotation>) -> Self {
        Self { path: path.to_owned(), rotation, open: None }
    }

    /// Writes a line, whole, or leaves the file as it was.
    pub(crate) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_over(line.len() as u64)? {
            self.open = None;
            self.put_aside()?;
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::at(&self.path)?,
        };
        let length = open.file.metadata()?.len();
        if let Err(error) = open.file.write_all(line) {
            // If this fails too, the next line begins behind a torn one.
            drop(open.file.set_len(length));
            return Err(error);
        }
        self.open = Some(open);
        Ok(())
    }

    /// Whether what is there has to make room first.
    fn is_over(&self, more: u64) -> io::Result<bool> {
        let Some(rotation) = self.rotation else { return Ok(false) };
        let (length, since) = match &self.open {
            Some(open) => (open.file.metadata()?.len(), open.since),
            None => match fs::metadata(&self.path) {
                Ok(known) => (known.len(), began(&known)),
                Err(_) => return Ok(false),
            },
        };
        // A clock that was set back makes nothing old.
        let age = since.elapsed().unwrap_or_default();
        let is_full = length.saturating_add(more) > rotation.max_bytes;
        Ok(length > 0 && (is_full || age >= rotation.max_age))
    }

    /// `traces.jsonl` becomes `traces-<milliseconds since 1970>.jsonl`; the oldest of those go.
    fn put_aside(&self) -> io::Result<()> {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let aside = |stamp: u64| self.path.with_file_name(format!("{stem}-{stamp:0STAMP$}.jsonl"));
        let mut stamps = self.stamps(&stem);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        // After a moment, or a clock that was set back, the order is still that of the writing.
        let stamp = stamps.last().map_or(now, |last| now.max(last.saturating_add(1)));
        fs::rename(&self.path, aside(stamp))?;
        stamps.push(stamp);
        let kept = self.rotation.map_or(usize::MAX, |rotation| rotation.kept);
        for old in &stamps[..stamps.len().saturating_sub(kept)] {
            // What cannot be removed is tried again the next time.
            drop(fs::remove_file(aside(*old)));
        }
        Ok(())
    }

    /// Of the files that were put aside before, in order; other names are not ours.
    fn stamps(&self, stem: &str) -> Vec<u64> {
        let directory = self.path.parent().filter(|path| !path.as_os_str().is_empty());
        let Ok(entries) = fs::read_dir(directory.unwrap_or_else(|| Path::new("."))) else {
            return Vec::new();
        };
        let is_stamp =
            |text: &&str| text.len() == STAMP && text.bytes().all(|byte| byte.is_ascii_digit());
        let stamp = |name: &str| {
            let rest = name.strip_prefix(stem)?.strip_prefix('-')?;
            rest.strip_suffix(".jsonl").filter(is_stamp)?.parse().ok()
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut stamps: Vec<u64> = names.filter_map(|name| stamp(name.to_str()?)).collect();
        stamps.sort_unstable();
        stamps
    }
}

impl Open {
    /// To append. A last line without an end, which a killed process left, gets one: it alone is lost.
    fn at(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let known = file.metadata()?;
        if known.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(Self { file, since: began(&known) })
    }
}

/// When a file was made; now, where the system does not know.
fn began(known: &fs::Metadata) -> SystemTime {
    known.created().unwrap_or_else(|_| SystemTime::now())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Removed by its drop.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let name = format!("trackside-file-{name}-{}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        fn file(&self, rotation: Option<Rotation>) -> LineFile {
            LineFile::new(&self.0.join("traces.jsonl"), rotation)
        }

        /// The texts of all files, the oldest first, the current one last.
        fn texts(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
            paths.sort_by_key(|path| (path.ends_with("traces.jsonl"), path.clone()));
            paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_torn_line_gets_its_end() {
        let directory = Directory::new("torn");
        directory.file(None).append(b"{}\n{\"torn").unwrap();
        directory.file(None).append(b"{}\n").unwrap();
        directory.file(None).append(b"{}\n").unwrap();
        assert_eq!(directory.texts(), ["{}\n{\"torn\n{}\n{}\n"]);
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_goes() {
        let directory = Directory::new("full");
        let rotation = Rotation { max_bytes: 8, kept: 2, ..Rotation::default() };
        let mut file = directory.file(Some(rotation));
        fs::create_dir_all(&directory.0).unwrap();
        fs::write(directory.0.join("traces-mine.jsonl"), "mine").unwrap();
        for line in ["aaa\n", "bbb\n", "ccc\n", "ddddddddddddd\n", "eee\n", "fff\n"] {
            file.append(line.as_bytes()).unwrap();
        }
        let texts = directory.texts();
        assert_eq!(texts, ["ccc\n", "ddddddddddddd\n", "mine", "eee\nfff\n"], "no line is cut");
        // Another process finds the file full.
        directory.file(Some(rotation)).append(b"ggg\n").unwrap();
        assert_eq!(directory.texts(), ["ddddddddddddd\n", "eee\nfff\n", "mine", "ggg\n"]);
    }

    #[test]
    fn an_old_file_is_put_aside() {
        let directory = Directory::new("old");
        let rotation = Rotation { max_age: Duration::from_nanos(1), ..Rotation::default() };
        let mut file = directory.file(Some(rotation));
        for line in ["a\n", "b\n"] {
            file.append(line.as_bytes()).unwrap();
        }
        assert_eq!(directory.texts(), ["a\n", "b\n"]);
    }

    #[test]
    fn what_cannot_be_written_says_why_and_may_be_tried_again() {
        let directory = Directory::new("blocked");
        fs::create_dir_all(directory.0.join("traces.jsonl")).unwrap();
        let mut file = directory.file(None);
        file.append(b"a\n").unwrap_err();
        fs::remove_dir(directory.0.join("traces.jsonl")).unwrap();
        file.append(b"b\n").unwrap();
        assert_eq!(directory.texts(), ["b\n"]);
    }
}
