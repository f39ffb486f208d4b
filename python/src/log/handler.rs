//! The handler of `logging`: what runs for each record runs here, without a frame of Python's.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyInt, PyList, PyTuple, PyType};

use crate::counts;
use crate::value::ours_to_keep;

use super::record;

/// From this level on `logging` itself shows what nobody handles.
const WARNING: i32 = 30;

/// The native half of `trackside.Handler`, which is this and a `logging.Handler`.
#[pyclass(frozen, subclass, name = "NativeHandler", module = "trackside")]
pub(crate) struct NativeHandler {
    /// Neither `emit` nor `filter` is a subclass's own.
    is_plain: bool,
    /// What reached standard error without it still does.
    is_silent: bool,
}

#[pymethods]
impl NativeHandler {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*_arguments, **_keywords))]
    fn new(
        class: &Bound<'_, PyType>,
        _arguments: &Bound<'_, PyTuple>,
        _keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let py = class.py();
        let emit = py.get_type::<Self>().getattr("emit")?;
        let filter = py.import("logging")?.getattr("Filterer")?.getattr("filter")?;
        Ok(Self {
            is_plain: class.getattr("emit")?.is(&emit) && class.getattr("filter")?.is(&filter),
            is_silent: class.getattr("_is_silent")?.is_truthy()?,
        })
    }

    /// Filters a record, and forwards what is left.
    fn handle(slf: &Bound<'_, Self>, record: &Bound<'_, PyAny>) -> PyResult<bool> {
        let (py, this) = (slf.py(), slf.get());
        let filters = slf.getattr(pyo3::intern!(py, "filters"))?;
        let has_filters = filters.cast::<PyList>().map_or(true, |filters| !filters.is_empty());
        if this.is_plain && !has_filters {
            this.take(slf, record)?;
            return Ok(true);
        }
        // A filter says yes or no, or gives another record.
        let kept = slf.call_method1(pyo3::intern!(py, "filter"), (record,))?;
        if !kept.is_truthy()? {
            return Ok(false);
        }
        let record = if kept.is_instance_of::<PyInt>() { record } else { &kept };
        slf.call_method1(pyo3::intern!(py, "emit"), (record,))?;
        Ok(true)
    }

    /// Forwards one record; nothing of that reaches the host.
    fn emit(slf: &Bound<'_, Self>, record: &Bound<'_, PyAny>) -> PyResult<()> {
        slf.get().take(slf, record)
    }
}

impl NativeHandler {
    fn take(&self, slf: &Bound<'_, Self>, record: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = record.py();
        let level = match record::forward(record) {
            Ok(level) => level,
            Err(error) => {
                ours_to_keep(py, error)?;
                counts::FAILED_LOGS.add(1);
                None
            }
        };
        if self.is_silent && level.is_none_or(|level| level >= WARNING) {
            if let Err(error) = show(slf, record) {
                ours_to_keep(py, error)?;
            }
        }
        Ok(())
    }
}

/// What of `logging` is looked at, found once.
struct Logging {
    module: Py<PyAny>,
    root: Py<PyAny>,
    class: Py<PyAny>,
    /// By their names.
    loggers: Py<PyDict>,
}

fn logging(py: Python<'_>) -> PyResult<&Logging> {
    static FOUND: PyOnceLock<Logging> = PyOnceLock::new();
    FOUND.get_or_try_init(py, || {
        let module = py.import("logging")?.into_any();
        let root = module.getattr("root")?;
        let loggers = root.getattr("manager")?.getattr("loggerDict")?.cast_into::<PyDict>()?;
        Ok(Logging {
            class: module.getattr("Logger")?.unbind(),
            module: module.unbind(),
            root: root.unbind(),
            loggers: loggers.unbind(),
        })
    })
}

/// Hands a warning to the handler of last resort, where no other handler sees it.
///
/// `logging` writes warnings to standard error where no handler is set up at all, and ours is none that shows
/// anything.
fn show(slf: &Bound<'_, NativeHandler>, record: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = record.py();
    let logging = logging(py)?;
    if is_shown(slf, logging, record)? {
        return Ok(());
    }
    let level = record.getattr(pyo3::intern!(py, "levelno"))?;
    let last = logging.module.bind(py).getattr(pyo3::intern!(py, "lastResort"))?;
    if !last.is_none() && level.ge(WARNING)? && level.ge(last.getattr("level")?)? {
        last.call_method1(pyo3::intern!(py, "handle"), (record,))?;
    }
    Ok(())
}

/// Whether a handler besides ours sees this record.
fn is_shown(
    slf: &Bound<'_, NativeHandler>,
    logging: &Logging,
    record: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    let py = slf.py();
    let has_others = |logger: &Bound<'_, PyAny>| -> PyResult<bool> {
        let handlers = logger.getattr(pyo3::intern!(py, "handlers"))?.cast_into::<PyList>()?;
        Ok(handlers.iter().any(|handler| !handler.is(slf)))
    };
    let root = logging.root.bind(py);
    // The most usual case: what came to ours came to those beside it.
    if has_others(root)? {
        return Ok(true);
    }
    // A name that only lies between others has a place, and no handlers.
    let name = record.getattr(pyo3::intern!(py, "name"))?;
    let mut logger = match logging.loggers.bind(py).get_item(name)? {
        Some(found) if found.is_instance(logging.class.bind(py))? => found,
        _ => root.clone(),
    };
    loop {
        if has_others(&logger)? {
            return Ok(true);
        }
        if !logger.getattr(pyo3::intern!(py, "propagate"))?.is_truthy()? {
            return Ok(false);
        }
        logger = logger.getattr(pyo3::intern!(py, "parent"))?;
        if logger.is_none() {
            return Ok(false);
        }
    }
}
