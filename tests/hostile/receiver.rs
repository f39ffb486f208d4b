//! A receiver within the test's own process, so that its counts can be read.

use std::path::PathBuf;

use trackside::receive::{Builder, Receiver, Running, Sink};

pub(crate) fn directory(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("trackside-attack-{}-{name}", std::process::id()))
}

/// Writes what comes to files in the directory of this name.
pub(crate) fn builder(name: &str) -> Builder {
    Receiver::builder().listen("127.0.0.1:0").sink(Sink::files(directory(name))).threads(1)
}

pub(crate) fn address(running: &Running) -> String {
    running.addresses()[0].to_string().trim_start_matches("capnp://").to_owned()
}
