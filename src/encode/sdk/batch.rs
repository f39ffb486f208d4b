//! What an exporter of the SDK takes: items that are built, not bytes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::logs::SdkLogRecord;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::trace::SpanData;

/// The items of one frame, of one signal.
pub(crate) enum Items {
    Spans(Vec<SpanData>),
    Logs(Vec<(SdkLogRecord, InstrumentationScope)>),
    Metrics(Arc<ResourceMetrics>),
}

/// Items on their way to one exporter. Such a frame is sent once, so cloning shares them.
#[derive(Clone)]
pub(crate) struct SdkBatch {
    items: Arc<Mutex<Option<Items>>>,
    size: usize,
}

impl SdkBatch {
    /// `size` is about how many bytes of memory the items take.
    pub(crate) fn new(items: Items, size: usize) -> Self {
        Self { items: Arc::new(Mutex::new(Some(items))), size }
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Empty after the first time.
    pub(crate) fn take(&self) -> Option<Items> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for SdkBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SdkBatch").field("size", &self.size).finish_non_exhaustive()
    }
}
