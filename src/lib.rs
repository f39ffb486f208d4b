#![allow(missing_docs)]
#[cfg(feature = "telemetry")]
mod config;
#[cfg(feature = "telemetry")]
mod context;
#[cfg(feature = "telemetry")]
mod encode;
#[cfg(feature = "telemetry")]
mod error;
#[cfg(feature = "telemetry")]
mod export;
pub mod telemetry;
