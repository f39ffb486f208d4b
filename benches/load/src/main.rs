//! What telemetry costs an RPC server whose cores are all busy. `scripts/bench-load` builds this twice, with the
//! feature `telemetry` and without, and runs the driver.
//!
//! Four kinds of process: the driver; and for each measurement a server, a client that loads it, and a sink that
//! takes what the server exports, counts it and throws it away. All of them share the machine's cores.

mod child;
mod client;
mod cost;
#[path = "../../wire/src/cpu.rs"]
#[allow(dead_code, reason = "nothing is kept on one core here")]
mod cpu;
mod drive;
#[allow(warnings, clippy::all, reason = "generated from engine.capnp")]
#[path = "../../../examples/rpc_host/engine_capnp.rs"]
#[rustfmt::skip]
mod engine_capnp;
mod items;
#[path = "../../wire/src/record.rs"]
mod record;
mod row;
mod server;
mod sink;
mod table;
mod variant;
#[path = "../../../examples/rpc_host/wire.rs"]
mod wire;
mod work;

use std::error::Error;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: load-bench run --without BINARY [--rounds N] [--seconds N] [--in-flight N] \
    [--iterations N] [--record FILE] [--may-drop]\n       load-bench table FILE";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["server", ref rest @ ..] => server::run(rest),
        ["client", ref rest @ ..] => client::run(rest),
        ["sink"] => sink::run(),
        ["run", ref rest @ ..] => drive::run(rest),
        ["table", file] => table::of_file(file),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load-bench: FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}
