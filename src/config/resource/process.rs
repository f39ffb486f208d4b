//! The process.

use super::Claim;

/// Its number, and what its program is called.
pub(super) fn detect(claim: &mut Claim<'_>) {
    claim("process.pid", &std::process::id().to_string());
    if let Some(name) = super::process_name() {
        claim("process.executable.name", &name);
    }
}

/// What it was started with. Arguments may be secrets, and a path may name a person, so that they are told on request only.
pub(super) fn detect_command_line(claim: &mut Claim<'_>) {
    if let Ok(path) = std::env::current_exe() {
        claim("process.executable.path", &path.to_string_lossy());
    }
    let words: Vec<_> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    claim("process.command_line", &words.join(" "));
}
