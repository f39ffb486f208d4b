//! What reads a future's output into its span: types, so that a future without them holds nothing and
//! asks nothing.

use std::fmt;

use super::Span;
use super::rpc::Outcome;

/// What [`Instrumented`](super::Instrumented) does with an output of type `T`; nobody else's trait.
#[allow(unnameable_types, reason = "nobody else implements it")]
pub trait Hooks<T> {
    /// Whether it does anything.
    const READS: bool;

    /// Reads the output, once.
    fn read(&mut self, output: &T, span: &mut Span);
}

impl<T> Hooks<T> for () {
    const READS: bool = false;

    #[inline]
    fn read(&mut self, _: &T, _: &mut Span) {}
}

/// [`Instrumented::errors`](super::Instrumented::errors), before what else reads the output.
#[derive(Debug)]
pub struct OnError<H = ()>(pub(crate) H);

impl<T: Outcome, H: Hooks<T>> Hooks<T> for OnError<H> {
    const READS: bool = true;

    fn read(&mut self, output: &T, span: &mut Span) {
        if let Some(error) = output.error() {
            span.error("_OTHER", error);
        }
        self.0.read(output, span);
    }
}

/// [`Instrumented::on_output`](super::Instrumented::on_output), after what else reads the output.
pub struct OnOutput<R, H = ()> {
    pub(crate) others: H,
    /// Until the output is there.
    pub(crate) read: Option<R>,
}

impl<T, R: FnOnce(&T, &mut Span), H: Hooks<T>> Hooks<T> for OnOutput<R, H> {
    const READS: bool = true;

    fn read(&mut self, output: &T, span: &mut Span) {
        self.others.read(output, span);
        if let Some(read) = self.read.take() {
            read(output, span);
        }
    }
}

impl<R, H> fmt::Debug for OnOutput<R, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnOutput").finish_non_exhaustive()
    }
}
