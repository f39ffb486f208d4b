//! The façade, off: every name a host may write, each compiled to nothing.
//!
//! Off is never laxer than on: the same newtypes, `Drop`s, `must_use`s and auto traits, so that
//! what builds here builds there. Nothing here evaluates a closure or allocates.

mod config;
mod handle;
mod metric;
pub mod rpc;
mod span;

pub use config::TelemetryConfig;
pub use handle::{Error, Report, Shutdown, Telemetry, init, register_service};
pub use metric::{
    Counter, Gauge, Histogram, UpDownCounter, counter, gauge, histogram, up_down_counter,
};
pub use span::{
    CurrentSpan, InContext, Instrumented, Parent, Span, SpanGuard, current, extract, extract_from,
    forward_log, forward_log_at, in_context, in_context_fn, inject, inject_into, instrument,
    log_error, log_error_with, span,
};

/// Keeps a type on its thread, as its twin is.
type NotSend = std::marker::PhantomData<*const ()>;

/// Keeps a future from standing for one with a shorter life, as its twin's hook for the output does.
type Hook<T> = std::marker::PhantomData<fn(&T)>;

/// A future that stands for the bare one: the same size, the same polls, as strict to build as its twin.
macro_rules! bare_future {
    ($name:ident where $($bound:tt)*) => {
        impl<F> std::future::Future for $name<F> where $($bound)* {
            type Output = F::Output;

            #[inline(always)]
            fn poll(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<F::Output> {
                // SAFETY: the only field that is not empty is structurally pinned: no other projection, and `drop` does not touch it.
                unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(cx)
            }
        }

        impl<F: std::fmt::Debug> std::fmt::Debug for $name<F> where $($bound)* {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }

        // As its twin, which closes the span here.
        impl<F> Drop for $name<F> where $($bound)* {
            #[inline(always)]
            fn drop(&mut self) {}
        }
    };
}
use bare_future;
