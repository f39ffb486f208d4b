//! The native half of the Python package `trackside`: what Python says, handed to the core.
//!
//! Python's modules in `python/trackside/` are thin; here is what runs for each span and each record. A host with
//! an extension module of its own takes this crate in, calls [`add_to`] for its module, and [`run_in_context`] or
//! [`in_context`] where its Rust is called from Python.

mod capture;
mod context;
mod counts;
mod exception;
mod log;
mod metric;
mod names;
mod parent;
mod probe;
mod sdk;
mod setup;
mod span;
mod steps;
mod value;

use pyo3::prelude::*;
use pyo3::types::PyModule;

pub use context::{in_context, run_in_context};
pub use parent::PyParent;
pub use span::PySpan;

/// Puts the native functions and classes into a module.
///
/// # Errors
/// Python's, where the module cannot take them.
pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    macro_rules! functions {
        ($($function:path),* $(,)?) => {
            $(module.add_function(wrap_pyfunction!($function, module)?)?;)*
        };
    }
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<PySpan>()?;
    module.add_class::<PyParent>()?;
    module.add_class::<capture::PyCapture>()?;
    module.add_class::<log::handler::NativeHandler>()?;
    module.add_class::<metric::PyCounter>()?;
    module.add_class::<metric::PyUpDownCounter>()?;
    module.add_class::<metric::PyGauge>()?;
    module.add_class::<metric::PyHistogram>()?;
    module.add_class::<metric::Measured>()?;
    module.add_class::<sdk::SdkExporter>()?;
    functions!(
        setup::init_telemetry,
        setup::shutdown_telemetry,
        setup::flush_telemetry,
        setup::status_of_telemetry,
        setup::report_of_telemetry,
        setup::choose_sampler,
        setup::set_log_filter,
        setup::inherited,
        setup::take_sayings,
        setup::register_class,
        log::forward_log,
        span::span,
        span::current_span,
        span::bridge::set_bridge,
        context::inject_headers,
        context::extract_headers,
        context::current_parent,
        context::held_context,
        context::hold_context,
        metric::counter,
        metric::up_down_counter,
        metric::gauge,
        metric::histogram,
        metric::server,
        metric::client,
        metric::handler,
        metric::dispatch,
        metric::payload,
        metric::storage,
        metric::session,
        probe::call_in_rust,
        probe::await_in_rust,
    );
    Ok(())
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    add_to(module)
}
