//! `trackside receive` as a process of its own, so that its memory is its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::SOON;

/// Killed with its handle.
pub(crate) struct Process {
    child: Child,
    address: String,
    errors: Arc<Mutex<String>>,
    directory: PathBuf,
}

/// Another build of the receiver, with optimizations: the tests say `cargo test` and mean the program that is used.
fn optimized() -> Option<String> {
    std::env::var("TRACKSIDE_BINARY").ok()
}

/// Whether the receiver is a build with optimizations.
pub(crate) fn is_optimized() -> bool {
    optimized().is_some() || !cfg!(debug_assertions)
}

impl Process {
    /// Listens at a free port, writes to files, and takes these arguments too.
    pub(crate) fn start(binary: &str, arguments: &[&str]) -> Self {
        let binary = &optimized().unwrap_or_else(|| binary.to_owned());
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("trackside-attack-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        let mut command = Command::new(binary);
        command.args(["receive", "--listen", "127.0.0.1:0", "--max-connections", "20000"]);
        command.args(["--threads", "2", "--file"]).arg(&directory).args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
            command.env_remove(name);
        }
        let mut child = command.spawn().expect("the binary starts");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        out.read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("listening at ").unwrap_or_default();
        let address = address.trim_start_matches("capnps://").trim_start_matches("capnp://");
        let errors = Arc::new(Mutex::new(String::new()));
        let mut from = child.stderr.take().expect("it is piped");
        let to = Arc::clone(&errors);
        std::thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut some) {
                let text = String::from_utf8_lossy(&some[..length]);
                to.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        let process = Self { address: address.to_owned(), child, errors, directory };
        assert!(!process.address.is_empty(), "{line:?} {}", process.errors());
        process
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Resident bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let kib = line.trim().trim_end_matches("kB").trim().parse::<u64>();
        kib.expect("a process has memory") * 1024
    }

    /// The most that was resident since the last [`forget_peak`](Self::forget_peak).
    pub(crate) fn peak(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kib = line.trim().trim_end_matches("kB").trim().parse::<u64>();
        kib.expect("a process has memory") * 1024
    }

    pub(crate) fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.id()), "5").expect("it is our child");
    }

    /// Processor time so far, in steps of 10 ms.
    pub(crate) fn processor(&self) -> Duration {
        let stat = self.proc("stat");
        let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks = |field: usize| {
            let text = after.split_whitespace().nth(field).unwrap_or_default();
            text.parse::<u64>().unwrap_or_default()
        };
        Duration::from_millis(10 * (ticks(11) + ticks(12)))
    }

    fn proc(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.id());
        std::fs::read_to_string(path).expect("the receiver lives")
    }

    /// What it said on standard error so far.
    pub(crate) fn errors(&self) -> String {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lines that it wrote into its file of spans.
    pub(crate) fn spans(&self) -> String {
        std::fs::read_to_string(self.directory.join("traces.jsonl")).unwrap_or_default()
    }

    /// Whether it still runs, and no part of it panicked.
    #[track_caller]
    pub(crate) fn assert_well(&mut self) {
        let ended = self.child.try_wait().expect("it is our child");
        let errors = self.errors();
        assert!(ended.is_none(), "it ended: {ended:?}\n{errors}");
        assert!(!errors.contains("panicked"), "{errors}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// So many open files for a process of ours; false where the system does not allow them, said loudly.
pub(crate) fn may_open(id: u32, files: u64) -> bool {
    let allowed = || {
        let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap_or_default();
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        let mut words = line.unwrap_or_default().split_whitespace().map(str::to_owned);
        let number = |word: Option<String>| match word.as_deref() {
            Some("unlimited") => u64::MAX,
            Some(word) => word.parse().unwrap_or_default(),
            None => 0,
        };
        (number(words.next()), number(words.next()))
    };
    if allowed().0 < files && allowed().1 >= files {
        let id = id.to_string();
        let limit = format!("--nofile={files}:");
        let _ = std::process::Command::new("prlimit").args(["--pid", &id, &limit]).status();
    }
    let enough = allowed().0 >= files;
    if !enough {
        let (soft, hard) = allowed();
        // Not through the macro, whose lines a passing test does not show.
        let _ = writeln!(
            std::io::stderr(),
            "MISSING: {files} open files; this system allows {soft} ({hard} with prlimit): \
             THE ROWS OF 10,000 CONNECTIONS WERE NOT TESTED"
        );
    }
    enough
}

/// A receiver whose memory and time are measured: one at a time.
pub(crate) fn alone(binary: &str, arguments: &[&str]) -> (MutexGuard<'static, ()>, Process) {
    static ONE: Mutex<()> = Mutex::new(());
    let turn = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    (turn, Process::start(binary, arguments))
}

/// Shown also where the test passes: the manual quotes these numbers.
pub(crate) fn measured(row: &str, what: &str) {
    let _ = writeln!(std::io::stderr(), "measured: row {row}: {what}");
}

pub(crate) fn grown(process: &Process, before: u64) -> u64 {
    process.memory().saturating_sub(before)
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < end, "{what} did not happen within {SOON:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
