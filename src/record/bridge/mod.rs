//! Where other libraries' ways of saying things come in.

pub(crate) mod otel;
