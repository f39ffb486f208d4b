#![cfg_attr(feature = "telemetry", doc = include_str!("../reference.md"))]
#![cfg_attr(
    not(feature = "telemetry"),
    doc = "Telemetry that a host embeds and forgets; compiled out in this build."
)]

#[cfg(feature = "telemetry")]
mod config;
#[cfg(feature = "telemetry")]
mod context;
#[cfg(feature = "cli")]
pub mod doctor;
#[cfg(feature = "telemetry")]
mod encode;
#[cfg(feature = "telemetry")]
mod error;
#[cfg(feature = "telemetry")]
pub mod export;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "telemetry")]
mod health;
#[cfg(measuring)]
#[doc(hidden)]
pub mod measuring;
#[cfg(feature = "telemetry")]
mod network;
#[cfg(feature = "telemetry")]
pub mod otel;
#[cfg(feature = "telemetry")]
mod pipeline;
#[cfg(feature = "receive")]
pub mod receive;
#[cfg(feature = "telemetry")]
mod record;
#[cfg(any(feature = "telemetry", feature = "capnp-rpc"))]
mod schema;
pub mod telemetry;
#[cfg(feature = "telemetry")]
pub mod testing;
#[cfg(feature = "telemetry")]
mod tls;

/// Rust for `schema/context.capnp`; a schema that embeds it is generated with `crate_provides("trackside", [0xf6377c22065bf9e9])`.
#[cfg(any(feature = "telemetry", feature = "capnp-rpc"))]
pub use schema::context_capnp;

#[cfg(feature = "telemetry")]
pub use record::{Layer, Logger, LogsAs, context_of, layer, set_parent};

/// Its code is compiled and run as the manual's is.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
