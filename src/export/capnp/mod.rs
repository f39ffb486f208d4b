//! Cap'n Proto to a receiver: one connection for all destinations of an endpoint, several batches in
//! flight, an answer to each.

mod answer;
mod dial;
mod ended;
mod exporter;
mod hello;
mod link;
mod links;
mod request;
mod session;
mod state;
mod window;

pub(crate) use crate::schema::ingest_capnp::batch::Signal;
pub(crate) use exporter::CapnpExporter;
pub(crate) use links::Links;

/// What one connection has unanswered at most.
pub(crate) const MOST_IN_FLIGHT: usize = window::BATCHES as usize;

#[cfg(test)]
mod tests;
