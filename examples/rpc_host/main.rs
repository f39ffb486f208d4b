//! The idea: objects served over Cap'n Proto, instrumented at every point of the way of a call.
//!
//! Run it: `cargo run --example rpc_host --features telemetry,capnp-rpc -- host 127.0.0.1:7000`, and in another terminal with
//! `client` instead of `host`. Both print what they saw, or send it to `OTEL_EXPORTER_OTLP_ENDPOINT`, where it is one trace.
//! `trackside demo` runs the same code, with a receiver beside it.

mod client;
mod engine;
#[allow(warnings, clippy::all, reason = "generated from engine.capnp")]
#[rustfmt::skip]
mod engine_capnp;
mod failure;
mod host;
mod objects;
mod process;
mod wire;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["host", address] => process::run("rpc-host", host::run(address)),
        ["client", address] => process::run("rpc-client", client::run(address)),
        _ => Err("usage: rpc_host host|client ADDRESS".into()),
    }
}
