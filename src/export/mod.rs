//! From bytes to somewhere; no records here.

mod connection;
mod deadline;
mod frame;
mod gzip;
mod http;
mod http_date;
mod protobuf;
mod response;
mod retry;

pub(crate) use frame::{Frame, Outcome};
pub(crate) use http::HttpExporter;
pub(crate) use retry::Policy;

#[cfg(test)]
mod tests;
