//! Spans as columns, as `schema/columns.capnp` has them.
//!
//! Spans are staged as they come: their texts go to the table at once, the numbers of their attributes
//! into one row. At the end each field of all spans becomes a column, and so does each attribute of the
//! spans that have the same ones (a shape). A column takes as many bytes a span as its numbers differ in.

mod batch;
mod column;
mod encoders;
mod rare;
mod rows;
mod scoped;
mod shapes;
mod span;
#[cfg(test)]
mod tests;
mod traces;
mod write;

pub(crate) use column::{Column, Numbers};
pub(crate) use encoders::ColumnsEncoder;
#[cfg(test)]
pub(crate) use encoders::ColumnsStream;
pub(crate) use rows::to_rows;
pub(crate) use scoped::ScopedColumns;
