//! Cap'n Proto's messages over any byte stream, for peers that are not trusted: what a connection may
//! cost is bounded before it is spent.
//!
//! An `RpcSystem` prints errors of its own tasks, three of them: `accept`, the shutdown of a connection,
//! and the end of a connection that nobody shut down. The first two never fail here, and the third cannot
//! be while the system lives, which holds the connection until it has shut it down.

mod ahead;
mod budget;
mod closed;
mod connect;
mod connection;
mod direct;
mod enclosed;
mod handle;
mod incoming;
mod limits;
mod outgoing;
mod questions;
#[cfg(any(test, feature = "receive"))]
mod serve;
mod shared;
mod vat;

pub(crate) use budget::Budget;
pub(crate) use closed::{Cause, Closed};
pub(crate) use connect::connect;
pub(crate) use direct::{Answer, Object, Returned};
pub(crate) use enclosed::Mark;
pub(crate) use handle::Handle;
pub(crate) use limits::Limits;
#[cfg(any(test, feature = "receive"))]
pub(crate) use serve::serve;

#[cfg(test)]
mod tests;
