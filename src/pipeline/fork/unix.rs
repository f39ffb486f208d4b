//! How the system tells of a fork.

extern "C" fn before() {
    super::before();
}

extern "C" fn in_parent() {
    super::in_parent();
}

extern "C" fn in_child() {
    super::in_child();
}

/// Only for want of memory can it refuse; then a child has no telemetry, as before.
pub(super) fn watch() {
    // SAFETY: the three are functions of this library, take nothing, and do not unwind. A library that is unloaded
    // takes its handlers along. In the child, which has this thread only, they use atomics, memory and locks that
    // this thread holds.
    unsafe {
        libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child));
    }
}
