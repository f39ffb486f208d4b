//! The idea: objects served over Cap'n Proto, instrumented at every point of the way of a call.
//!
//! `cargo run --example rpc_host --features telemetry,capnp-rpc -- host 127.0.0.1:7000`, and with `client` in another
//! terminal. Both print what they saw, or send it to `OTEL_EXPORTER_OTLP_ENDPOINT`, where it is one trace.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program may print, the library never does"
)]

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
use std::io;

use tokio::net::TcpListener;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [role, address] = &arguments[..] else {
        return Err("usage: rpc_host host|client ADDRESS".into());
    };
    match role.as_str() {
        "host" => process::run("rpc-host", async {
            let listener = TcpListener::bind(address).await?;
            println!("serving {}; Enter ends it", listener.local_addr()?);
            let enter = tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new()));
            host::serve(listener, async { drop(enter.await) }).await
        }),
        _ => process::run("rpc-client", client::run(address)),
    }
}
