//! From items to bytes; no sockets here.

pub(crate) mod console;
pub(crate) mod otlp;
#[cfg(test)]
mod sample;
pub(crate) mod view;
