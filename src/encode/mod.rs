//! From items to bytes; no sockets here.

pub(crate) mod view;
