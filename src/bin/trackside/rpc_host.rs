//! The host and the client of the demo are the example, file by file.

#[path = "../../../examples/rpc_host/client.rs"]
pub(crate) mod client;
#[path = "../../../examples/rpc_host/engine.rs"]
mod engine;
#[allow(warnings, clippy::all, reason = "generated from engine.capnp")]
#[path = "../../../examples/rpc_host/engine_capnp.rs"]
#[rustfmt::skip]
pub(crate) mod engine_capnp;
#[path = "../../../examples/rpc_host/failure.rs"]
mod failure;
#[path = "../../../examples/rpc_host/host.rs"]
pub(crate) mod host;
#[path = "../../../examples/rpc_host/objects.rs"]
mod objects;
#[path = "../../../examples/rpc_host/process.rs"]
pub(crate) mod process;
#[path = "../../../examples/rpc_host/wire.rs"]
mod wire;
