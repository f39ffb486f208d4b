//! Rust for the schema files in `schema/`, written by `scripts/schema` and checked by it.
//!
//! Public is [`context_capnp`] alone, at the crate's root, where code generated with
//! `crate_provides("trackside", [..])` looks for it. The others are the wire between this crate's
//! exporter and receiver; the files in `schema/` specify them.
#![forbid(unsafe_code)]
#![allow(
    missing_docs,
    unreachable_pub,
    unnameable_types,
    dead_code,
    clippy::all,
    clippy::unwrap_used,
    clippy::use_self
)]

#[cfg(feature = "telemetry")]
#[rustfmt::skip]
pub(crate) mod columns_capnp;
#[cfg(feature = "telemetry")]
#[rustfmt::skip]
pub(crate) mod common_capnp;
#[rustfmt::skip]
pub mod context_capnp;
#[cfg(feature = "telemetry")]
#[rustfmt::skip]
pub(crate) mod ingest_capnp;
#[cfg(feature = "telemetry")]
#[rustfmt::skip]
pub(crate) mod logs_capnp;
#[cfg(feature = "telemetry")]
#[rustfmt::skip]
pub(crate) mod metrics_capnp;
#[cfg(all(test, feature = "telemetry"))]
pub(crate) mod next;
#[cfg(feature = "telemetry")]
#[rustfmt::skip]
pub(crate) mod resource_capnp;
#[cfg(feature = "telemetry")]
#[rustfmt::skip]
pub(crate) mod trace_capnp;
