//! The ready-made RPC set: one call gives span, metrics and context; off, none of them.

use std::future::Future;
use std::marker::PhantomData;

use super::{Ends, Hook, Instrumented, Parent, Span, bare_future, instrument};

pub use super::super::words::{Direction, Outcome};

/// Which call this is; every text is borrowed, so an off build copies nothing.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Call<'a>(PhantomData<&'a str>);

impl<'a> Call<'a> {
    /// The attribute `method`.
    pub const fn method(_name: &'a str) -> Self {
        Self(PhantomData)
    }

    /// The attribute `cls_id`; empty where not given.
    pub const fn cls_id(self, _id: &'a str) -> Self {
        self
    }

    /// The attribute `object_id`: spans only.
    pub const fn object_id(self, _id: &'a str) -> Self {
        self
    }
}

/// A call or a handler under observation.
#[repr(transparent)]
#[must_use = "futures do nothing unless polled"]
pub struct Observed<F>(F, Hook<F::Output>, Ends<F>)
where
    F: Future,
    F::Output: Outcome;
bare_future!(Observed<F> where F: Future, F::Output: Outcome);

impl<F> Observed<F>
where
    F: Future,
    F::Output: Outcome,
{
    /// Another parent than the current span; decides sampling anew, so call it first.
    pub fn with_parent(self, _parent: Parent) -> Self {
        self
    }

    /// Writes attributes, at once, if recording.
    pub fn with(self, _write: impl FnOnce(&mut Span)) -> Self {
        self
    }

    /// The bounded word for `error_kind` and `error.type`; `_OTHER` where not given, `cancelled` and `panic` are ours.
    pub fn error_kind(self, _kind: fn(&<F::Output as Outcome>::Error) -> &'static str) -> Self {
        self
    }
}

/// `engine.dispatch` around one request or engine run; kind Server where its parent is remote, else Internal.
pub fn dispatch<F: Future>(future: F) -> Instrumented<F> {
    instrument(future, "engine.dispatch")
}

/// `rpc.call`, kind Server (Internal below a dispatch that is the server span).
pub fn server<F>(_call: Call<'_>, future: F) -> Observed<F>
where
    F: Future,
    F::Output: Outcome,
{
    Observed(future, PhantomData, Ends(PhantomData))
}

/// `rpc.call`, kind Client; inject inside the future.
pub fn client<F>(_call: Call<'_>, future: F) -> Observed<F>
where
    F: Future,
    F::Output: Outcome,
{
    Observed(future, PhantomData, Ends(PhantomData))
}

/// `rpc.handler` and `active_handlers`, up from the first poll to the end.
pub fn handler<F>(future: F) -> Observed<F>
where
    F: Future,
    F::Output: Outcome,
{
    Observed(future, PhantomData, Ends(PhantomData))
}

/// `handler` for a handler that is not async.
pub fn handler_fn<R: Outcome>(handler: impl FnOnce() -> R) -> R {
    handler()
}

/// One value of `rpc_payload_bytes`.
pub fn payload(_direction: Direction, _bytes: usize) {}

/// Times one storage operation into `storage_op_latency_ms{operation}`; may be held across `.await`.
pub fn storage(_operation: &'static str) -> StorageTimer {
    StorageTimer(())
}

/// Records when dropped.
#[derive(Debug)]
#[must_use = "the operation is timed until this is dropped"]
pub struct StorageTimer(());

impl Drop for StorageTimer {
    fn drop(&mut self) {}
}

/// Counts one session in `active_sessions` for as long as the value lives.
pub fn session() -> Session {
    Session(())
}

/// One session; belongs in the host's connection type.
#[derive(Debug)]
#[must_use = "the session is counted until this is dropped"]
pub struct Session(());

impl Drop for Session {
    fn drop(&mut self) {}
}
