//! An answer that one thread gives and another waits for, blocking or as a future.

use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::sync::{Condvar, Mutex};

/// Empty until `complete`, which works once.
#[derive(Debug)]
pub(crate) struct Completion<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    value: Option<T>,
    /// One for each task that waits.
    wakers: Vec<Waker>,
    /// Threads that block: to tell nobody is a call of the system too.
    blocked: usize,
}

impl<T> Default for Completion<T> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State { value: None, wakers: Vec::new(), blocked: 0 }),
            changed: Condvar::new(),
        }
    }
}

impl<T: Clone> Completion<T> {
    pub(crate) fn complete(&self, value: T) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.value.get_or_insert(value);
        let wakers = std::mem::take(&mut state.wakers);
        let is_awaited = state.blocked != 0;
        drop(state);
        if is_awaited {
            self.changed.notify_all();
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Blocks until the answer is there; `None` at the deadline.
    pub(crate) fn wait(&self, deadline: Instant) -> Option<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.value.is_none() {
            let left = deadline.checked_duration_since(Instant::now())?;
            state.blocked += 1;
            state =
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.blocked -= 1;
        }
        state.value.clone()
    }

    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.value {
            Some(value) => Poll::Ready(value.clone()),
            None => {
                if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                    state.wakers.push(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}
