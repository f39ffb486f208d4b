//! The façade, off: every name a host may write, each compiled to nothing.
//!
//! Off is never laxer than on: the same newtypes, `Drop`s, `must_use`s and auto traits, so that
//! what builds here builds there. Nothing here evaluates a closure or allocates.

mod config;
mod handle;
mod metric;
pub(super) mod rpc;
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

/// The `Drop` of a twin that ends the span, for a wrapper whose future may move to another.
struct Ends<F>(std::marker::PhantomData<F>);

impl<F> Drop for Ends<F> {
    #[inline(always)]
    fn drop(&mut self) {}
}

/// A future that stands for the bare one: the same size, the same polls, as strict to build as its twin.
macro_rules! bare_future {
    ($name:ident<F $(, $hooks:ident)?> where $($bound:tt)*) => {
        impl<F $(, $hooks)?> std::future::Future for $name<F $(, $hooks)?> where $($bound)* {
            type Output = F::Output;

            #[inline(always)]
            fn poll(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<F::Output> {
                // SAFETY: the only field that is not empty is structurally pinned: no other projection, and no `drop` touches it.
                unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(cx)
            }
        }

        impl<F: std::fmt::Debug $(, $hooks)?> std::fmt::Debug for $name<F $(, $hooks)?>
        where
            $($bound)*
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }
    };
}
use bare_future;
