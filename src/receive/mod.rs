//! The other end of the wire: a receiver of Cap'n Proto telemetry.
//!
//! It takes batches over TCP and Unix sockets, checks them, and hands them to its sinks: OTLP over HTTP
//! to any collector, JSON lines to files, text on the console. Each batch is taken once, however often it comes.
//!
//! ```no_run
//! use std::time::Duration;
//! use trackside::receive::{Durability, Receiver};
//!
//! # fn main() -> Result<(), trackside::receive::Error> {
//! let receiver = Receiver::builder()
//!     .listen("127.0.0.1:4319")
//!     .forward("http://localhost:4318")
//!     .durability(Durability::Forwarded)
//!     .start()?;
//! println!("{}", receiver.addresses()[0]);
//! // ... until it is time to go ...
//! let counts = receiver.shutdown(Duration::from_secs(10))?;
//! assert_eq!(counts.lost(), 0);
//! # Ok(())
//! # }
//! ```

mod address;
mod attempts;
mod builder;
mod connection;
mod counts;
mod credentials;
mod error;
mod event_loop;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod gateway;
mod greeting;
mod health;
mod link;
mod listener;
mod metrics;
pub(crate) mod rows;
mod running;
mod session;
mod settings;
mod shared;
mod sink;
mod stream;
mod tokens;
#[cfg(unix)]
mod unix;
mod verdict;
mod windows;
#[cfg(feature = "zstd")]
#[path = "zstd/on.rs"]
mod zstd;
#[cfg(not(feature = "zstd"))]
#[path = "zstd/off.rs"]
mod zstd;

#[cfg(test)]
pub(crate) mod tests;

pub use address::Address;
pub use builder::Builder;
pub use counts::{Arrived, Causes, Connections, Counts, Flow, SinkCounts};
pub use error::Error;
pub use running::Running;
pub use settings::Durability;
pub use sink::Sink;
#[cfg(measuring)]
pub(crate) use sink::sum_of_fields;

/// Where a receiver listens that is not told where.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:4319";

/// A receiver of telemetry.
#[derive(Clone, Copy, Debug)]
pub struct Receiver;

impl Receiver {
    /// A receiver's settings, to be filled in and started.
    pub fn builder() -> Builder {
        Builder::default()
    }
}
