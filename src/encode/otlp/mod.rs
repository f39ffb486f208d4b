//! OTLP as protobuf, written directly: no intermediate structs, one pass.

mod attribute;
mod proto;
#[cfg(test)]
mod tests;
mod trace;

pub(crate) use trace::TraceEncoder;
